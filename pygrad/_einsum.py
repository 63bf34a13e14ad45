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


def _parse(equation: str, operands: tuple[Tensor, ...]) -> tuple[list[list[str]], list[str]]:
    """Labels of each operand's dimensions and of the output's; an ellipsis' are "0", "1", ..."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise RuntimeError(
            f"einsum(): equation {equation!r} has {len(terms)} terms; got {len(operands)} operands"
        )
    widest = 0
    labels: list[list[str]] = []
    for n, (term, operand) in enumerate(zip(terms, operands, strict=True)):
        head, dots, tail = term.partition("...")
        named = head + tail
        bad = [c for c in named if not (c.isascii() and c.isalpha())]
        if bad:
            raise RuntimeError(
                f"einsum(): invalid subscript {bad[0]!r} in {equation!r}; expected letters, "
                "'...', ',' and '->'"
            )
        free = operand.dim() - len(named)
        if free < 0 or (free > 0 and not dots):
            raise RuntimeError(
                f"einsum(): the number of subscripts in {term!r} does not match the number of "
                f"dimensions of operand {n}: {len(named)} and {operand.dim()}"
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


def _merge_repeats(op: Tensor, labels: list[str]) -> tuple[Tensor, list[str]]:
    """Take the diagonal over each label that stands twice in one operand."""
    i = 0
    while i < len(labels):
        j = next((k for k in range(i + 1, len(labels)) if labels[k] == labels[i]), None)
        if j is None:
            i += 1
            continue
        if op.shape[i] != op.shape[j]:
            raise RuntimeError(
                f"einsum(): subscript {labels[i]!r} is repeated for dimensions of sizes "
                f"{op.shape[i]} and {op.shape[j]}; expected equal sizes"
            )
        op = op.diagonal(0, i, j)
        label = labels[i]
        labels = [c for k, c in enumerate(labels) if k not in (i, j)] + [label]
    return op, labels


def _drop(op: Tensor, labels: list[str], keep: set[str]) -> tuple[Tensor, list[str]]:
    """Sum over the labels that nobody needs any more."""
    gone = [i for i, c in enumerate(labels) if c not in keep]
    if not gone:
        return op, labels
    return ops.sum(op, gone), [c for c in labels if c in keep]


def _arrange(op: Tensor, labels: list[str], order: list[str], sizes: dict[str, int]) -> Tensor:
    """Permute to `order`, expanding the sizes of one."""
    op = op.permute([labels.index(c) for c in order])
    return op.expand([sizes[c] for c in order])


def _contract(
    a: Tensor, la: list[str], b: Tensor, lb: list[str], keep: set[str]
) -> tuple[Tensor, list[str]]:
    """Multiply two operands and sum over their common labels outside `keep`: one bmm."""
    a, la = _drop(a, la, keep | set(lb))
    b, lb = _drop(b, lb, keep | set(la))
    sizes: dict[str, int] = {}
    for labels, op in ((la, a), (lb, b)):
        for c, n in zip(labels, op.shape, strict=True):
            known = sizes.get(c, 1)
            if n != known and n != 1 and known != 1:
                raise RuntimeError(
                    f"einsum(): subscript {c!r} has sizes {known} and {n}; expected equal sizes "
                    "or 1"
                )
            sizes[c] = n if known == 1 else known
    both = [c for c in la if c in lb]
    batch = [c for c in both if c in keep]
    summed = [c for c in both if c not in keep]
    rows = [c for c in la if c not in lb]
    columns = [c for c in lb if c not in la]
    extent = {
        name: math.prod(sizes[c] for c in group)
        for name, group in (("b", batch), ("s", summed), ("r", rows), ("c", columns))
    }
    left = _arrange(a, la, batch + rows + summed, sizes)
    right = _arrange(b, lb, batch + summed + columns, sizes)
    out = ops.bmm(
        left.reshape(extent["b"], extent["r"], extent["s"]),
        right.reshape(extent["b"], extent["s"], extent["c"]),
    )
    order = batch + rows + columns
    return out.reshape([sizes[c] for c in order]), order


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
    labels, output = _parse(equation, operands)
    parts = [_merge_repeats(op, term) for op, term in zip(operands, labels, strict=True)]
    result, held = parts[0]
    for n, (operand, term) in enumerate(parts[1:], 1):
        later = set(output).union(*(term_labels for _, term_labels in parts[n + 1 :]))
        result, held = _contract(result, held, operand, term, later)
    result, held = _drop(result, held, set(output))
    for missing in [c for c in output if c not in held]:
        result, held = result.unsqueeze(0), [missing, *held]
    return result.permute([held.index(c) for c in output])


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
    return _contract(a, la, b, lb, keep)[0]


def chain_matmul(*matrices: Tensor, out: None = None) -> Tensor:
    """Multiply 2-D matrices in the cheapest order; see `pygrad.linalg.multi_dot`."""
    from pygrad.linalg import multi_dot

    given = as_operands(matrices)
    return given[0] if len(given) == 1 else multi_dot(given)
