from slos.admin import definitions, measured

__all__ = ["definitions", "measured"]
