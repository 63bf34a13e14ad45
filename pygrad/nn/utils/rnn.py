"""Sequences of different lengths as one tensor: padded or packed."""

from __future__ import annotations

from collections import namedtuple

from pygrad._C import Tensor, ops, tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class PackedSequence(
    namedtuple("PackedSequence", ["data", "batch_sizes", "sorted_indices", "unsorted_indices"])
):
    """Sequences of different lengths, without padding: all first steps, then all second ones, ...

    Args:
        data: the rows, sorted by time step.
        batch_sizes: int64, on the CPU: how many sequences reach each step; never growing.
        sorted_indices: how the sequences were sorted by length.
        unsorted_indices: how to undo that.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if batch_sizes is None:
            raise ValueError("PackedSequence(): batch_sizes is missing")
        if batch_sizes.device.type != "cpu":
            raise ValueError(
                f"batch_sizes should always be on CPU. Instead got {batch_sizes.device}"
            )
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _with(self, change: Callable[[Tensor], Tensor]) -> PackedSequence:
        data = change(self.data)
        indices = [
            None if index is None else index.to(data.device)
            for index in (self.sorted_indices, self.unsorted_indices)
        ]
        return type(self)(data, self.batch_sizes, *indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move or convert the data."""
        return self._with(lambda t: t.to(*args, **kwargs))

    def cpu(self) -> PackedSequence:
        """Move to the CPU."""
        return self._with(lambda t: t.cpu())

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move to a GPU."""
        return self._with(lambda t: t.cuda(*args, **kwargs))

    def float(self) -> PackedSequence:
        """Convert to float32."""
        return self._with(lambda t: t.float())

    def double(self) -> PackedSequence:
        """Convert to float64."""
        return self._with(lambda t: t.double())

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a GPU."""
        return bool(self.data.is_cuda)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Return the permutation that undoes the given one."""
    if permutation is None:
        return None
    places = ops.arange(permutation.numel(), device=permutation.device)
    return ops.empty_like(permutation).scatter_(0, permutation, places)


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a padded batch.

    Args:
        input: shape ``(L, N, *)``, or ``(N, L, *)`` with ``batch_first``.
        lengths: length of every sequence, a list or an int64 tensor on the CPU.
        enforce_sorted: whether the lengths must fall; otherwise they are sorted here.

    Raises:
        RuntimeError: if a length is below 1 or above ``L``, or the lengths rise.
    """
    counts = [int(n) for n in (lengths.tolist() if isinstance(lengths, Tensor) else lengths)]
    order = None
    if not enforce_sorted:
        ranks = sorted(range(len(counts)), key=lambda i: -counts[i])
        counts = [counts[i] for i in ranks]
        order = tensor(ranks, device=input.device)
        input = input.index_select(0 if batch_first else 1, order)
    if batch_first:
        input = input.transpose(0, 1)
    if len(counts) != input.shape[1]:
        raise RuntimeError(
            f"pack_padded_sequence(): {len(counts)} lengths for a batch of {input.shape[1]}"
        )
    if counts != sorted(counts, reverse=True):
        raise RuntimeError(
            f"pack_padded_sequence(): lengths {counts} are not in falling order, and"
            " enforce_sorted=True. Pass enforce_sorted=False"
        )
    if not counts or counts[-1] < 1 or counts[0] > input.shape[0]:
        raise RuntimeError(
            f"pack_padded_sequence(): lengths are {counts}; expected each between 1 and"
            f" {input.shape[0]}"
        )
    sizes = [sum(1 for n in counts if n > t) for t in range(counts[0])]
    data = ops.cat([input[t, :size] for t, size in enumerate(sizes)])
    return PackedSequence(data, tensor(sizes), order)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Undo :func:`pack_padded_sequence`: return the padded batch and the lengths.

    Args:
        total_length: pad to this length instead of the longest sequence's.
    """
    sizes = sequence.batch_sizes.tolist()
    steps, batch = len(sizes), sizes[0]
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input,"
                f" but got total_length={total_length} and max sequence length being {steps}"
            )
        steps = total_length
    rest = tuple(sequence.data.shape[1:])
    padded = []
    for part in sequence.data.split(sizes):
        missing = batch - part.shape[0]
        if missing:
            part = ops.cat([part, part.new_full((missing, *rest), padding_value)])
        padded.append(part)
    padded += [sequence.data.new_full((batch, *rest), padding_value)] * (steps - len(padded))
    out = ops.stack(padded, 1 if batch_first else 0)
    lengths = tensor([sum(1 for size in sizes if size > i) for i in range(batch)])
    if sequence.unsorted_indices is not None:
        order = sequence.unsorted_indices
        out = out.index_select(0 if batch_first else 1, order)
        lengths = lengths.index_select(0, order.cpu())
    return out, lengths


def pad_sequence(
    sequences: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stack sequences ``(L_i, *)`` of different lengths, padded to the longest.

    Returns:
        Shape ``(L, N, *)``, or ``(N, L, *)`` with ``batch_first``.

    Example:
        >>> import pygrad
        >>> from pygrad.nn.utils.rnn import pad_sequence
        >>> pad_sequence([pygrad.ones(2), pygrad.ones(1)], batch_first=True)
        tensor([[1., 1.],
                [1., 0.]])
    """
    if padding_side not in ("right", "left"):
        raise ValueError(
            f"pad_sequence(): padding_side is {padding_side!r}; expected 'right' or 'left'"
        )
    parts = list(sequences)
    if not parts:
        raise RuntimeError("received an empty list of sequences")
    longest = max(part.shape[0] for part in parts)
    padded = []
    for part in parts:
        missing = longest - part.shape[0]
        if missing:
            fill = part.new_full((missing, *part.shape[1:]), padding_value)
            part = ops.cat([part, fill] if padding_side == "right" else [fill, part])
        padded.append(part)
    return ops.stack(padded, 0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """Undo :func:`pad_sequence`."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [row[:n] for row, n in zip(padded_sequences, lengths.tolist(), strict=False)]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences ``(L_i, *)``."""
    lengths = [part.shape[0] for part in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Undo :func:`pack_sequence`."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
