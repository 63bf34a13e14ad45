"""Comparing tensors in tests, and making tensors for them."""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pygrad._C import Tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

# dtype name -> (rtol, atol); every other dtype must be equal.
_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}


def default_tolerances(*dtypes: Any) -> tuple[float, float]:
    """Return the largest ``(rtol, atol)`` of the dtypes."""
    pairs = [_TOLERANCES.get(str(d).rsplit(".", 1)[-1], (0.0, 0.0)) for d in dtypes]
    return max(p[0] for p in pairs), max(p[1] for p in pairs)


class _Mismatch(Exception):
    """A difference, found at some place inside the compared containers."""

    def __init__(self, kind: type[Exception], text: str, where: str) -> None:
        self.kind = kind
        super().__init__(text + (f"\n\nThe failure occurred for item {where}" if where else ""))


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array_interface__") and hasattr(value, "dtype")


def _numbers(tensor: Tensor) -> Tensor:
    """The values in a dtype wide enough to subtract in."""
    wide = tensor.detach().cpu()
    if wide.is_complex():
        return wide.to(_C.complex128)
    return wide if wide.dtype in (_C.int64, _C.float64) else wide.to(_C.float64)


def _compare_values(
    actual: Tensor, expected: Tensor, rtol: float, atol: float, equal_nan: bool, where: str
) -> None:
    if actual.numel() == 0:
        return
    a, e = _numbers(actual), _numbers(expected)
    if a.dtype != e.dtype:
        common = _C.promote_types(a.dtype, e.dtype)
        a, e = a.to(common), e.to(common)
    ops = _C.ops
    matches = a == e
    if rtol or atol:
        close = ops.abs(a - e) <= atol + rtol * ops.abs(e)
        matches = matches | (close & ops.isfinite(e) & ops.isfinite(a))
    if equal_nan:
        matches = matches | ((a != a) & (e != e))
    wrong = int((~matches).sum().item())
    if not wrong:
        return
    count = a.numel()
    flat_a, flat_e = a.reshape(-1), e.reshape(-1)
    delta = ops.abs(flat_a - flat_e)
    delta = delta if delta.is_floating_point() else delta.to(_C.float64)
    delta = ops.where(matches.reshape(-1), ops.zeros_like(delta), delta)
    relative = delta / ops.abs(flat_e).to(delta.dtype)
    relative = ops.where(matches.reshape(-1), ops.zeros_like(relative), relative)
    exact = not rtol and not atol
    name = "Scalars" if actual.dim() == 0 else "Tensor-likes"
    head = f"{name} are not {'equal' if exact else 'close'}!\n\n"
    if actual.dim() == 0:
        allowed = "" if exact else f" (up to {atol:g} allowed)"
        allowed_rel = "" if exact else f" (up to {rtol:g} allowed)"
        text = (
            f"Expected {e.item()} but got {a.item()}.\n"
            f"Absolute difference: {delta.item():g}{allowed}\n"
            f"Relative difference: {relative.item():g}{allowed_rel}"
        )
        raise _Mismatch(AssertionError, head + text, where)

    def worst(values: Tensor) -> tuple[float, tuple[int, ...]]:
        # A NaN is the worst of all, and argmax gives its place.
        at = int(values.argmax().item())
        value: float = values[at].item()
        index = []
        for n in reversed(actual.shape):
            index.append(at % n)
            at //= n
        return value, tuple(reversed(index))

    (most, i), (most_rel, j) = worst(delta), worst(relative)
    text = (
        f"Mismatched elements: {wrong} / {count} ({100 * wrong / count:.1f}%)\n"
        f"Greatest absolute difference: {most:g} at index {i}"
        f"{'' if exact else f' (up to {atol:g} allowed)'}: got {a[i].item()}, expected "
        f"{e[i].item()}\n"
        f"Greatest relative difference: {most_rel:g} at index {j}"
        f"{'' if exact else f' (up to {rtol:g} allowed)'}: got {a[j].item()}, expected "
        f"{e[j].item()}"
    )
    raise _Mismatch(AssertionError, head + text, where)


