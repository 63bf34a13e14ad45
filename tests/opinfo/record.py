# ruff: noqa: E501 -- tables of samples read better unwrapped
"""OpInfo: what the generic suites and the benchmarks know of one operation.

Samples are described without a tensor library: an `Operand` holds NumPy values and a dtype's name,
and `convert` makes a tensor of any library with PyTorch's names from it. So the same samples meet
pygrad, the NumPy reference, and PyTorch where it is installed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

FLOATS = ("float16", "bfloat16", "float32", "float64")
WIDE_FLOATS = ("float32", "float64")
COMPLEX = ("complex64", "complex128")
INTS = ("uint8", "int8", "int16", "int32", "int64")
BOOL = ("bool",)
REAL = FLOATS + INTS
NUMBERS = REAL + COMPLEX
ALL = NUMBERS + BOOL

# (rtol, atol) by the dtype of the result; integers and bools must be equal.
TOLERANCES = {
    "float16": (2e-3, 1e-4),
    "bfloat16": (1.6e-2, 1e-3),
    "float32": (1e-5, 2e-6),
    "float64": (1e-11, 1e-12),
    "complex64": (2e-5, 4e-6),
    "complex128": (1e-11, 1e-12),
}


def is_float(dtype: str) -> bool:
    return dtype.startswith(("float", "bfloat"))


def is_complex(dtype: str) -> bool:
    return dtype.startswith("complex")


def is_integral(dtype: str) -> bool:
    return not is_float(dtype) and not is_complex(dtype)


def round_to(values: np.ndarray, dtype: str) -> np.ndarray:
    """The values that survive storing in `dtype`, in the widest dtype of their kind."""
    with np.errstate(all="ignore"):
        if dtype == "bool":
            return np.asarray(values).astype(bool)
        if is_integral(dtype):
            return np.asarray(values).astype(dtype).astype(np.int64)
        if is_complex(dtype):
            return np.asarray(values).astype(dtype).astype(np.complex128)
        if dtype == "bfloat16":
            single = np.array(values, dtype=np.float32, order="C", ndmin=1)
            bits = single.view(np.uint32)
            rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
            nearest = rounded.astype(np.uint32).view(np.float32)
            result = np.where(np.isnan(single), single, nearest)
            return result.astype(np.float64).reshape(np.shape(values))
        return np.asarray(values).astype(dtype).astype(np.float64)


@dataclass(frozen=True)
class Operand:
    """A tensor argument: its values, its dtype, and whether gradients are wanted of it."""

    values: np.ndarray
    dtype: str
    differentiable: bool = True

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.values.shape)

    def __repr__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


@dataclass(frozen=True)
class Sample:
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)

    def map(self, f: Callable[[Operand], Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with every Operand replaced by f of it."""
        return tuple(_map(a, f) for a in self.args), {k: _map(v, f) for k, v in self.kwargs.items()}

    def operands(self) -> list[Operand]:
        found: list[Operand] = []
        self.map(found.append)
        return found

    def __repr__(self) -> str:
        inside = [repr(a) for a in self.args] + [f"{k}={v!r}" for k, v in self.kwargs.items()]
        return f"({', '.join(inside)})"


def S(*args: Any, **kwargs: Any) -> Sample:  # noqa: N802
    return Sample(args, kwargs)


def _map(value: Any, f: Callable[[Operand], Any]) -> Any:
    if isinstance(value, Operand):
        return f(value)
    if type(value) is list or type(value) is tuple:
        return type(value)(_map(v, f) for v in value)
    return value


@dataclass(frozen=True)
class ErrorInput:
    """A call that must raise `kind` with a text that matches `text`; torch=False: a stricter
    rule of ours, or an exception that PyTorch has of another type."""

    sample: Sample
    kind: type[Exception]
    text: str
    torch: bool = True


def bad(
    *args: Any, raises: type[Exception], text: str, torch: bool = True, **kwargs: Any
) -> ErrorInput:
    return ErrorInput(Sample(args, kwargs), raises, text, torch)


