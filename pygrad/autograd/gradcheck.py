"""Compare analytical gradients with central differences.

Complex numbers are looked at as pairs of reals throughout, so one real Jacobian serves all kinds
of functions: its row for an output component is the gradient of that component, and PyTorch's
convention makes the gradient's real and imaginary parts the derivatives by the input's parts.
"""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from pygrad._C import Tensor

    Rows = list[list[float]]


class GradcheckError(RuntimeError):
    """An analytical gradient differs from the numerical one."""


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _grad(outputs: Any, inputs: Any, grads: Any, **options: Any) -> tuple[Tensor | None, ...]:
    from pygrad.autograd import grad

    return grad(outputs, inputs, grads, allow_unused=True, **options)


def _reals(tensor: Tensor) -> list[float]:
    """All elements as plain numbers, real and imaginary part in turn."""
    flat: list[Any] = tensor.detach().resolve_conj().reshape(-1).tolist()
    if tensor.is_complex():
        return [part for v in flat for part in (v.real, v.imag)]
    return [float(v) for v in flat]


def _units(tensor: Tensor) -> tuple[complex, ...]:
    return (1.0, 1j) if tensor.is_complex() else (1.0,)


def _places(tensor: Tensor) -> Iterator[tuple[int, ...]]:
    import itertools

    return itertools.product(*(range(n) for n in tensor.shape))


def _check_inputs(op: str, inputs: tuple[Any, ...], eps: float) -> list[int]:
    """Return where the differentiable inputs stand."""
    chosen = [i for i, x in enumerate(inputs) if isinstance(x, _C.Tensor) and x.requires_grad]
    if not chosen:
        raise ValueError(
            f"{op}(): gradcheck expects at least one input tensor to require gradient, but none "
            "of them have requires_grad=True."
        )
    for i in chosen:
        x = inputs[i]
        if x.dtype not in (_C.float64, _C.complex128) and eps < 1e-4:
            import warnings

            warnings.warn(
                f"{op}(): input {i} is {x.dtype}; central differences with eps={eps:g} need "
                "double precision",
                stacklevel=3,
            )
        if any(s == 0 and n > 1 for s, n in zip(x.stride(), x.shape, strict=True)):
            raise RuntimeError(
                f"{op}(): The {i}th input has a dimension with stride 0. gradcheck only supports "
                "inputs that are non-overlapping to be able to compute the numerical gradients "
                "correctly. You should call .contiguous on the input before passing it to "
                "gradcheck."
            )
    return chosen


def _call(func: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, ...]:
    return _tuple(func(*inputs))


def _differentiable(outputs: tuple[Any, ...]) -> list[int]:
    return [i for i, y in enumerate(outputs) if isinstance(y, _C.Tensor) and y.requires_grad]


def _shifted(
    func: Callable[..., Any], inputs: tuple[Any, ...], i: int, x: Tensor, wanted: list[int]
) -> list[list[float]]:
    """Outputs (as plain numbers) with input `i` replaced by `x`."""
    moved = list(inputs)
    moved[i] = x.requires_grad_(True)
    outputs = _call(func, moved)
    return [_reals(outputs[j]) for j in wanted]


def _numerical(
    func: Callable[..., Any], inputs: tuple[Any, ...], i: int, wanted: list[int], eps: float
) -> list[Rows]:
    """Columns of the Jacobian by input `i`, for each wanted output: ``[output][column][row]``."""
    base = inputs[i].detach()
    columns: list[Rows] = [[] for _ in wanted]
    for place in _places(base):
        for unit in _units(base):
            sides = []
            for step in (eps, -eps):
                x = base.clone()
                x[place] = x[place].item() + step * unit
                sides.append(_shifted(func, inputs, i, x, wanted))
            for column, plus, minus in zip(columns, *sides, strict=True):
                column.append([(p - m) / (2 * eps) for p, m in zip(plus, minus, strict=True)])
    return columns


