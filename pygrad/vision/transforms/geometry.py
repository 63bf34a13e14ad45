"""Transforms of size and place: Resize, Pad, crops and flips."""

from __future__ import annotations

import pygrad
from pygrad.vision.transforms import functional
from pygrad.vision.transforms.functional import InterpolationMode, size_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["CenterCrop", "Pad", "RandomCrop", "RandomHorizontalFlip", "Resize"]


class Resize:
    """The image in another size.

    Args:
        size: (height, width), or the length of the shorter side.
        interpolation: `"nearest"` or `"bilinear"`.
        max_size: upper bound of the longer side.
        antialias: widen the bilinear filter when making smaller.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: str = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        self.size = size
        self.interpolation = interpolation
        self.max_size = max_size
        self.antialias = antialias

    def __call__(self, image: Any) -> Any:
        return functional.resize(
            image, self.size, self.interpolation, self.max_size, self.antialias
        )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(size={self.size}, interpolation={self.interpolation}, "
            f"max_size={self.max_size}, antialias={self.antialias})"
        )


class CenterCrop:
    """The middle of the image, filled up with zeros where the image is smaller.

    Args:
        size: (height, width), or the side of a square.
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = size_pair("CenterCrop", size)

    def __call__(self, image: Any) -> Any:
        return functional.center_crop(image, self.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class Pad:
    """A margin around the image.

    Args:
        padding: of all sides, (left and right, top and bottom), or (left, top, right, bottom).
        fill: value of a constant margin.
        padding_mode: `"constant"`, `"edge"`, `"reflect"` or `"symmetric"`.
    """

    def __init__(
        self, padding: int | Sequence[int], fill: float = 0, padding_mode: str = "constant"
    ) -> None:
        functional.padding_sides(padding)
        functional.check_padding_mode(padding_mode)
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def __call__(self, image: Any) -> Any:
        return functional.pad(image, self.padding, self.fill, self.padding_mode)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(padding={self.padding}, fill={self.fill}, "
            f"padding_mode={self.padding_mode})"
        )


class RandomCrop:
    """A part of the image at a random place.

    Args:
        size: (height, width), or the side of a square.
        padding: a margin that is added first; see `Pad`.
        pad_if_needed: pad an image that is too small.
        fill: value of a constant margin.
        padding_mode: of the margin; see `Pad`.

    Raises:
        ValueError: the image is smaller than the part.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: float = 0,
        padding_mode: str = "constant",
    ) -> None:
        self.size = size_pair("RandomCrop", size)
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    def __call__(self, image: Any) -> Any:
        if self.padding is not None:
            image = functional.pad(image, self.padding, self.fill, self.padding_mode)
        height, width = functional.image_size(image)
        rows, columns = self.size
        if self.pad_if_needed and width < columns:
            image = functional.pad(image, (columns - width, 0), self.fill, self.padding_mode)
        if self.pad_if_needed and height < rows:
            image = functional.pad(image, (0, rows - height), self.fill, self.padding_mode)
        height, width = functional.image_size(image)
        if height < rows or width < columns:
            raise ValueError(
                f"RandomCrop(): Required crop size {(rows, columns)} is larger than input image "
                f"size {(height, width)}"
            )
        if (height, width) == (rows, columns):
            return image
        top = int(pygrad.randint(0, height - rows + 1, (1,)))
        left = int(pygrad.randint(0, width - columns + 1, (1,)))
        return functional.crop(image, top, left, rows, columns)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, padding={self.padding})"


class RandomHorizontalFlip:
    """The image mirrored left to right with probability `p`.

    Args:
        p: probability.
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, image: Any) -> Any:
        return functional.hflip(image) if float(pygrad.rand(1)) < self.p else image

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"