class Maker:
    """Draws operands of one dtype from a seeded stream."""

    def __init__(self, dtype: str, seed: int = 0, grad: bool = False) -> None:
        self.dtype = dtype
        self.rng = np.random.default_rng([seed, sum(map(ord, dtype))])
        self.grad = grad  # samples for gradient checks: small, and away from kinks
        self.integral = is_integral(dtype)
        self.complex = is_complex(dtype)

    def __call__(
        self,
        *shape: int,
        low: float = -3.0,
        high: float = 3.0,
        avoid: Sequence[float] = (),
        gap: float = 0.1,
        dtype: str | None = None,
        grad: bool = True,
    ) -> Operand:
        """Uniform values in [low, high]; in gradient samples at least `gap` away from `avoid`."""
        dtype = dtype or self.dtype
        draw = lambda: self.rng.uniform(low, high, shape)  # noqa: E731
        if dtype == "bool":
            return Operand(self.rng.random(shape) < 0.6, dtype, False)
        if is_integral(dtype):
            limits = np.iinfo(dtype)
            start = max(int(np.ceil(low)), limits.min)
            stop = max(min(int(np.floor(high)), limits.max) + 1, start + 1)
            return Operand(self.rng.integers(start, stop, shape), dtype, False)
        if is_complex(dtype):
            return self.of(draw() + 1j * draw(), dtype, grad)
        values = draw()
        if self.grad:
            for point in avoid:
                near = np.abs(values - point) < gap
                values = np.where(near, point + np.where(values < point, -gap, gap) * 1.5, values)
        return self.of(values, dtype, grad)

    def of(self, values: Any, dtype: str | None = None, grad: bool = True) -> Operand:
        dtype = dtype or self.dtype
        return Operand(round_to(np.asarray(values), dtype), dtype, grad and not is_integral(dtype))

    def distinct(self, *shape: int, spacing: float = 0.25, grad: bool = True) -> Operand:
        """A shuffled row of evenly spaced values: no ties, also in short dtypes."""
        n = int(np.prod(shape, dtype=np.int64))
        row = self.rng.permutation(n) - n // 2
        if self.dtype == "uint8":
            row = row + n // 2
        return self.of((row if self.integral else row * spacing).reshape(shape), grad=grad)

    def index(self, *shape: int, below: int, negative: bool = False) -> Operand:
        low = -below if negative else 0
        return Operand(self.rng.integers(low, below, shape), "int64", False)

    def permutation(self, n: int, k: int | None = None) -> Operand:
        return Operand(self.rng.permutation(n)[: n if k is None else k], "int64", False)

    def mask(self, *shape: int) -> Operand:
        return Operand(self.rng.random(shape) < 0.5, "bool", False)


def F(*shape: int, dtype: str = "float32") -> Operand:  # noqa: N802
    """Ones: an operand of an error input."""
    return Operand(round_to(np.ones(shape), dtype), dtype, not is_integral(dtype))


def I(*values: int) -> Operand:  # noqa: E743, N802
    """A row of int64."""
    return Operand(np.array(values, dtype=np.int64), "int64", False)


