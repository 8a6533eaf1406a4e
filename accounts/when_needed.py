"""Packages that one request in thousands needs, and that would cost every web process some 10 MB each."""

from functools import cache
from importlib import import_module
from typing import Any


@cache
def when_needed(name: str) -> Any:
    """A module, loaded when somebody first asks for it."""
    return import_module(name)
