"""`finfo` and `iinfo`: the numeric limits of the dtypes."""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pygrad._C import dtype

# dtype name -> (bits, bits of the stored fraction, largest exponent of two)
_FLOATS = {
    "float16": (16, 10, 15),
    "bfloat16": (16, 7, 127),
    "float32": (32, 23, 127),
    "float64": (64, 52, 1023),
}
_PARTS = {"complex64": "float32", "complex128": "float64"}
_INTS = {
    "uint8": (8, False),
    "int8": (8, True),
    "int16": (16, True),
    "int32": (32, True),
    "int64": (64, True),
}
# The decimal resolution 10**-p of each type, p being the digits that always survive.
_RESOLUTION = {"float16": 1e-3, "bfloat16": 1e-2, "float32": 1e-6, "float64": 1e-15}


def _short_name(kind: dtype) -> str:
    return str(kind).rsplit(".", 1)[-1]


class finfo:
    """Limits of a floating-point dtype (of the parts, for a complex one).

    Args:
        type: the dtype; default: the default dtype.

    Raises:
        TypeError: for a dtype that is not floating-point.

    Example:
        >>> import pygrad
        >>> pygrad.finfo(pygrad.float16).max
        65504.0
    """

    __slots__ = ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny")

    def __init__(self, type: dtype | None = None) -> None:
        name = _short_name(_C.get_default_dtype() if type is None else type)
        name = _PARTS.get(name, name)
        if name not in _FLOATS:
            raise TypeError(
                f"finfo(): {type} is not a floating-point dtype; use pygrad.iinfo for integers"
            )
        bits, fraction, exponent = _FLOATS[name]
        self.bits = bits
        self.dtype = name
        self.eps = 2.0**-fraction
        self.max = (2.0 - self.eps) * 2.0**exponent
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0 ** (1 - exponent)
        self.resolution = _RESOLUTION[name]

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
            f"eps={self.eps:g}, smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, "
            f"dtype={self.dtype})"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)


class iinfo:
    """Limits of an integer dtype.

    Args:
        type: the dtype.

    Raises:
        TypeError: for a dtype that is not an integer.

    Example:
        >>> import pygrad
        >>> pygrad.iinfo(pygrad.int8)
        iinfo(min=-128, max=127, dtype=int8)
    """

    __slots__ = ("bits", "dtype", "max", "min")

    def __init__(self, type: dtype) -> None:
        name = _short_name(type)
        if name not in _INTS:
            raise TypeError(
                f"iinfo(): {type} is not an integer dtype; use pygrad.finfo for floating point"
            )
        self.bits, signed = _INTS[name]
        self.dtype = name
        self.max = 2 ** (self.bits - signed) - 1
        self.min = -self.max - 1 if signed else 0

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)