@dataclass(frozen=True)
class OpInfo:
    """What is known of one op.

    Attributes:
        name: the registry's name.
        samples: the calls to try, made with a Maker.
        ref: the op on NumPy arrays of the widest dtype, None where only PyTorch can tell.
        dtypes: those that must work; of the samples' main operands.
        result: the dtype of the result by that of the operands: "same", "float" (integers become
            float32), "sum" (integers become int64), "real", or a dtype's name; None: not checked.
        errors: calls that must be refused.
        tol: (rtol, atol) by dtype, in place of TOLERANCES.
        grad: whether gradients exist (and must be right); gradgrad: the second ones too.
        layouts: whether the operands may be laid out differently (False for ops on layouts).
        ties: whether equal values are welcome; without them no operand is expanded.
        random: whether the result is drawn; then only shape and dtype are compared.
        torch: path of the same function in PyTorch when the name is not found by itself; or "" for none.
        check: compares the results in place of the values (functions of freedom, such as signs).
        torch_tol: tolerances against PyTorch where its own rounding is the coarser one.
        without: dtypes that PyTorch has and this op refuses with NotImplementedError.
        isa: whether every instruction set must agree within the tolerance.
        flops, bytes: of one sample, for benchmarks.
    """

    name: str
    samples: Callable[[Maker], Iterable[Sample]]
    ref: Callable[..., Any] | None = None
    dtypes: tuple[str, ...] = FLOATS
    result: str | None = "same"
    errors: tuple[ErrorInput, ...] = ()
    tol: dict[str, tuple[float, float]] = field(default_factory=dict)
    grad: bool = True
    gradgrad: bool = True
    layouts: bool = True
    ties: bool = True
    random: bool = False
    torch: str | Callable[[Any], Any] | None = None
    torch_tol: dict[str, tuple[float, float]] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    isa: bool = True
    flops: Callable[[Sample], float] | None = None
    bytes: Callable[[Sample], float] | None = None

    def tolerance(self, dtype: str) -> tuple[float, float]:
        return self.tol.get(dtype) or TOLERANCES.get(dtype, (0.0, 0.0))

    def result_dtype(self, dtype: str) -> str | None:
        rule = self.result
        if rule is None or rule not in ("same", "float", "sum", "real"):
            return rule
        if rule == "float" and is_integral(dtype):
            return "float32"
        if rule == "sum" and is_integral(dtype):
            return "int64"
        if rule == "real" and is_complex(dtype):
            return "float32" if dtype == "complex64" else "float64"
        return dtype

    def draw(self, dtype: str, seed: int = 0, grad: bool = False) -> Iterator[Sample]:
        yield from self.samples(Maker(dtype, seed, grad))

    def named(self, name: str) -> OpInfo:
        return replace(self, name=name)


OPS: dict[str, OpInfo] = {}
ALIASES: dict[str, str] = {}


def op(name: str, samples: Any, ref: Any = None, **fields: Any) -> OpInfo:
    """Adds a record; `samples` is a function of a Maker, or a list of Samples made with none."""
    if name in OPS:
        raise ValueError(f"{name} has two records")
    if not callable(samples):
        fixed = tuple(samples)
        samples = lambda _: fixed  # noqa: E731
    fields["errors"] = tuple(fields.get("errors", ()))
    OPS[name] = OpInfo(name, samples, ref, **fields)
    return OPS[name]


def alias(name: str, of: str) -> None:
    """Adds another name of an op; it is called, not differentiated, by the suites."""
    OPS[name] = replace(OPS[of], name=name)
    ALIASES[name] = of


# ------------------------------------------------------------------------------ tensors


def convert(lib: Any, operand: Operand, device: str = "cpu", layout: str = "contiguous") -> Any:
    """The operand as a tensor of `lib`, laid out as named; `arrange` gives its values."""
    values, dtype = operand.values, getattr(lib, operand.dtype)

    def dense(array: np.ndarray) -> Any:
        if operand.dtype == "bfloat16":
            made = lib.tensor(np.array(array, dtype=np.float32, order="C")).to(dtype)
        else:
            made = lib.tensor(np.array(array, dtype=operand.dtype, order="C"))
        return made if device == "cpu" else made.to(device)

    if layout == "contiguous" or values.ndim == 0:
        return dense(values)
    if layout == "transposed":
        order = tuple(range(values.ndim))[::-1]
        return dense(values.transpose(order)).permute(order)
    if layout == "strided":  # a gap after every element, and rows that begin late
        wide = np.zeros((*values.shape[:-1], 2 * values.shape[-1] + 1), values.dtype)
        wide[..., 1::2] = values
        return dense(wide)[..., 1::2]
    if layout == "offset":
        wide = np.concatenate([np.zeros_like(values[:1]), values]) if len(values) else values
        return dense(wide)[1 if len(values) else 0 :]
    if layout == "expanded":
        if values.shape[0] == 0:
            return dense(values)
        return dense(values[:1]).expand(values.shape)
    if layout == "negative":
        made = dense(np.ascontiguousarray(values[..., ::-1]))
        return made.flip(-1)  # a view with a negative step; PyTorch copies
    raise ValueError(layout)


