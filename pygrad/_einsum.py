"""Sums of products over named dimensions: `einsum`, `tensordot`, `chain_matmul`.

Two operands at a time become one batched matrix product, from left to right.
"""

from __future__ import annotations

import math

from pygrad import _C
from pygrad._shaping import operands as as_operands
from pygrad._shaping import wrap_dim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pygrad._C import Tensor

ops = _C.ops


def _parse(equation: str, dims: Sequence[int]) -> tuple[list[list[str]], list[str]]:
    """Labels of each operand's dimensions and of the output's; an ellipsis' are "0", "1", ..."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(dims):
        raise RuntimeError(
            f"einsum(): equation {equation!r} has {len(terms)} terms; got {len(dims)} operands"
        )
    widest = 0
    labels: list[list[str]] = []
    for n, (term, dim) in enumerate(zip(terms, dims, strict=True)):
        head, dots, tail = term.partition("...")
        named = head + tail
        bad = [c for c in named if not (c.isascii() and c.isalpha())]
        if bad:
            raise RuntimeError(
                f"einsum(): invalid subscript {bad[0]!r} in {equation!r}; expected letters, "
                "'...', ',' and '->'"
            )
        free = dim - len(named)
        if free < 0 or (free > 0 and not dots):
            raise RuntimeError(
                f"einsum(): the number of subscripts in {term!r} does not match the number of "
                f"dimensions of operand {n}: {len(named)} and {dim}"
            )
        widest = max(widest, free)
        # Ellipses are aligned at their last dimension, as in broadcasting.
        labels.append([*head, *(str(-free + i) for i in range(free)), *tail])
    ellipsis = [str(-widest + i) for i in range(widest)]
    everything = [c for term_labels in labels for c in term_labels]
    if not arrow:
        once = sorted(c for c in set(everything) if c.isalpha() and everything.count(c) == 1)
        return labels, ellipsis + once
    head, dots, tail = right.partition("...")
    output = [*head, *(ellipsis if dots else []), *tail]
    for c in output:
        if output.count(c) > 1 or (c.isalpha() and c not in everything) or c in ".,->":
            raise RuntimeError(
                f"einsum(): output subscript {c!r} of {equation!r} appears more than once or in no "
                "operand"
            )
    return labels, output


class _Operand:
    """An operand's labels and sizes, and the diagonals that its repeated labels stand for."""

    __slots__ = ("diagonals", "labels", "sizes")

    def __init__(self, labels: list[str], sizes: Sequence[int]) -> None:
        self.labels, self.sizes = labels, list(sizes)
        self.diagonals: list[tuple[int, int]] = []
        i = 0
        while i < len(self.labels):
            label = self.labels[i]
            j = next((k for k in range(i + 1, len(self.labels)) if self.labels[k] == label), None)
            if j is None:
                i += 1
                continue
            if self.sizes[i] != self.sizes[j]:
                raise RuntimeError(
                    f"einsum(): subscript {label!r} is repeated for dimensions of sizes "
                    f"{self.sizes[i]} and {self.sizes[j]}; expected equal sizes"
                )
            self.diagonals.append((i, j))
            others = [k for k in range(len(self.labels)) if k not in (i, j)]
            self.labels = [self.labels[k] for k in others] + [label]
            self.sizes = [self.sizes[k] for k in others] + [self.sizes[i]]

    def drop(self, keep: set[str]) -> list[int]:
        """The dimensions that nobody needs any more, to be summed over."""
        gone = [i for i, c in enumerate(self.labels) if c not in keep]
        self.sizes = [n for c, n in zip(self.labels, self.sizes, strict=True) if c in keep]
        self.labels = [c for c in self.labels if c in keep]
        return gone