def _analytical(
    func: Callable[..., Any], inputs: tuple[Any, ...], chosen: list[int], j: int, dtypes: bool
) -> list[Rows]:
    """Rows of the Jacobian of output `j` for each input: ``[input][row][column]``."""
    sources = [inputs[i] for i in chosen]
    output = _call(func, inputs)[j]
    rows: list[Rows] = [[] for _ in chosen]
    for place in _places(output):
        for unit in _units(output):
            start = _C.ops.zeros_like(output.detach())
            start[place] = unit
            grads = _grad(output, sources, start, retain_graph=True)
            for k, (row, grad, x) in enumerate(zip(rows, grads, sources, strict=True)):
                if grad is None:
                    row.append([0.0] * (x.numel() * len(_units(x))))
                    continue
                if grad.shape != x.shape:
                    raise GradcheckError(
                        f"Analytical gradient has incorrect size: input {chosen[k]} has shape "
                        f"{tuple(x.shape)}, its gradient {tuple(grad.shape)}"
                    )
                if dtypes and grad.dtype != x.dtype:
                    raise GradcheckError(
                        f"Analytical gradient has incorrect dtype: input {chosen[k]} is "
                        f"{x.dtype}, its gradient {grad.dtype}"
                    )
                row.append(_reals(grad))
    return rows


def _check_repeatable(
    func: Callable[..., Any], inputs: tuple[Any, ...], chosen: list[int], j: int, tol: float
) -> None:
    """Run backward twice on one graph: the results may differ by `tol` at most."""
    sources = [inputs[i] for i in chosen]
    output = _call(func, inputs)[j]
    start = _C.ops.ones_like(output.detach())
    runs = [_grad(output, sources, start, retain_graph=True) for _ in range(2)]
    for i, a, b in zip(chosen, *runs, strict=True):
        if a is None or b is None:
            continue
        pairs = zip(_reals(a), _reals(b), strict=True)
        worst = max((abs(p - q) for p, q in pairs if p == p or q == q), default=0.0)
        if not worst <= tol:
            raise GradcheckError(
                "Backward is not reentrant, i.e., running backward with same input and "
                f"grad_output multiple times gives different values: they differ by {worst:g} "
                f"for input {i} and output {j}; nondet_tol={tol:g}"
            )


def _close(a: float, n: float, rtol: float, atol: float) -> bool:
    return a == n or abs(a - n) <= atol + rtol * abs(n)


def _table(rows: Rows) -> str:
    shown = [", ".join(f"{v: .6g}" for v in row[:12]) for row in rows[:12]]
    cut = len(rows) > 12 or any(len(row) > 12 for row in rows)
    return "\n  [" + "]\n  [".join(shown) + "]" + ("\n  ..." if cut else "")


def _slow(
    func: Callable[..., Any],
    inputs: tuple[Any, ...],
    chosen: list[int],
    wanted: list[int],
    eps: float,
    atol: float,
    rtol: float,
    dtypes: bool,
) -> None:
    numerical = [_numerical(func, inputs, i, wanted, eps) for i in chosen]
    for w, j in enumerate(wanted):
        analytical = _analytical(func, inputs, chosen, j, dtypes)
        for k, i in enumerate(chosen):
            columns = numerical[k][w]
            rows = analytical[k]
            expected = [list(row) for row in zip(*columns, strict=True)]
            if not columns or not rows:
                continue
            for r, (row, reference) in enumerate(zip(rows, expected, strict=True)):
                for c, (a, n) in enumerate(zip(row, reference, strict=True)):
                    if not _close(a, n, rtol, atol):
                        raise GradcheckError(
                            f"Jacobian mismatch for output {j} with respect to input {i}, at row "
                            f"{r} (of the output) and column {c} (of the input): numerical "
                            f"{n:.8g}, analytical {a:.8g}; tolerance rtol={rtol:g}, "
                            f"atol={atol:g}\nnumerical:{_table(expected)}"
                            f"\nanalytical:{_table(rows)}"
                        )