def arrange(operand: Operand, layout: str) -> Operand:
    """The operand whose values the layout can hold: an expanded one repeats its first row."""
    if layout == "expanded" and operand.values.ndim and operand.values.shape[0]:
        return replace(operand, values=np.broadcast_to(operand.values[:1], operand.shape).copy())
    return operand


def call_args(lib: Any, sample: Sample, device: str = "cpu", layout: str = "contiguous") -> Any:
    """Positional and keyword arguments of a sample for `lib`; dtypes are given as "dtype:name"."""

    def named(value: Any) -> Any:
        if isinstance(value, str) and value.startswith("dtype:"):
            return getattr(lib, value[6:])
        return value

    args, kwargs = sample.map(lambda o: convert(lib, o, device, layout))
    return tuple(named(a) for a in args), {k: named(v) for k, v in kwargs.items()}


def reference(info: OpInfo, sample: Sample) -> Any:
    """The reference's result, from the operands' exact values."""
    assert info.ref is not None
    args, kwargs = sample.map(lambda o: o.values.copy())
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return info.ref(*args, **kwargs)


def to_numpy(tensor: Any) -> np.ndarray:
    """The values of any library's tensor in the widest dtype of their kind."""
    tensor = tensor.detach().cpu().resolve_conj()
    kind = str(tensor.dtype).rsplit(".", 1)[-1]
    if kind == "bfloat16":
        return tensor.float().numpy().astype(np.float64)
    array = tensor.numpy(force=True)
    if kind == "bool":
        return array
    return array.astype(
        np.complex128 if is_complex(kind) else np.float64 if is_float(kind) else np.int64
    )


def dtype_name(tensor: Any) -> str:
    return str(tensor.dtype).rsplit(".", 1)[-1]


def stored(values: Any, dtype: str) -> np.ndarray:
    """A reference's values as they look after storing in the result's dtype."""
    array = np.asarray(values)
    if not is_complex(dtype) and np.iscomplexobj(array):
        array = array.real
    if dtype in INTS and array.dtype.kind == "f":
        array = np.trunc(array)
    return round_to(array, dtype)


def mismatch(actual: np.ndarray, expected: np.ndarray, rtol: float, atol: float) -> str:
    """What differs, or an empty text. NaN equals NaN; infinities must agree in sign."""
    if actual.shape != expected.shape:
        return f"shape {actual.shape}, expected {expected.shape}"
    if actual.size == 0:
        return ""
    with np.errstate(all="ignore"):
        if rtol == 0 and atol == 0:
            wrong = ~((actual == expected) | ((actual != actual) & (expected != expected)))
        elif np.iscomplexobj(actual) or np.iscomplexobj(expected):
            close = np.abs(actual - expected) <= atol + rtol * np.abs(expected)
            wrong = ~(close | (actual == expected) | (_odd(actual) & _odd(expected)))
        else:
            close = np.abs(actual - expected) <= atol + rtol * np.abs(expected)
            finite = np.isfinite(actual) & np.isfinite(expected)
            same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
            wrong = ~((close & finite) | same)
    if not wrong.any():
        return ""
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    return (
        f"{int(wrong.sum())} of {wrong.size} values differ, first at {list(at)}: "
        f"got {actual[at]!r}, expected {expected[at]!r} (rtol {rtol:g}, atol {atol:g})"
    )


def _odd(values: np.ndarray) -> np.ndarray:
    """Complex numbers that are not finite; which part is NaN is left open by C and PyTorch."""
    return ~np.isfinite(values)
