from slos.admin import definitions, exclusions, measured

__all__ = ["definitions", "exclusions", "measured"]
