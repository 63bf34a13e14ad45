"""Transforms of kind and value: ToTensor, PILToTensor, ConvertImageDtype, Normalize."""

from __future__ import annotations

import pygrad
from pygrad.vision.transforms import functional

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pygrad import Tensor, dtype

__all__ = ["ConvertImageDtype", "Normalize", "PILToTensor", "ToTensor"]


class ToTensor:
    """An image of bytes as a float tensor (channels, height, width) in [0, 1].

    Takes PIL images and uint8 arrays or tensors, (height, width) or (height, width, channels);
    arrays and tensors of other types are laid out the same way but not scaled.

    Example:
        >>> import pygrad
        >>> image = pygrad.full((2, 2), 255, dtype=pygrad.uint8)
        >>> pygrad.vision.transforms.ToTensor()(image)
        tensor([[[1., 1.],
                 [1., 1.]]])
    """

    def __call__(self, image: Any) -> Tensor:
        return functional.to_tensor(image)

    def apply_batch(self, images: Any) -> Any:
        """The transform of grey images (batch, height, width)."""
        if images.dim() != 3 or images.dtype != pygrad.uint8:
            return NotImplemented
        return images.unsqueeze(1).to(pygrad.get_default_dtype()).div_(255)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class PILToTensor:
    """A PIL image as a tensor (channels, height, width) of the same type, not scaled."""

    def __call__(self, image: Any) -> Tensor:
        return functional.pil_to_tensor(image)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ConvertImageDtype:
    """A tensor image in another dtype, scaled to its range: [0, 1] or 0..largest.

    Args:
        dtype: the new one.
    """

    def __init__(self, dtype: dtype) -> None:
        self.dtype = dtype

    def __call__(self, image: Tensor) -> Tensor:
        return functional.convert_image_dtype(image, self.dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Normalize:
    """`(image - mean) / std`, channel by channel.

    Args:
        mean: one per channel.
        std: one per channel, none of them 0.
        inplace: change the given tensor.

    Example:
        >>> import pygrad
        >>> pygrad.vision.transforms.Normalize((0.5,), (0.5,))(pygrad.ones(1, 1, 2))
        tensor([[[1., 1.]]])
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def __call__(self, image: Tensor) -> Tensor:
        return functional.normalize(image, self.mean, self.std, self.inplace)

    def apply_batch(self, images: Any) -> Any:
        """The transform of images (batch, channels, height, width)."""
        if images.dim() < 4:
            return NotImplemented
        return functional.normalize(images, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"
