"""Padding, resizing and rearranging images."""

from __future__ import annotations

from pygrad._C import Tensor, ops, tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Pad the last dimensions: ``pad`` holds (before, after) for the last, the one before it, ...

    Args:
        mode: 'constant', 'reflect', 'replicate' or 'circular'.
        value: what to fill with in 'constant' mode; 0 when missing.

    Example:
        >>> import pygrad
        >>> pygrad.nn.functional.pad(pygrad.ones(2), (1, 0))
        tensor([0., 1., 1.])
    """
    if mode not in ("constant", "reflect", "replicate", "circular"):
        raise NotImplementedError(
            f"pad(): mode is {mode!r}; expected 'constant', 'reflect', 'replicate' or 'circular'"
        )
    if mode != "constant" and value:
        raise ValueError(f"pad(): value {value} with mode {mode!r}; only 'constant' takes a value")
    return ops.pad(input, list(pad), mode, 0 if value is None else value)


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Rearrange ``(*, C * r * r, H, W)`` into ``(*, C, H * r, W * r)``."""
    r = upscale_factor
    if input.dim() < 3 or r <= 0 or input.shape[-3] % (r * r):
        raise RuntimeError(
            f"pixel_shuffle(): input {tuple(input.shape)} with factor {r}; expected (*, C, H, W)"
            f" with C a multiple of {r * r}"
        )
    *lead, channels, high, wide = input.shape
    split = input.reshape(-1, channels // (r * r), r, r, high, wide)
    mixed = split.permute(0, 1, 4, 2, 5, 3)
    return mixed.reshape(*lead, channels // (r * r), high * r, wide * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Rearrange ``(*, C, H * r, W * r)`` into ``(*, C * r * r, H, W)``."""
    r = downscale_factor
    if input.dim() < 3 or r <= 0 or input.shape[-2] % r or input.shape[-1] % r:
        raise RuntimeError(
            f"pixel_unshuffle(): input {tuple(input.shape)} with factor {r}; expected (*, C, H, W)"
            f" with H and W multiples of {r}"
        )
    *lead, channels, high, wide = input.shape
    split = input.reshape(-1, channels, high // r, r, wide // r, r)
    mixed = split.permute(0, 1, 3, 5, 2, 4)
    return mixed.reshape(*lead, channels * r * r, high // r, wide // r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Interleave the channels of ``groups`` groups: ``(N, C, *)`` keeps its shape."""
    batch, channels = input.shape[:2]
    if groups <= 0 or channels % groups:
        raise RuntimeError(
            f"channel_shuffle(): {channels} channels in {groups} groups; expected a divisor"
        )
    split = input.reshape(batch, groups, channels // groups, -1)
    return split.transpose(1, 2).reshape(input.shape)


_LINEAR_RANK = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resize the spatial dimensions of ``(N, C, *)``.

    Args:
        size: the output size, an int or one per dimension.
        scale_factor: factor of the size instead, a number or one per dimension.
        mode: 'nearest', 'nearest-exact', 'linear' (3-D), 'bilinear' and 'bicubic' (4-D),
            'trilinear' (5-D) or 'area'.
        align_corners: whether the corner pixels' centres meet; for the linear and cubic modes.
        recompute_scale_factor: whether to use the factor between the rounded sizes.

    Raises:
        ValueError: if both or neither of ``size`` and ``scale_factor`` are given.
        NotImplementedError: for an unknown mode, or one that does not fit the dimensions.
    """
    rank = input.dim() - 2
    if mode not in ("nearest", "nearest-exact", "area", *_LINEAR_RANK):
        raise NotImplementedError(
            f"interpolate(): mode is {mode!r}; expected 'nearest', 'nearest-exact', 'area',"
            " 'linear', 'bilinear', 'trilinear' or 'bicubic'"
        )
    if rank not in (1, 2, 3) or _LINEAR_RANK.get(mode, rank) != rank:
        raise NotImplementedError(
            f"interpolate(): mode {mode!r} for a {input.dim()}-D input {tuple(input.shape)};"
            " 'linear' takes 3-D, 'bilinear' and 'bicubic' 4-D, 'trilinear' 5-D, others 3- to 5-D"
        )
    if antialias:
        raise NotImplementedError("interpolate(): antialias=True has no kernel; leave it False")
    if align_corners is not None and mode not in _LINEAR_RANK:
        raise ValueError(
            f"interpolate(): align_corners with mode {mode!r}; only the linear and cubic modes"
            " take it"
        )
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate(): give either size or scale_factor, not both or neither")
    old = list(input.shape[2:])
    if size is not None:
        new = _per_dimension("size", size, rank)
        ratios = [have / want for have, want in zip(old, new, strict=False)]
    else:
        factors = _per_dimension("scale_factor", scale_factor, rank)
        new = [int(have * factor) for have, factor in zip(old, factors, strict=False)]
        if recompute_scale_factor:
            ratios = [have / want for have, want in zip(old, new, strict=False)]
        else:
            ratios = [1.0 / factor for factor in factors]
    if min(new) < 1:
        raise RuntimeError(f"interpolate(): output size is {tuple(new)}; expected 1 or more")
    if mode == "area":
        return _area(input, new)
    for i in range(rank):
        input = _resize_dim(input, i + 2, new[i], ratios[i], mode, bool(align_corners))
    return input


def _per_dimension(name: str, value: Any, rank: int) -> list[Any]:
    if isinstance(value, (tuple, list)):
        if len(value) != rank:
            raise ValueError(
                f"interpolate(): {name} has {len(value)} entries; expected {rank}, one for each"
                " spatial dimension"
            )
        return list(value)
    return [value] * rank


def _area(input: Tensor, new: list[int]) -> Tensor:
    """Mean over even windows; windows are products, so the dimensions can go one by one."""
    for i, size in enumerate(new):
        lined = input.transpose(i + 2, -1)
        flat = lined.reshape(1, -1, lined.shape[-1])
        means = ops.adaptive_avg_pool1d(flat, [size])
        input = means.reshape(*lined.shape[:-1], size).transpose(i + 2, -1)
    return input


def _resize_dim(
    input: Tensor, dim: int, size: int, ratio: float, mode: str, align_corners: bool
) -> Tensor:
    """Resize one dimension: a weighted sum of neighbours picked by index."""
    old = input.shape[dim]
    if mode in ("nearest", "nearest-exact"):
        shift = 0.5 if mode == "nearest-exact" else 0.0
        picks = [min(int((i + shift) * ratio), old - 1) for i in range(size)]
        return _take(input, dim, picks)
    if align_corners:
        ratio = (old - 1) / (size - 1) if size > 1 else 0.0
        places = [i * ratio for i in range(size)]
    else:
        places = [(i + 0.5) * ratio - 0.5 for i in range(size)]
    shape = [1] * input.dim()
    shape[dim] = size
    if mode == "bicubic":
        taps = [_cubic_taps(place) for place in places]
    else:
        taps = [_linear_taps(max(place, 0.0)) for place in places]
    result = None
    for k in range(len(taps[0])):
        picks = [min(max(tap[k][0], 0), old - 1) for tap in taps]
        weights = tensor([tap[k][1] for tap in taps], dtype=input.dtype, device=input.device)
        part = _take(input, dim, picks) * weights.reshape(shape)
        result = part if result is None else result + part
    return result  # type: ignore[return-value]


def _take(input: Tensor, dim: int, picks: list[int]) -> Tensor:
    return input.index_select(dim, tensor(picks, device=input.device))


def _linear_taps(place: float) -> list[tuple[int, float]]:
    first = int(place)
    part = place - first
    return [(first, 1 - part), (first + 1, part)]


def _cubic_taps(place: float) -> list[tuple[int, float]]:
    """Keys' cubic convolution with a = -0.75."""
    import math

    a = -0.75
    first = math.floor(place)
    t = place - first

    def near(x: float) -> float:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: float) -> float:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    weights = [far(t + 1), near(t), near(1 - t), far(2 - t)]
    return [(first - 1 + k, weight) for k, weight in enumerate(weights)]


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The older name of :func:`interpolate`."""
    return interpolate(input, size, scale_factor, mode, align_corners)