class _Layout:
    """What brings an operand to a stack of matrices: sums, a permutation, sizes of one expanded."""

    __slots__ = ("expanded", "gone", "matrices", "order")

    def __init__(self, gone: list[int], operand: _Operand, order: list[str], sizes: dict[str, int]):
        self.gone = gone
        permutation = [operand.labels.index(c) for c in order]
        self.order = permutation if permutation != sorted(permutation) else None
        full = [sizes[c] for c in order]
        self.expanded = full if full != [operand.sizes[i] for i in permutation] else None
        self.matrices: list[int] = []

    def apply(self, op: Tensor) -> Tensor:
        if self.gone:
            op = ops.sum(op, self.gone)
        if self.order is not None:
            op = op.permute(self.order)
        if self.expanded is not None:
            op = op.expand(self.expanded)
        return op.reshape(self.matrices)


class _Product:
    """Two operands multiplied and summed over their common labels outside `keep`: one bmm."""

    __slots__ = ("left", "result", "right")

    def __init__(self, a: _Operand, b: _Operand, keep: set[str]) -> None:
        gone_a = a.drop(keep | set(b.labels))
        gone_b = b.drop(keep | set(a.labels))
        sizes: dict[str, int] = {}
        for op in (a, b):
            for c, n in zip(op.labels, op.sizes, strict=True):
                known = sizes.get(c, 1)
                if n != known and n != 1 and known != 1:
                    raise RuntimeError(
                        f"einsum(): subscript {c!r} has sizes {known} and {n}; expected equal "
                        "sizes or 1"
                    )
                sizes[c] = n if known == 1 else known
        both = [c for c in a.labels if c in b.labels]
        batch = [c for c in both if c in keep]
        summed = [c for c in both if c not in keep]
        rows = [c for c in a.labels if c not in b.labels]
        columns = [c for c in b.labels if c not in a.labels]
        nb, ns, nr, nc = (
            math.prod(sizes[c] for c in group) for group in (batch, summed, rows, columns)
        )
        self.left = _Layout(gone_a, a, batch + rows + summed, sizes)
        self.right = _Layout(gone_b, b, batch + summed + columns, sizes)
        self.left.matrices, self.right.matrices = [nb, nr, ns], [nb, ns, nc]
        # The product takes the left operand's place.
        a.labels = batch + rows + columns
        a.sizes = self.result = [sizes[c] for c in a.labels]

    def apply(self, a: Tensor, b: Tensor) -> Tensor:
        return ops.bmm(self.left.apply(a), self.right.apply(b)).reshape(self.result)


class _Plan:
    """All that an equation means for operands of given shapes."""

    __slots__ = ("diagonals", "gone", "missing", "order", "products")

    def __init__(self, equation: str, shapes: Sequence[Sequence[int]]) -> None:
        labels, output = _parse(equation, [len(shape) for shape in shapes])
        parts = [_Operand(term, shape) for term, shape in zip(labels, shapes, strict=True)]
        self.diagonals = [part.diagonals for part in parts]
        self.products = []
        for n, part in enumerate(parts[1:], 1):
            later = set(output).union(*(p.labels for p in parts[n + 1 :]))
            self.products.append(_Product(parts[0], part, later))
        self.gone = parts[0].drop(set(output))
        missing = [c for c in output if c not in parts[0].labels]
        held = [*reversed(missing), *parts[0].labels]
        self.missing = len(missing)
        order = [held.index(c) for c in output]
        self.order = order if order != sorted(order) else None

    def apply(self, operands: Sequence[Tensor]) -> Tensor:
        parts = list(operands)
        for n, diagonals in enumerate(self.diagonals):
            for i, j in diagonals:
                parts[n] = parts[n].diagonal(0, i, j)
        result = parts[0]
        for product, part in zip(self.products, parts[1:], strict=True):
            result = product.apply(result, part)
        if self.gone:
            result = ops.sum(result, self.gone)
        for _ in range(self.missing):
            result = result.unsqueeze(0)
        if self.order is not None:
            return result.permute(self.order)
        return result if result is not operands[0] else result.view_as(result)


_plans: dict[tuple[Any, ...], _Plan] = {}
_MOST_PLANS = 256


