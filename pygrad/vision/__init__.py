"""Image datasets and transforms, under torchvision's names."""

from __future__ import annotations

from pygrad.vision import datasets, transforms

__all__ = ["datasets", "transforms"]