def _fast(
    func: Callable[..., Any],
    inputs: tuple[Any, ...],
    chosen: list[int],
    wanted: list[int],
    eps: float,
    atol: float,
    rtol: float,
) -> None:
    """Compare one random projection ``v^T J u`` of each Jacobian block."""
    import random

    rng = random.Random(0)  # the check must not move the global random stream
    outputs = _call(func, inputs)
    sources = [inputs[i] for i in chosen]

    def direction(like: Tensor) -> tuple[Tensor, list[float]]:
        parts = [rng.gauss(0, 1) for _ in range(like.numel() * len(_units(like)))]
        size = sum(p * p for p in parts) ** 0.5 or 1.0
        parts = [p / size for p in parts]
        values: list[Any] = parts
        if like.is_complex():
            values = [complex(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        made = _C.tensor(values, dtype=like.dtype, device=like.device)
        return made.reshape(tuple(like.shape)), parts

    starts = [direction(outputs[j]) for j in wanted]
    gradients = [
        _grad(outputs[j], sources, start, retain_graph=True)
        for j, (start, _) in zip(wanted, starts, strict=True)
    ]
    for k, i in enumerate(chosen):
        move, parts = direction(sources[k])
        base = sources[k].detach()
        plus = _shifted(func, inputs, i, base + eps * move, wanted)
        minus = _shifted(func, inputs, i, base - eps * move, wanted)
        for w, j in enumerate(wanted):
            weights = starts[w][1]
            both = zip(weights, plus[w], minus[w], strict=True)
            n = sum(v * (p - m) for v, p, m in both) / (2 * eps)
            grad = gradients[w][k]
            a = 0.0
            if grad is not None:
                a = sum(g * u for g, u in zip(_reals(grad), parts, strict=True))
            if not _close(a, n, rtol, atol):
                raise GradcheckError(
                    f"Jacobian mismatch for output {j} with respect to input {i}, in a random "
                    f"projection: numerical {n:.8g}, analytical {a:.8g}; tolerance rtol={rtol:g}, "
                    f"atol={atol:g}. Run with fast_mode=False to see the elements"
                )


def _check(
    op: str,
    func: Callable[..., Any],
    inputs: tuple[Any, ...],
    eps: float,
    atol: float,
    rtol: float,
    nondet_tol: float,
    dtypes: bool,
    fast: bool,
) -> None:
    chosen = _check_inputs(op, inputs, eps)
    outputs = _call(func, inputs)
    wanted = _differentiable(outputs)
    if not wanted:
        everything = [j for j, y in enumerate(outputs) if isinstance(y, _C.Tensor)]
        for i in chosen:
            for j, columns in zip(
                everything, _numerical(func, inputs, i, everything, eps), strict=True
            ):
                if any(abs(v) > atol for column in columns for v in column):
                    raise GradcheckError(
                        f"Numerical gradient for function expected to be zero: output {j} does "
                        f"not require grad but changes with input {i}"
                    )
        return
    for j in wanted:
        _check_repeatable(func, inputs, chosen, j, nondet_tol)
    if fast:
        _fast(func, inputs, chosen, wanted, eps, atol, rtol)
    else:
        _slow(func, inputs, chosen, wanted, eps, atol, rtol, dtypes)


def _refuse(op: str, **wanted: bool) -> None:
    for name, value in wanted.items():
        if value:
            raise NotImplementedError(
                f"{op}(): {name}=True is not supported; pygrad differentiates in reverse mode, "
                "one gradient at a time"
            )


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    r"""Check the gradients of `func` against central differences.

    Every entry must satisfy :math:`|a - n| \le atol + rtol \cdot |n|`.

    Args:
        func: takes `inputs`, returns a tensor or a tuple of tensors; must be deterministic.
        inputs: a tensor or a tuple; those with ``requires_grad`` (float64 or complex128) count.
        eps: the step of the differences.
        atol: absolute tolerance.
        rtol: relative tolerance.
        raise_exception: raise (True) or return False when the check fails.
        nondet_tol: how far two runs of one backward may differ.
        check_undefined_grad: outputs are differentiated one by one, so that each backward sees
            the others undefined; the flag is accepted and always in force.
        check_grad_dtypes: whether each gradient must have its input's dtype.
        check_batched_grad: must be False.
        check_batched_forward_grad: must be False.
        check_forward_ad: must be False.
        check_backward_ad: whether there is anything to do.
        fast_mode: compare one random projection of each Jacobian instead of all entries.
        masked: must not be True.

    Raises:
        GradcheckError: when the check fails and `raise_exception` is set.
        ValueError: when no input requires grad.

    Example:
        >>> import pygrad
        >>> x = pygrad.tensor([0.3, 0.6], dtype=pygrad.float64, requires_grad=True)
        >>> pygrad.autograd.gradcheck(lambda t: t.sin() * t, (x,))
        True
    """
    _refuse(
        "gradcheck",
        check_batched_grad=check_batched_grad,
        check_batched_forward_grad=check_batched_forward_grad,
        check_forward_ad=check_forward_ad,
        masked=bool(masked),
    )
    if not check_backward_ad:
        return True
    try:
        with _recording():
            _check(
                "gradcheck",
                func,
                _tuple(inputs),
                eps,
                atol,
                rtol,
                nondet_tol,
                check_grad_dtypes,
                fast_mode,
            )
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _recording() -> Any:
    from pygrad.autograd.grad_mode import enable_grad

    return enable_grad()


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Check the second derivatives of `func`: `gradcheck` of its backward pass.

    Args:
        func: as for `gradcheck`.
        inputs: as for `gradcheck`.
        grad_outputs: gradients of the differentiable outputs; random when left out.
        eps: the step of the differences.
        atol: absolute tolerance.
        rtol: relative tolerance.
        gen_non_contig_grad_outputs: make the random gradients non-contiguous.
        raise_exception: raise (True) or return False when the check fails.
        nondet_tol: how far two runs of one backward may differ.
        check_undefined_grad: as for `gradcheck`.
        check_grad_dtypes: as for `gradcheck`.
        check_batched_grad: must be False.
        check_fwd_over_rev: must be False.
        check_rev_over_rev: whether there is anything to do.
        fast_mode: as for `gradcheck`.
        masked: must be False.

    Raises:
        GradcheckError: when the check fails and `raise_exception` is set.

    Example:
        >>> import pygrad
        >>> x = pygrad.tensor([0.3, 0.6], dtype=pygrad.float64, requires_grad=True)
        >>> pygrad.autograd.gradgradcheck(lambda t: t**3, (x,))
        True
    """
    _refuse(
        "gradgradcheck",
        check_batched_grad=check_batched_grad,
        check_fwd_over_rev=check_fwd_over_rev,
        masked=masked,
    )
    if not check_rev_over_rev:
        return True
    given = _tuple(inputs)
    with _recording():
        outputs = _call(func, given)
        wanted = _differentiable(outputs)
        if not wanted:
            return True
        if grad_outputs is None:
            starts = [_random_start(outputs[j], gen_non_contig_grad_outputs) for j in wanted]
        else:
            starts = list(_tuple(grad_outputs))
    count = len(starts)
    chosen = [i for i, x in enumerate(given) if isinstance(x, _C.Tensor) and x.requires_grad]

    def backward_pass(*args: Any) -> tuple[Tensor, ...]:
        sources, grads = args[:-count], args[-count:]
        results = _call(func, sources)
        outs = [results[j] for j in wanted]
        found = _grad(outs, [sources[i] for i in chosen], grads, create_graph=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        backward_pass,
        (*given, *starts),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_grad_dtypes=check_grad_dtypes,
        fast_mode=fast_mode,
    )


def _random_start(output: Tensor, non_contiguous: bool) -> Tensor:
    shape = tuple(output.shape)
    options: dict[str, Any] = {"dtype": output.dtype, "device": output.device}
    if non_contiguous and shape:
        return _C.ops.randn((*shape, 2), **options)[..., 0].requires_grad_(True)
    return _C.ops.randn(shape, **options).requires_grad_(True)
