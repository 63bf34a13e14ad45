"""Turning samples into tensors and lists of samples into batches."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import pygrad
from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["default_collate", "default_convert"]


def _numpy_kind(value: object) -> str | None:
    """`"array"` or `"scalar"` for NumPy's, without importing NumPy."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if isinstance(value, numpy.ndarray):
        return "array"
    return "scalar" if isinstance(value, numpy.generic) else None


def _is_number_array(array: Any) -> bool:
    return array.dtype.kind not in "SaUO"


def _rebuild(like: Any, values: Any) -> Any:
    """A mapping or sequence of the type of `like`; the plain type where that cannot be made."""
    try:
        if isinstance(like, Mapping):
            return type(like)(values)  # type: ignore[call-arg]
        if hasattr(like, "_fields"):
            return type(like)(*values)
        return type(like)(values)
    except TypeError:
        return dict(values) if isinstance(like, Mapping) else list(values)


def default_convert(data: Any) -> Any:
    """Arrays inside `data` as tensors; everything else as it is.

    Example:
        >>> import pygrad
        >>> pygrad.utils.data.default_convert({"a": "text", "b": 1})
        {'a': 'text', 'b': 1}
    """
    if isinstance(data, _C.Tensor):
        return data
    kind = _numpy_kind(data)
    if kind is not None:
        if kind == "array" and not _is_number_array(data):
            return data
        return pygrad.as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuild(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple):
        converted = [default_convert(value) for value in data]
        return type(data)(*converted) if hasattr(data, "_fields") else converted
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuild(data, [default_convert(value) for value in data])
    return data


def default_collate(batch: Any) -> Any:
    """A batch from a list of samples.

    Tensors and arrays are stacked along a new first dimension, numbers become a tensor (floats
    float64), strings a list, and mappings, named tuples and sequences are collated entry by entry.

    Args:
        batch: samples of the same structure.

    Raises:
        TypeError: a type that cannot be collated.
        RuntimeError: samples of unequal size.

    Example:
        >>> import pygrad
        >>> pygrad.utils.data.default_collate([(1, "a"), (2, "b")])
        [tensor([1, 2]), ('a', 'b')]
    """
    first = batch[0]
    if isinstance(first, _C.Tensor):
        return pygrad.stack(list(batch), 0)
    if isinstance(first, float):
        return pygrad.tensor(list(batch), dtype=pygrad.float64)
    if isinstance(first, (bool, int)):
        return pygrad.tensor(list(batch))
    if isinstance(first, (str, bytes)):
        return batch
    kind = _numpy_kind(first)
    if kind == "array":
        if not _is_number_array(first):
            raise TypeError(_refusal(f"NumPy arrays of {first.dtype}"))
        return pygrad.stack([pygrad.as_tensor(value) for value in batch], 0)
    if kind == "scalar":
        return pygrad.as_tensor(sys.modules["numpy"].asarray(batch))
    if isinstance(first, Mapping):
        return _rebuild(
            first, {key: default_collate([sample[key] for sample in batch]) for key in first}
        )
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(entries) for entries in zip(*batch, strict=False)))
    if isinstance(first, Sequence):
        size = len(first)
        if any(len(sample) != size for sample in batch):
            raise RuntimeError(
                "default_collate(): each element in list of batch should be of equal size; "
                f"got {sorted({len(sample) for sample in batch})}"
            )
        columns = [default_collate(entries) for entries in zip(*batch, strict=False)]
        return columns if isinstance(first, tuple) else _rebuild(first, columns)
    raise TypeError(_refusal(str(type(first))))


def _refusal(found: str) -> str:
    return (
        "default_collate(): batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {found}. Give the loader a collate_fn or the dataset a transform"
    )
