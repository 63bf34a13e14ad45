"""The text of a tensor, laid out as PyTorch lays it out.

The native ``Tensor.__repr__`` calls `_str`. A tensor is first cut down to what will be shown (the
edges of each long dimension), then moved to plain nested lists in one copy, and everything after
that is text: one `_Column` decides precision, notation and width for all shown numbers.
"""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pygrad._C import Tensor


class PrintOptions:
    """What `set_printoptions` sets; one instance, `PRINT_OPTS`, holds for the process."""

    __slots__ = ("edgeitems", "linewidth", "precision", "sci_mode", "threshold")

    def __init__(self) -> None:
        self.precision: int = 4
        self.threshold: float = 1000
        self.edgeitems: int = 3
        self.linewidth: int = 80
        self.sci_mode: bool | None = None


PRINT_OPTS = PrintOptions()

_PROFILES: dict[str, tuple[int, float, int, int]] = {
    "default": (4, 1000, 3, 80),
    "short": (2, 1000, 2, 80),
    "full": (4, float("inf"), 3, 80),
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed; what is not given stays as it is.

    Args:
        precision: digits after the decimal point (4 at start).
        threshold: number of elements above which only the edges are shown (1000 at start).
        edgeitems: how many elements to show at each edge of each dimension (3 at start).
        linewidth: characters in a line (80 at start).
        profile: ``"default"``, ``"short"`` or ``"full"``; the other arguments override it.
        sci_mode: scientific notation always (True), never (False), or as the values need (None).

    Raises:
        ValueError: for an unknown profile.

    Example:
        >>> import pygrad
        >>> pygrad.set_printoptions(precision=2)
        >>> pygrad.tensor([1.12345])
        tensor([1.12])
        >>> pygrad.set_printoptions(profile="default")
    """
    opts = PRINT_OPTS
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(
                f"set_printoptions(): unknown profile {profile!r}; expected one of "
                f"{', '.join(map(repr, _PROFILES))}"
            )
        opts.precision, opts.threshold, opts.edgeitems, opts.linewidth = _PROFILES[profile]
    if precision is not None:
        opts.precision = precision
    if threshold is not None:
        opts.threshold = threshold
    if edgeitems is not None:
        opts.edgeitems = edgeitems
    if linewidth is not None:
        opts.linewidth = linewidth
    opts.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """Return the present print options by name."""
    return {name: getattr(PRINT_OPTS, name) for name in PrintOptions.__slots__}


class printoptions:
    """Context manager: print options for a block, restored at its end.

    Example:
        >>> import pygrad
        >>> from pygrad._tensor_str import printoptions
        >>> with printoptions(precision=1):
        ...     print(pygrad.tensor([0.25]))
        tensor([0.2])
    """

    def __init__(self, **options: Any) -> None:
        self._options = options

    def __enter__(self) -> None:
        self._saved = get_printoptions()
        set_printoptions(**self._options)

    def __exit__(self, *_: object) -> None:
        set_printoptions(**self._saved)


class _Column:
    """Notation and width shared by all numbers of one tensor (or of its real or imaginary part)."""

    def __init__(self, values: list[Any], floating: bool) -> None:
        self.floating = floating
        self.int_mode = True
        self.sci_mode = False
        self.width = 1
        precision = PRINT_OPTS.precision
        if not floating:
            self.width = max((len(str(v)) for v in values), default=1)
            return
        inf = float("inf")
        shown = [v for v in values if v != 0 and v == v and v not in (inf, -inf)]
        if not shown:
            return
        magnitudes = [abs(v) for v in shown]
        low, high = min(magnitudes), max(magnitudes)
        self.int_mode = all(v == v // 1 for v in shown)
        # A column goes scientific when fixed notation would waste or lose digits.
        self.sci_mode = high / low > 1000 or high > 1e8 or (not self.int_mode and low < 1e-4)
        if PRINT_OPTS.sci_mode is not None:
            self.sci_mode = PRINT_OPTS.sci_mode
        if self.sci_mode:
            lengths = (len(f"{v:.{precision}e}") for v in shown)
        elif self.int_mode:
            lengths = (len(f"{v:.0f}") + 1 for v in shown)  # the trailing point
        else:
            lengths = (len(f"{v:.{precision}f}") for v in shown)
        self.width = max(1, max(lengths))

    def format(self, value: Any) -> str:
        if not self.floating:
            text = str(value)
        elif self.sci_mode:
            text = f"{value:.{PRINT_OPTS.precision}e}"
        elif self.int_mode:
            text = f"{value:.0f}"
            if text[-1].isdigit():  # "nan" and "inf" take no point
                text += "."
        else:
            text = f"{value:.{PRINT_OPTS.precision}f}"
        return text.rjust(self.width)


class _ComplexColumn:
    """A real and an imaginary column, written ``1.0000+2.0000j``."""

    def __init__(self, values: list[complex]) -> None:
        self.real = _Column([v.real for v in values], True)
        self.imag = _Column([v.imag for v in values], True)
        self.width = self.real.width + self.imag.width + 1

    def format(self, value: complex) -> str:
        imag = self.imag.format(value.imag).lstrip() + "j"
        sign = "" if imag[0] in "+-" else "+"
        return self.real.format(value.real) + sign + imag


def _flat(nested: Any) -> Iterator[Any]:
    if isinstance(nested, list):
        for item in nested:
            yield from _flat(item)
    else:
        yield nested


def _edges(tensor: Tensor) -> Tensor:
    """Keep the first and the last `edgeitems` of each dimension that is longer than both."""
    edge = PRINT_OPTS.edgeitems
    for dim, size in enumerate(tensor.shape):
        if size > 2 * edge:
            parts = (tensor.narrow(dim, 0, edge), tensor.narrow(dim, size - edge, edge))
            tensor = _C.ops.cat(parts, dim)
    return tensor


def _render(
    nested: Any, shape: tuple[int, ...], indent: int, column: _Column | _ComplexColumn, cut: bool
) -> str:
    """Text of `nested`, whose tensor had `shape` before `_edges`; `cut` says that it was cut."""
    if not shape:
        return column.format(nested)
    edge = PRINT_OPTS.edgeitems
    elided = cut and shape[0] > 2 * edge
    if len(shape) == 1:
        per_line = max(1, int((PRINT_OPTS.linewidth - indent) // (column.width + 2)))
        items = [column.format(v) for v in nested]
        if elided:
            items = [*items[:edge], " ...", *items[edge:]] if edge else ["..."]
        lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    rows = [_render(row, shape[1:], indent + 1, column, cut) for row in nested]
    if elided:
        rows = [*rows[:edge], "...", *rows[edge:]]
    return "[" + ("," + "\n" * (len(shape) - 1) + " " * (indent + 1)).join(rows) + "]"


def _contents(tensor: Tensor, indent: int) -> str:
    cut = tensor.numel() > PRINT_OPTS.threshold
    # Cut first, copy second: a long tensor on a device moves only what is shown.
    nested = (_edges(tensor) if cut else tensor).tolist()
    values = list(_flat(nested))
    column: _Column | _ComplexColumn
    if tensor.is_complex():
        column = _ComplexColumn(values)
    else:
        column = _Column(values, tensor.is_floating_point())
    return _render(nested, tuple(tensor.shape), indent, column, cut)


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    """Append ``, dtype=...`` and its like, on a new line where the present one is full."""
    used = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if used + len(suffix) + 2 > PRINT_OPTS.linewidth:
            text += ",\n" + " " * indent + suffix
            used = indent + len(suffix)
        else:
            text += ", " + suffix
            used += len(suffix) + 2
    return text + ")"


def _str(tensor: Tensor, *, tensor_contents: str | None = None) -> str:
    """Return ``repr(tensor)``.

    Args:
        tensor: any tensor.
        tensor_contents: text to show in place of the elements.

    Example:
        >>> import pygrad
        >>> pygrad.tensor([[1.0, 2.5]], requires_grad=True)
        tensor([[1.0000, 2.5000]], requires_grad=True)
    """
    kind = type(tensor)
    name = "tensor" if kind is _C.Tensor or kind.__name__ == "Parameter" else kind.__name__
    prefix = name + "("
    indent = len(prefix)
    suffixes: list[str] = []
    default = _C.get_default_dtype()
    if tensor.device.type != "cpu":
        suffixes.append(f"device='{tensor.device}'")
    # Reading grad_fn may rebuild a view's history, so look at the tensor itself before detaching.
    grad_fn = tensor.grad_fn
    data = tensor.detach()
    if (tensor.numel() == 0 and tensor.dim() != 1) or (
        PRINT_OPTS.edgeitems == 0 and tensor.numel() > 0
    ):
        suffixes.append(f"size={tuple(tensor.shape)}")
    if tensor.numel() == 0:
        plain = tensor.dtype == default
        text = "[]"
    else:
        paired = _C.complex128 if default == _C.float64 else _C.complex64
        plain = tensor.dtype in (default, paired, _C.int64, _C.bool)
        text = ""
    if not plain:
        suffixes.append(f"dtype={tensor.dtype}")
    if tensor_contents is not None:
        text = tensor_contents
    elif not text:
        previous = _C.is_grad_enabled()
        _C.set_grad_enabled(False)
        try:
            text = _contents(data, indent)
        finally:
            _C.set_grad_enabled(previous)
    if grad_fn is not None:
        node_name = type(grad_fn).__name__
        if node_name in ("Node", "CppFunction"):
            node_name = str(grad_fn.name()).rsplit("::", 1)[-1]
        suffixes.append(f"grad_fn=<{node_name}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    return _with_suffixes(prefix + text, suffixes, indent)
