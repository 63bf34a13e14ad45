"""The transforms as functions. Tensor images are (..., height, width), of any leading shape."""

from __future__ import annotations

import sys

import pygrad
from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pygrad import Tensor, dtype

__all__ = [
    "InterpolationMode",
    "center_crop",
    "convert_image_dtype",
    "crop",
    "hflip",
    "normalize",
    "pad",
    "pil_to_tensor",
    "resize",
    "to_tensor",
]

_PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


class InterpolationMode:
    """Names of the ways to resize."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"


def _is_pil(image: Any) -> bool:
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(image, module.Image)


def _check_image(owner: str, image: Any) -> None:
    if not (_is_pil(image) or isinstance(image, _C.Tensor)):
        raise TypeError(
            f"{owner}(): img is {type(image).__name__}; expected a Tensor or a PIL image"
        )
    if isinstance(image, _C.Tensor) and image.dim() < 2:
        raise ValueError(
            f"{owner}(): image has shape {tuple(image.shape)}; expected (..., height, width)"
        )


def image_size(image: Any) -> tuple[int, int]:
    """Height and width."""
    if _is_pil(image):
        return image.size[1], image.size[0]
    return image.shape[-2], image.shape[-1]


def size_pair(owner: str, size: int | Sequence[int]) -> tuple[int, int]:
    """A height and a width from a number, or a sequence of one or two."""
    if isinstance(size, int):
        return size, size
    if len(size) == 1:
        return size[0], size[0]
    if len(size) != 2:
        raise ValueError(f"{owner}(): size is {size}; expected a number or (height, width)")
    return size[0], size[1]


def _pil_pixels(image: Any) -> Tensor:
    """The pixels of a PIL image, (height, width) or (height, width, channels)."""
    import numpy

    pixels = numpy.array(image)
    if pixels.dtype == numpy.bool_:
        pixels = pixels.astype(numpy.uint8) * 255
    return pygrad.from_numpy(pixels)


def _channels_first(pixels: Tensor) -> Tensor:
    return pixels.unsqueeze(0) if pixels.dim() == 2 else pixels.permute(2, 0, 1).contiguous()


def to_tensor(pic: Any) -> Tensor:
    """An image as a tensor (channels, height, width); bytes become floats in [0, 1].

    Args:
        pic: PIL image, array or tensor, (height, width) or (height, width, channels).

    Raises:
        TypeError: another kind of object.
        ValueError: neither 2 nor 3 dimensions.
    """
    numpy = sys.modules.get("numpy")
    if _is_pil(pic):
        pixels = _pil_pixels(pic)
    elif isinstance(pic, _C.Tensor):
        pixels = pic
    elif numpy is not None and isinstance(pic, numpy.ndarray):
        pixels = pygrad.from_numpy(numpy.ascontiguousarray(pic))
    else:
        raise TypeError(
            f"to_tensor(): pic is {type(pic).__name__}; expected a PIL image, ndarray or Tensor"
        )
    if pixels.dim() not in (2, 3):
        raise ValueError(
            "to_tensor(): pic should be 2/3 dimensional. "
            f"Got {pixels.dim()} dimensions: {tuple(pixels.shape)}"
        )
    pixels = _channels_first(pixels)
    if pixels.dtype == pygrad.uint8:
        return pixels.to(pygrad.get_default_dtype()).div_(255)
    return pixels


def pil_to_tensor(pic: Any) -> Tensor:
    """A PIL image as a tensor (channels, height, width) of the same type.

    Raises:
        TypeError: no PIL image.
    """
    if not _is_pil(pic):
        raise TypeError(f"pil_to_tensor(): pic is {type(pic).__name__}; expected a PIL image")
    return _channels_first(_pil_pixels(pic))


def convert_image_dtype(image: Tensor, dtype: dtype | None = None) -> Tensor:
    """A tensor image in another dtype, scaled from the range of one to that of the other."""
    dtype = pygrad.float32 if dtype is None else dtype
    if image.dtype == dtype:
        return image
    if image.dtype.is_floating_point:
        if dtype.is_floating_point:
            return image.to(dtype)
        top = pygrad.iinfo(dtype).max
        # Just below the next number, so that 1.0 maps to the largest and all bins are as wide.
        return image.mul(top + 1.0 - 1e-3).to(dtype)
    if dtype.is_floating_point:
        return image.to(dtype).div_(pygrad.iinfo(image.dtype).max)
    old, new = pygrad.iinfo(image.dtype).max, pygrad.iinfo(dtype).max
    if old > new:
        factor = (old + 1) // (new + 1)
        return _C.ops.div(image, factor, rounding_mode="floor").to(dtype)
    return image.to(dtype).mul_((new + 1) // (old + 1))


def normalize(
    tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False
) -> Tensor:
    """`(tensor - mean) / std`, channel by channel.

    Args:
        tensor: (..., channels, height, width), floating point.
        mean: one per channel.
        std: one per channel.
        inplace: change the given tensor.

    Raises:
        TypeError: no floating point tensor.
        ValueError: fewer than 3 dimensions, or a std of 0.
    """
    if not isinstance(tensor, _C.Tensor) or not tensor.is_floating_point():
        kind = tensor.dtype if isinstance(tensor, _C.Tensor) else type(tensor).__name__
        raise TypeError(f"normalize(): Input tensor should be a float tensor. Got {kind}")
    if tensor.dim() < 3:
        raise ValueError(
            "normalize(): Expected tensor to be a tensor image of size (..., C, H, W). "
            f"Got tensor.size() = {tuple(tensor.shape)}"
        )
    means = pygrad.as_tensor(mean, dtype=tensor.dtype, device=tensor.device)
    stds = pygrad.as_tensor(std, dtype=tensor.dtype, device=tensor.device)
    if bool((stds == 0).any()):
        raise ValueError(
            f"normalize(): std evaluated to zero after conversion to {tensor.dtype}, leading to "
            f"division by zero; got {std}"
        )
    means = means.view(-1, 1, 1) if means.dim() == 1 else means
    stds = stds.view(-1, 1, 1) if stds.dim() == 1 else stds
    result = tensor.sub_(means) if inplace else tensor - means
    return result.div_(stds)


def hflip(img: Any) -> Any:
    """The image mirrored left to right."""
    _check_image("hflip", img)
    if _is_pil(img):
        return img.transpose(0)  # PIL's FLIP_LEFT_RIGHT
    return img.flip(-1)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """A part of the image, zero where it reaches beyond the image."""
    _check_image("crop", img)
    if _is_pil(img):
        return img.crop((left, top, left + width, top + height))
    rows, columns = image_size(img)
    margins = (max(-left, 0), max(-top, 0), max(left + width - columns, 0))
    bottom = max(top + height - rows, 0)
    if any(margins) or bottom:
        img = pad(img, (*margins, bottom))
        top, left = max(top, 0), max(left, 0)
    return img[..., top : top + height, left : left + width]


def center_crop(img: Any, output_size: int | Sequence[int]) -> Any:
    """The middle of the image, filled up with zeros where the image is smaller."""
    _check_image("center_crop", img)
    height, width = size_pair("center_crop", output_size)
    rows, columns = image_size(img)
    if width > columns or height > rows:
        extra_x, extra_y = max(width - columns, 0), max(height - rows, 0)
        img = pad(img, (extra_x // 2, extra_y // 2, (extra_x + 1) // 2, (extra_y + 1) // 2))
        rows, columns = image_size(img)
    return crop(img, round((rows - height) / 2.0), round((columns - width) / 2.0), height, width)


def padding_sides(padding: int | Sequence[int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom from one, two or four numbers."""
    sides = (padding,) if isinstance(padding, int) else tuple(padding)
    if len(sides) == 1:
        return sides * 4
    if len(sides) == 2:
        return sides * 2
    if len(sides) == 4:
        return sides
    raise ValueError(
        f"pad(): Padding must be an int or a 1, 2, or 4 element tuple, not a {len(sides)} "
        "element tuple"
    )


