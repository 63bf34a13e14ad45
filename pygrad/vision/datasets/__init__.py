"""Image datasets: MNIST, FashionMNIST and scikit-learn's Digits."""

from __future__ import annotations

from pygrad.vision.datasets.digits import Digits
from pygrad.vision.datasets.images import ImageDataset
from pygrad.vision.datasets.mnist import MNIST, FashionMNIST

__all__ = ["MNIST", "Digits", "FashionMNIST", "ImageDataset"]