def _compare_tensors(actual: Tensor, expected: Tensor, options: dict[str, Any], where: str) -> None:
    if actual.shape != expected.shape:
        raise _Mismatch(
            AssertionError,
            "The values for attribute 'shape' do not match: "
            f"{tuple(actual.shape)} != {tuple(expected.shape)}.",
            where,
        )
    for check, attribute in (("check_device", "device"), ("check_dtype", "dtype")):
        a, e = getattr(actual, attribute), getattr(expected, attribute)
        if options[check] and a != e:
            raise _Mismatch(
                AssertionError,
                f"The values for attribute '{attribute}' do not match: {a} != {e}.",
                where,
            )
    if options["check_stride"] and actual.stride() != expected.stride():
        raise _Mismatch(
            AssertionError,
            "The values for attribute 'stride()' do not match: "
            f"{actual.stride()} != {expected.stride()}.",
            where,
        )
    rtol, atol = options["rtol"], options["atol"]
    if rtol is None:
        rtol, atol = default_tolerances(actual.dtype, expected.dtype)
    _compare_values(actual, expected, rtol, atol, options["equal_nan"], where)


def _compare(actual: Any, expected: Any, options: dict[str, Any], where: str) -> None:
    tensors = isinstance(actual, _C.Tensor) and isinstance(expected, _C.Tensor)
    if tensors:
        _compare_tensors(actual, expected, options, where)
        return
    mapping = isinstance(actual, dict) and isinstance(expected, dict)
    if mapping:
        if actual.keys() != expected.keys():
            raise _Mismatch(
                AssertionError,
                "The keys of the mappings do not match:\nMissing keys: "
                f"{sorted(map(str, expected.keys() - actual.keys()))}\nAdditional keys: "
                f"{sorted(map(str, actual.keys() - expected.keys()))}",
                where,
            )
        for key in actual:
            _compare(actual[key], expected[key], options, f"{where}[{key!r}]")
        return
    if isinstance(actual, (list, tuple)) and isinstance(expected, (list, tuple)):
        if len(actual) != len(expected):
            raise _Mismatch(
                AssertionError,
                f"The length of the sequences mismatch: {len(actual)} != {len(expected)}",
                where,
            )
        for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
            _compare(a, e, options, f"{where}[{i}]")
        return
    if actual is None and expected is None:
        return
    if _is_array(actual) and _is_array(expected):
        _compare_tensors(_C.as_tensor(actual), _C.as_tensor(expected), options, where)
        return
    plain = (int, float, complex)
    if isinstance(actual, plain) and isinstance(expected, plain):
        _compare_scalars(actual, expected, options, where)
        return
    raise _Mismatch(
        TypeError,
        "assert_close(): No comparison pair was able to handle inputs of type "
        f"{type(actual).__name__} and {type(expected).__name__}; expected tensors, arrays, "
        "numbers, None, or sequences and mappings of them on both sides",
        where,
    )


