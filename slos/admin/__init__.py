from slos.admin import calendars, definitions, exclusions, measured

__all__ = ["calendars", "definitions", "exclusions", "measured"]
