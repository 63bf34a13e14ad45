"""Padding layers."""

from __future__ import annotations

from pygrad._C import Tensor
from pygrad.nn import functional as F
from pygrad.nn._sizes import as_tuple
from pygrad.nn.module import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Ints = int | Sequence[int]


class _Pad(Module):
    """Pad the last ``_rank`` dimensions: one int, or (before, after) from the last on."""

    _rank = 0
    _mode = "constant"

    def __init__(self, padding: Ints) -> None:
        super().__init__()
        self.padding = as_tuple(padding, 2 * self._rank, "padding")

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding: Ints, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Ints) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ConstantPad1d(_ConstantPad):
    """Pad the last dimension with ``value``."""

    _rank = 1


class ConstantPad2d(_ConstantPad):
    """Pad the last two dimensions with ``value``."""

    _rank = 2


class ConstantPad3d(_ConstantPad):
    """Pad the last three dimensions with ``value``."""

    _rank = 3


class ZeroPad1d(_ZeroPad):
    """Pad the last dimension with 0."""

    _rank = 1


class ZeroPad2d(_ZeroPad):
    """Pad the last two dimensions with 0."""

    _rank = 2


class ZeroPad3d(_ZeroPad):
    """Pad the last three dimensions with 0."""

    _rank = 3


class ReflectionPad1d(_Pad):
    """Pad the last dimension with a mirror image that leaves the edge out."""

    _rank = 1
    _mode = "reflect"


class ReflectionPad2d(_Pad):
    """Pad the last two dimensions with a mirror image that leaves the edge out."""

    _rank = 2
    _mode = "reflect"


class ReflectionPad3d(_Pad):
    """Pad the last three dimensions with a mirror image that leaves the edge out."""

    _rank = 3
    _mode = "reflect"


class ReplicationPad1d(_Pad):
    """Pad the last dimension by repeating the edge."""

    _rank = 1
    _mode = "replicate"


class ReplicationPad2d(_Pad):
    """Pad the last two dimensions by repeating the edge."""

    _rank = 2
    _mode = "replicate"


class ReplicationPad3d(_Pad):
    """Pad the last three dimensions by repeating the edge."""

    _rank = 3
    _mode = "replicate"


class CircularPad1d(_Pad):
    """Pad the last dimension with the other end."""

    _rank = 1
    _mode = "circular"


class CircularPad2d(_Pad):
    """Pad the last two dimensions with the other end."""

    _rank = 2
    _mode = "circular"


class CircularPad3d(_Pad):
    """Pad the last three dimensions with the other end."""

    _rank = 3
    _mode = "circular"


__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d",
    "ConstantPad3d", "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d",
    "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d", "ZeroPad1d", "ZeroPad2d",
    "ZeroPad3d",
]  # fmt: skip