def check_padding_mode(mode: str) -> None:
    """Raise unless the mode is a known one."""
    if mode not in _PADDING_MODES:
        raise ValueError(f"pad(): padding_mode is {mode!r}; expected one of {_PADDING_MODES}")


def _outside(position: int, size: int, mode: str) -> int:
    """Which element stands at a position that may lie outside of `size` elements."""
    if mode == "edge":
        return min(max(position, 0), size - 1)
    if mode == "reflect":
        period = max(2 * (size - 1), 1)
        position %= period
        return position if position < size else period - position
    position %= 2 * size
    return position if position < size else 2 * size - 1 - position


def pad(
    img: Any, padding: int | Sequence[int], fill: float = 0, padding_mode: str = "constant"
) -> Any:
    """A margin around the image; see `Pad`.

    Raises:
        ValueError: a wrong number of paddings, or an unknown mode.
    """
    _check_image("pad", img)
    check_padding_mode(padding_mode)
    left, top, right, bottom = padding_sides(padding)
    if _is_pil(img):
        from PIL import Image, ImageOps

        if padding_mode == "constant":
            return ImageOps.expand(img, (left, top, right, bottom), fill)
        pixels = _channels_first(_pil_pixels(img))
        padded = pad(pixels, (left, top, right, bottom), fill, padding_mode)
        padded = padded.squeeze(0) if len(padded) == 1 else padded.permute(1, 2, 0)
        return Image.fromarray(padded.contiguous().numpy(), img.mode)
    height, width = image_size(img)
    if padding_mode == "constant":
        if min(left, top, right, bottom) < 0:
            return crop(img, -top, -left, height + top + bottom, width + left + right)
        shape = (*img.shape[:-2], height + top + bottom, width + left + right)
        result = pygrad.full(shape, fill, dtype=img.dtype, device=img.device)
        result[..., top : top + height, left : left + width] = img
        return result
    rows = [_outside(i, height, padding_mode) for i in range(-top, height + bottom)]
    columns = [_outside(i, width, padding_mode) for i in range(-left, width + right)]
    img = img.index_select(-2, pygrad.tensor(rows, device=img.device))
    return img.index_select(-1, pygrad.tensor(columns, device=img.device))


