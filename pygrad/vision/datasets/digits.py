"""Scikit-learn's handwritten digits: real data that needs no download."""

from __future__ import annotations

import pygrad
from pygrad.vision.datasets.images import ImageDataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Digits"]

_TRAIN_COUNT = 1437  # four fifths of 1797


class Digits(ImageDataset):
    """1797 handwritten digits, 8 x 8 (UCI optical recognition of handwritten digits).

    The grey values 0..16 are stretched to 0..255, so that ToTensor gives 0..1. The first 1437
    are the training set; the rest, by other writers, the test set.

    Args:
        root: accepted for the likeness to other datasets; the data comes with scikit-learn.
        train: the training set, else the test set; None for all.
        transform: what is made of an image; see `ImageDataset`.
        target_transform: what is made of a target, an int.

    Raises:
        ImportError: scikit-learn is not installed.

    Example:
        >>> from pygrad.vision.datasets import Digits
        >>> len(Digits(train=None))  # doctest: +SKIP
        1797
    """

    classes = tuple(str(digit) for digit in range(10))

    def __init__(
        self,
        root: Any = None,
        train: bool | None = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        try:
            from sklearn.datasets import load_digits
        except ImportError as error:
            raise ImportError(
                "Digits(): the data comes with scikit-learn, which is not installed; "
                "expected it. Run: pip install 'pygrad[examples]'"
            ) from error
        loaded = load_digits()
        images = pygrad.from_numpy((loaded.images * (255.0 / 16.0)).round().astype("uint8"))
        targets = pygrad.from_numpy(loaded.target.astype("int64"))
        if train is not None:
            part = slice(0, _TRAIN_COUNT) if train else slice(_TRAIN_COUNT, None)
            images, targets = images[part], targets[part]
        self.root = root
        self.train = train
        super().__init__(images, targets, transform, target_transform)

    def extra_repr(self) -> str:
        """Which part this is."""
        names = {None: "All", True: "Train", False: "Test"}
        return f"Split: {names[self.train]}"