def _sublists(args: tuple[Any, ...]) -> tuple[str, tuple[Tensor, ...]]:
    """Translate ``einsum(a, [0, 1], b, [1, 2], [0, 2])`` into an equation."""

    def letters(indices: Sequence[Any]) -> str:
        text = ""
        for i in indices:
            if i is Ellipsis:
                text += "..."
            elif 0 <= i < 52:
                text += chr((65 if i < 26 else 71) + i)
            else:
                raise ValueError(f"einsum(): sublist index {i} is out of range; expected 0..51")
        return text

    operands = args[0 : len(args) // 2 * 2 : 2]
    equation = ",".join(letters(s) for s in args[1::2])
    if len(args) % 2:
        equation += "->" + letters(args[-1])
    return equation, operands


def einsum(*args: Any) -> Tensor:
    r"""Sum products of the operands' elements over the subscripts absent from the output.

    Args:
        args: an equation such as ``"bij,bjk->bik"`` and the operands (or a list of them);
            ``...`` stands for broadcast dimensions. Or operands and lists of indices in turn.

    Raises:
        RuntimeError: when equation and shapes do not agree.

    Example:
        >>> import pygrad
        >>> a = pygrad.arange(6.0).reshape(2, 3)
        >>> pygrad.einsum("ij,ij->i", a, a)
        tensor([ 5., 50.])
    """
    if args and not isinstance(args[0], str):
        equation, operands = _sublists(args)
    else:
        if not args:
            raise ValueError("einsum(): got no arguments; expected an equation and operands")
        equation, operands = args[0], as_operands(args[1:])
    if not operands:
        raise ValueError("einsum(): must specify the equation string and at least one operand")
    shapes = tuple(op.shape for op in operands)
    plan = _plans.get((equation, shapes))
    if plan is None:
        if len(_plans) >= _MOST_PLANS:
            _plans.clear()
        plan = _plans[equation, shapes] = _Plan(equation, shapes)
    return plan.apply(operands)


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: None = None) -> Tensor:
    """Contract several dimensions of `a` with as many of `b`.

    Args:
        a: left operand.
        b: right operand.
        dims: how many last dimensions of `a` meet the first of `b`, or two lists of dimensions.
        out: must be None.

    Raises:
        RuntimeError: when the lists or the sizes do not match.
    """
    if isinstance(dims, _C.Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0 or dims > min(a.dim(), b.dim()):
            raise RuntimeError(
                f"tensordot(): got dims={dims} for tensors of {a.dim()} and {b.dim()} dimensions; "
                "expected from 0 to the smaller"
            )
        left, right = list(range(a.dim() - dims, a.dim())), list(range(dims))
    else:
        left, right = ([d] if isinstance(d, int) else list(d) for d in dims)
    if len(left) != len(right):
        raise RuntimeError(f"tensordot(): dims {left} and {right} differ in length")
    left = [wrap_dim("tensordot", d, a.dim()) for d in left]
    right = [wrap_dim("tensordot", d, b.dim()) for d in right]
    for i, j in zip(left, right, strict=True):
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise RuntimeError(
                f"tensordot(): contracted dimensions need to match, but first has size "
                f"{a.shape[i]} in dim {i} and second has size {b.shape[j]} in dim {j}"
            )
    la = [f"a{i}" for i in range(a.dim())]
    lb = [f"b{i}" for i in range(b.dim())]
    for i, j in zip(left, right, strict=True):
        lb[j] = la[i]
    keep = {c for i, c in enumerate(la) if i not in left}
    keep |= {c for j, c in enumerate(lb) if j not in right}
    return _Product(_Operand(la, a.shape), _Operand(lb, b.shape), keep).apply(a, b)


def chain_matmul(*matrices: Tensor, out: None = None) -> Tensor:
    """Multiply 2-D matrices in the cheapest order; see `pygrad.linalg.multi_dot`."""
    from pygrad.linalg import multi_dot

    given = as_operands(matrices)
    return given[0] if len(given) == 1 else multi_dot(given)
