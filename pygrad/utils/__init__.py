"""Helpers around training: data loading, and what other modules of this package add."""

from __future__ import annotations

from pygrad.utils import data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from pygrad.utils import checkpoint

__all__ = ["checkpoint", "data"]


def __getattr__(name: str) -> ModuleType:
    if name == "checkpoint":
        import importlib

        return importlib.import_module("pygrad.utils.checkpoint")
    raise AttributeError(f"module 'pygrad.utils' has no attribute {name!r}")