def _bilinear_weights(size: int, new_size: int, antialias: bool) -> list[list[float]]:
    """Row i: how much each old element counts in the new element i (triangle filter)."""
    scale = size / new_size
    width = max(scale, 1.0) if antialias else 1.0
    rows = []
    for i in range(new_size):
        center = (i + 0.5) * scale - 0.5
        if not antialias:
            center = min(max(center, 0.0), size - 1.0)
        row = [max(0.0, 1.0 - abs(j - center) / width) for j in range(size)]
        total = sum(row)
        rows.append([weight / total for weight in row])
    return rows


def _new_size(
    height: int, width: int, size: int | Sequence[int], max_size: int | None
) -> tuple[int, int]:
    if not isinstance(size, int) and len(size) == 2:
        if max_size is not None:
            raise ValueError(
                "resize(): max_size should only be passed if size specifies the length of the "
                f"smaller edge; got size={size}"
            )
        return size[0], size[1]
    short = size if isinstance(size, int) else size_pair("resize", size)[0]
    long = int(short * max(height, width) / min(height, width))
    if max_size is not None:
        if max_size <= short:
            raise ValueError(
                f"resize(): max_size = {max_size} must be strictly greater than the requested "
                f"size for the smaller edge size = {size}"
            )
        if long > max_size:
            short, long = int(max_size * short / long), max_size
    return (long, short) if height >= width else (short, long)


def resize(
    img: Any,
    size: int | Sequence[int],
    interpolation: str = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """The image in another size; see `Resize`.

    Raises:
        ValueError: an unknown interpolation, or sizes that contradict each other.
    """
    _check_image("resize", img)
    if interpolation not in (InterpolationMode.NEAREST, InterpolationMode.BILINEAR):
        raise ValueError(
            f"resize(): interpolation is {interpolation!r}; expected 'nearest' or 'bilinear'"
        )
    height, width = image_size(img)
    rows, columns = _new_size(height, width, size, max_size)
    if (rows, columns) == (height, width):
        return img
    if _is_pil(img):
        # PIL numbers its filters: 0 is nearest, 2 bilinear.
        return img.resize((columns, rows), 0 if interpolation == "nearest" else 2)
    if interpolation == InterpolationMode.NEAREST:
        down = pygrad.tensor([i * height // rows for i in range(rows)], device=img.device)
        across = pygrad.tensor([i * width // columns for i in range(columns)], device=img.device)
        return img.index_select(-2, down).index_select(-1, across)
    kind = img.dtype if img.is_floating_point() else pygrad.float32
    vertical = pygrad.tensor(
        _bilinear_weights(height, rows, bool(antialias)), dtype=kind, device=img.device
    )
    horizontal = pygrad.tensor(
        _bilinear_weights(width, columns, bool(antialias)), dtype=kind, device=img.device
    )
    result = vertical.matmul(img.to(kind)).matmul(horizontal.t())
    return result if img.is_floating_point() else result.round_().to(img.dtype)