def _compare_scalars(actual: Any, expected: Any, options: dict[str, Any], where: str) -> None:
    def kind(value: Any) -> Any:
        if isinstance(value, bool):
            return _C.bool
        if isinstance(value, int):
            return _C.int64
        return _C.float64 if isinstance(value, float) else _C.complex128

    rtol, atol = options["rtol"], options["atol"]
    if rtol is None:
        rtol, atol = default_tolerances(kind(actual), kind(expected))
    if actual == expected or (options["equal_nan"] and actual != actual and expected != expected):
        return
    difference = abs(actual - expected)
    if difference <= atol + rtol * abs(expected) and difference != float("inf"):
        return
    relative = difference / abs(expected) if expected else float("inf")
    exact = not rtol and not atol
    raise _Mismatch(
        AssertionError,
        f"Scalars are not {'equal' if exact else 'close'}!\n\nExpected {expected} but got "
        f"{actual}.\nAbsolute difference: {difference:g} (up to {atol:g} allowed)\n"
        f"Relative difference: {relative:g} (up to {rtol:g} allowed)",
        where,
    )


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    r"""Assert :math:`|a - e| \le atol + rtol \cdot |e|` for all elements.

    Args:
        actual: a tensor, array, number or None, or sequences and mappings of them.
        expected: the like.
        allow_subclasses: whether types related by inheritance may be compared.
        rtol: relative tolerance; with `atol` or not at all. Default: by dtype.
        atol: absolute tolerance.
        equal_nan: whether two NaN are equal.
        check_device: whether devices must agree.
        check_dtype: whether dtypes must agree.
        check_layout: accepted; there is one layout.
        check_stride: whether strides must agree.
        msg: text, or a function of the text, to show in its place.

    Raises:
        AssertionError: with the number of differing elements and the worst of them.
        ValueError: when only one of `rtol` and `atol` is given.
        TypeError: for things that cannot be compared.

    Example:
        >>> import pygrad
        >>> pygrad.testing.assert_close(pygrad.tensor([1.0]), pygrad.tensor([1.0 + 1e-7]))
    """
    if (rtol is None) != (atol is None):
        raise ValueError(
            "assert_close(): rtol and atol must both be specified or both be unspecified, but got "
            f"rtol={rtol}, atol={atol}"
        )
    if not allow_subclasses and type(actual) is not type(expected):
        raise TypeError(
            f"assert_close(): got {type(actual).__name__} and {type(expected).__name__}; expected "
            "equal types with allow_subclasses=False"
        )
    options = {
        "rtol": rtol,
        "atol": atol,
        "equal_nan": equal_nan,
        "check_device": check_device,
        "check_dtype": check_dtype,
        "check_stride": check_stride,
    }
    try:
        _compare(actual, expected, options, "")
    except _Mismatch as found:
        text = str(found)
        kind = found.kind
    else:
        return
    if msg is not None:
        text = msg(text) if callable(msg) else msg
    raise kind(text)


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """Former form of `assert_close`: dtypes and devices may differ, NaN equals NaN.

    Args:
        actual: what `as_tensor` accepts.
        expected: the like.
        rtol: relative tolerance.
        atol: absolute tolerance.
        equal_nan: whether two NaN are equal.
        msg: text to show instead.
    """
    assert_close(
        _C.as_tensor(actual),
        _C.as_tensor(expected),
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_device=False,
        check_dtype=False,
        msg=msg or None,
    )


def make_tensor(
    *shape: Any,
    dtype: Any,
    device: Any = "cpu",
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
) -> Tensor:
    """Return a tensor of uniform random values.

    Args:
        shape: sizes, or one sequence of sizes.
        dtype: any dtype.
        device: of the result.
        low: smallest value; default: 0 for bool and uint8, else -9.
        high: bound above; default: 2 for bool, 10 for integers, 9 else.
        requires_grad: record operations on the result.
        noncontiguous: leave a gap between the elements of the last dimension.
        exclude_zero: put the smallest positive value (1 for integers) in place of zeros.

    Raises:
        ValueError: when ``low >= high``, or gradients are asked of integers.
    """
    sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    sizes = tuple(int(n) for n in sizes)
    fractional = dtype.is_floating_point or dtype.is_complex
    if requires_grad and not fractional:
        raise ValueError(
            f"make_tensor(): requires_grad must be False for integral dtype, but got {dtype}"
        )
    if low is None:
        low = 0 if dtype in (_C.bool, _C.uint8) else -9
    if high is None:
        high = 2 if dtype == _C.bool else 9 if fractional else 10
    if low >= high:
        raise ValueError(f"make_tensor(): got low={low} and high={high}; expected low < high")
    ops = _C.ops
    wide = (*sizes[:-1], 2 * sizes[-1]) if noncontiguous and sizes else sizes

    def uniform(kind: Any) -> Tensor:
        return (ops.rand(wide, dtype=_C.float64, device=device) * (high - low) + low).to(kind)

    if dtype.is_complex:
        made = ops.complex(uniform(_C.float64), uniform(_C.float64)).to(dtype)
    elif fractional:
        made = uniform(dtype)
    else:
        made = ops.randint(int(low), int(high), wide, device=device).to(dtype)
    if exclude_zero:
        from pygrad._numeric_limits import finfo

        smallest = finfo(dtype).tiny if fractional else 1
        made = ops.where(made == 0, ops.full_like(made, smallest), made)
    if noncontiguous and sizes:
        made = made[..., ::2]
    return made.requires_grad_(requires_grad) if requires_grad else made
