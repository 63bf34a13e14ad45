"""Image transforms under torchvision's names, for tensors, NumPy arrays and PIL images."""

from __future__ import annotations

from pygrad.vision.transforms import functional
from pygrad.vision.transforms.composing import Compose, Lambda, RandomApply
from pygrad.vision.transforms.converting import (
    ConvertImageDtype,
    Normalize,
    PILToTensor,
    ToTensor,
)
from pygrad.vision.transforms.functional import InterpolationMode
from pygrad.vision.transforms.geometry import (
    CenterCrop,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    Resize,
)

__all__ = [
    "CenterCrop",
    "Compose",
    "ConvertImageDtype",
    "InterpolationMode",
    "Lambda",
    "Normalize",
    "PILToTensor",
    "Pad",
    "RandomApply",
    "RandomCrop",
    "RandomHorizontalFlip",
    "Resize",
    "ToTensor",
    "functional",
]
