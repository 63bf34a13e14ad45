"""Records in one line each, for ops that come in families."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tests.opinfo.record import (
    ALL,
    FLOATS,
    INTS,
    F,
    Maker,
    Operand,
    OpInfo,
    S,
    Sample,
    bad,
    is_complex,
    is_float,
    op,
)

# Around the widths of vectors and blocks; 0-d, empty, and two dimensions.
SIZES: tuple[tuple[int, ...], ...] = (
    (), (0,), (1,), (31,), (32,), (33,), (127,), (128,), (129,), (2, 0, 3), (3, 5), (2, 3, 4),
)  # fmt: skip
SMALL: tuple[tuple[int, ...], ...] = ((), (3,), (2, 3))
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan, 1e-30, 1e30)


def special_row(m: Maker) -> list[float]:
    return [v for v in SPECIAL if m.dtype != "float16" or not 1e5 < abs(v) < np.inf]


def unary_samples(
    low: float, high: float, avoid: Sequence[float], special: bool, extra: Sequence[Any] = ()
) -> Callable[[Maker], Iterator[Sample]]:
    def samples(m: Maker) -> Iterator[Sample]:
        for shape in SMALL if m.grad else SIZES:
            yield S(m(*shape, low=low, high=high, avoid=avoid))
        x = m(7, low=low, high=high, avoid=avoid)
        for arguments in extra:
            args, kwargs = arguments
            yield S(x, *args, **kwargs)
        if special and not m.grad and is_float(m.dtype):
            yield S(m.of(special_row(m)))

    return samples


def of_numbers(ref: Callable[..., Any]) -> Callable[..., Any]:
    """The reference of a function that computes bools as numbers; NumPy takes float16 for them."""

    def number(x: Any) -> Any:
        is_bool = isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind == "b"
        return x.astype(np.float64) if is_bool else x

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return ref(*map(number, args), **kwargs)

    return wrapped


def unary_op(
    name: str,
    ref: Callable[..., Any] | None,
    *,
    low: float = -3.0,
    high: float = 3.0,
    avoid: Sequence[float] = (),
    special: bool = True,
    extra: Sequence[Any] = (),
    result: str | None = "float",
    dtypes: tuple[str, ...] = FLOATS + INTS + ("bool",),
    errors: Sequence[Any] = (),
    **fields: Any,
) -> OpInfo:
    """A function of one tensor. `extra`: (args, kwargs) pairs to call it with besides."""
    samples = unary_samples(low, high, avoid, special, extra)
    if result == "float" and ref is not None:
        ref = of_numbers(ref)
    usual = [
        bad(raises=TypeError, text="missing|required|argument"),
        bad("text", raises=TypeError, text="str|Tensor|argument"),
        bad(F(2), F(2), F(2), F(2), F(2), F(2), F(2), raises=TypeError, text="argument"),
    ]
    return op(name, samples, ref, dtypes=dtypes, result=result, errors=[*usual, *errors], **fields)


BROADCAST: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((), ()), ((33,), (33,)), ((129,), ()), ((), (5,)), ((0,), (1,)), ((3, 1), (1, 4)),
    ((2, 3, 4), (4,)), ((4, 1, 3), (2, 1)), ((5, 0), (5, 1)), ((6, 7), (6, 7)),
)  # fmt: skip
SMALL_BROADCAST: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((), ()), ((3,), (3,)), ((2, 1), (3,)), ((2, 2), (2, 2)),
)  # fmt: skip


def binary_op(
    name: str,
    ref: Callable[..., Any] | None,
    *,
    low: float = -3.0,
    high: float = 3.0,
    low2: float | None = None,
    high2: float | None = None,
    avoid: Sequence[float] = (),
    avoid_equal: bool = False,
    nonzero: bool = False,
    special: bool = True,
    scalars: Sequence[Any] = (),
    extra: Sequence[dict[str, Any]] = (),
    result: str | None = "same",
    dtypes: tuple[str, ...] = ALL,
    errors: Sequence[Any] = (),
    **fields: Any,
) -> OpInfo:
    """A function of two tensors that broadcast.

    Args:
        low2: bounds of the second operand; default: those of the first.
        avoid_equal: keep the operands apart in gradient samples (maximum, fmod, ...).
        nonzero: no zeros in the second operand when it holds integers.
        scalars: numbers to give as the second operand.
        extra: keyword arguments to call it with besides.
    """
    b_low, b_high = low if low2 is None else low2, high if high2 is None else high2

    if result == "float" and ref is not None:
        ref = of_numbers(ref)

    def second(m: Maker, a: Operand, shape: tuple[int, ...]) -> Operand:
        b = m(*shape, low=b_low, high=b_high, avoid=avoid)
        if nonzero and m.integral:
            return m.of(np.where(b.values == 0, 1, b.values))
        if avoid_equal and m.grad:
            away = np.where(np.abs(a.values - b.values) < 0.2, 0.37, 0.0)
            return m.of(b.values + away) if away.shape == b.shape else b
        return b

    def samples(m: Maker) -> Iterator[Sample]:
        for shape_a, shape_b in SMALL_BROADCAST if m.grad else BROADCAST:
            a = m(*shape_a, low=low, high=high, avoid=avoid)
            yield S(a, second(m, a, shape_b))
        a = m(7, low=low, high=high, avoid=avoid)
        for value in scalars:
            yield S(a, value)
        for kwargs in extra:
            yield S(a, second(m, a, (7,)), **kwargs)
        if special and not m.grad and is_float(m.dtype):
            row = special_row(m)
            first, other = np.meshgrid(row, row)
            yield S(m.of(first.ravel()), m.of(other.ravel()))

    usual = [
        bad(F(2), raises=TypeError, text="missing|required|argument"),
        bad(F(2), "text", raises=TypeError, text="str|argument"),
    ]
    kind = "float32" if "float32" in dtypes else "int64"
    for a, b in (((2, 3), (4,)), ((3,), (2, 2))):
        both = F(*a, dtype=kind), F(*b, dtype=kind)
        usual.append(bad(*both, raises=RuntimeError, text="broadcast|match|expand"))
    return op(name, samples, ref, dtypes=dtypes, result=result, errors=[*usual, *errors], **fields)


# Shapes and the dims to reduce them over.
REDUCTIONS: tuple[tuple[tuple[int, ...], Any], ...] = (
    ((), 0), ((1,), 0), ((33,), 0), ((129,), -1), ((3, 5), 0), ((3, 5), 1), ((2, 3, 4), 1),
    ((2, 3, 4), -1), ((4, 130), 1), ((130, 4), 0),
)  # fmt: skip
MANY_DIMS: tuple[tuple[tuple[int, ...], Any], ...] = (
    ((2, 3, 4), (0, 2)), ((2, 3, 4), (-1, 1)), ((2, 3, 4), (0, 1, 2)), ((2, 3, 2, 2), (1, 3)),
)  # fmt: skip


def numpy_dims(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


def reduction_op(
    name: str,
    ref: Callable[..., Any] | None,
    *,
    low: float = -2.0,
    high: float = 2.0,
    distinct: bool = False,
    all_dims: bool = True,
    many: bool = True,
    keepdim: bool = True,
    empty: bool = True,
    nan: bool = True,
    dim_required: bool = False,
    extra: Sequence[dict[str, Any]] = (),
    result: str | None = "same",
    dtypes: tuple[str, ...] = ALL,
    errors: Sequence[Any] = (),
    **fields: Any,
) -> OpInfo:
    """A reduction f(input, dim, keepdim); the reference has the same signature.

    Args:
        distinct: no ties in the values.
        all_dims: without `dim` everything is reduced.
        many: several dims at once.
        empty: an empty row has a result.
        nan: try rows with NaN and infinities.
        extra: more keyword arguments to try.
    """

    def draw(m: Maker, *shape: int) -> Operand:
        return m.distinct(*shape) if distinct else m(*shape, low=low, high=high)

    def samples(m: Maker) -> Iterator[Sample]:
        if all_dims:
            for shape in (
                ((), (3,), (2, 3)) if m.grad else ((), (1,), (33,), (129,), (4, 5), (2, 3, 4))
            ):
                yield S(draw(m, *shape))
        cases = REDUCTIONS + (MANY_DIMS if many else ())
        for shape, dim in cases:
            if not m.grad or int(np.prod(shape)) <= 24:
                yield S(draw(m, *shape), dim=dim)
        if keepdim:
            yield S(draw(m, 2, 3), dim=1, keepdim=True)
            if many and not m.grad:
                yield S(draw(m, 2, 3, 4), dim=(0, -1), keepdim=True)
        for kwargs in extra:
            yield S(draw(m, 2, 3, 2), **kwargs)
        if m.grad:
            return
        if empty:
            if all_dims:
                yield S(draw(m, 0))
            yield S(draw(m, 2, 0, 3), dim=1)
        yield S(draw(m, 2, 0, 3), dim=0) if empty else S(draw(m, 2, 0), dim=0)
        if nan and is_float(m.dtype):
            rows = [[1, np.nan, 2], [np.inf, 1, 2], [-np.inf, np.inf, 0], [-np.inf, 1, 2]]
            yield S(m.of(rows), dim=1)

    usual = [
        bad(raises=TypeError, text="missing|required|argument"),
        bad(F(2, 3), dim=2, raises=IndexError, text="dim 2|out of range"),
        bad(F(2, 3), dim=-3, raises=IndexError, text="dim -3|out of range"),
        bad(F(2, 3), dim="x", raises=TypeError, text="dim|str|argument"),
    ]
    if many:
        usual.append(bad(F(2, 3), dim=(0, 0), raises=RuntimeError, text="more than once|multiple"))
    return op(name, samples, ref, dtypes=dtypes, result=result, errors=[*usual, *errors], **fields)


def wide_only(dtype: str) -> bool:
    return dtype in ("float64", "complex128") or not (is_float(dtype) or is_complex(dtype))
