"""Helpers around training: data loading, and what other modules of this package add."""

from __future__ import annotations

from pygrad.utils import data

__all__ = ["data"]
