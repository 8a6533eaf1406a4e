"""What one request in thousands needs, and every web process would pay for: packages of 10 MB, modules of 1 MB."""

from functools import cache
from importlib import import_module
from typing import Any


@cache
def when_needed(name: str) -> Any:
    """A module, loaded when somebody first asks for it."""
    return import_module(name)
