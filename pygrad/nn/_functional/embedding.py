"""Embeddings and one-hot vectors."""

from __future__ import annotations

from pygrad._C import Tensor, ops


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Return a tensor with one more dimension, 1 at each index and 0 elsewhere.

    Args:
        tensor: int64 class numbers.
        num_classes: size of the new dimension; -1 means the largest number plus 1.
    """
    return ops.one_hot(tensor, num_classes)


def _renormalize(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows in use down to ``max_norm``, in place."""
    from pygrad.autograd.grad_mode import no_grad

    with no_grad():
        used = ops.unique(indices.reshape(-1))
        rows = weight.index_select(0, used)
        length = rows.norm(norm_type, 1, keepdim=True)
        scale = ops.where(length > max_norm, max_norm / (length + 1e-7), ops.ones_like(length))
        weight.index_copy_(0, used, rows * scale)


def _frequency_scaled(rows: Tensor, indices: Tensor, count: int) -> Tensor:
    """Same values; the gradient of each row is divided by how often its index occurs."""
    flat = indices.reshape(-1).long()
    times = ops.bincount(flat, minlength=count).index_select(0, flat)
    scale = times.to(rows.dtype).reciprocal().reshape(*indices.shape, 1)
    return rows * scale + (rows * (1 - scale)).detach()


def _no_sparse(name: str, sparse: bool) -> None:
    if sparse:
        raise NotImplementedError(
            f"{name}(): sparse=True asks for a sparse gradient; gradients are dense. Leave it False"
        )


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Look up rows of ``weight``.

    Args:
        input: int64 or int32 indices of any shape.
        weight: shape ``(num_embeddings, embedding_dim)``.
        padding_idx: a row that gets no gradient.
        max_norm: scale used rows down, in place, to this norm.
        scale_grad_by_freq: divide gradients by how often an index occurs.

    Returns:
        Shape ``(*input.shape, embedding_dim)``.

    Example:
        >>> import pygrad
        >>> pygrad.nn.functional.embedding(pygrad.tensor([0, 0]), pygrad.ones(3, 2)).shape
        torch.Size([2, 2])
    """
    _no_sparse("embedding", sparse)
    count = weight.shape[0]
    if padding_idx is None:
        padding_idx = -1
    else:
        if not -count <= padding_idx < count:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= count
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    rows = ops.embedding(weight, input, padding_idx)
    return _frequency_scaled(rows, input, count) if scale_grad_by_freq else rows


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Look up rows of ``weight`` and reduce them bag by bag.

    Args:
        input: indices, ``(bags, n)`` or all bags in one row with ``offsets``.
        weight: shape ``(num_embeddings, embedding_dim)``.
        offsets: start of every bag, for a 1-D ``input``.
        mode: 'sum', 'mean' or 'max'.
        per_sample_weights: factors of the rows, for 'sum' only.
        include_last_offset: whether ``offsets`` ends with the length of ``input``.
        padding_idx: an index that is left out of its bag.

    Returns:
        Shape ``(bags, embedding_dim)``.
    """
    _no_sparse("embedding_bag", sparse)
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"embedding_bag(): mode is {mode!r}; expected 'sum', 'mean' or 'max'")
    if per_sample_weights is not None and (
        mode != "sum" or per_sample_weights.shape != input.shape
    ):
        raise ValueError(
            f"embedding_bag(): per_sample_weights {tuple(per_sample_weights.shape)} with mode"
            f" {mode!r} and input {tuple(input.shape)}; expected mode 'sum' and equal shapes"
        )
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError("embedding_bag(): offsets with a 2-D input; expected None")
        bags, length = input.shape
        bag = ops.arange(bags, device=input.device).repeat_interleave(length)
    elif input.dim() == 1:
        if offsets is None or offsets.dim() != 1:
            raise ValueError("embedding_bag(): a 1-D input needs 1-D offsets")
        starts = offsets[:-1] if include_last_offset else offsets
        bags = starts.shape[0]
        if bags and int(offsets[0]) != 0:
            raise ValueError(f"embedding_bag(): offsets begin with {int(offsets[0])}; expected 0")
        marks = ops.zeros(input.shape[0] + 1, dtype=offsets.dtype, device=input.device)
        marks = marks.index_add(0, starts, ops.ones_like(starts))
        bag = (marks.cumsum(0) - 1)[:-1].long()
    else:
        raise ValueError(f"embedding_bag(): input is {input.dim()}-D; expected 1-D or 2-D")
    flat = input.reshape(-1)
    rows = embedding(
        flat, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq=scale_grad_by_freq
    )
    factors = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    if padding_idx is not None:
        kept = (flat != padding_idx % weight.shape[0]).nonzero().reshape(-1)
        rows, bag = rows.index_select(0, kept), bag.index_select(0, kept)
        factors = None if factors is None else factors.index_select(0, kept)
    if factors is not None:
        rows = rows * factors.unsqueeze(1)
    empty = rows.new_zeros((bags, rows.shape[1]))
    if mode == "max":
        return _bag_max(rows, bag, bags, empty)
    total = empty.index_add(0, bag, rows)
    if mode == "sum":
        return total
    sizes = ops.bincount(bag, minlength=bags).clamp(min=1).to(rows.dtype)
    return total / sizes.unsqueeze(1)


def _bag_max(rows: Tensor, bag: Tensor, bags: int, empty: Tensor) -> Tensor:
    sizes = ops.bincount(bag, minlength=bags).tolist()
    parts = []
    start = 0
    for i, size in enumerate(sizes):
        part = rows.narrow(0, start, size)
        parts.append(part.max(0)[0] if size else empty[i])
        start += size
    return ops.stack(parts) if parts else empty
