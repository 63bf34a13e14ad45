"""Correctness before timing: the engines' results must agree."""

from __future__ import annotations

from typing import Any

import numpy as np


def flat(result: Any) -> list[np.ndarray]:
    """A row's result (tensors, arrays, numbers, nested in tuples and dicts) as a list of arrays."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (tuple, list)) and not all(isinstance(v, (int, float)) for v in result):
        return [array for part in result for array in flat(part)]
    if hasattr(result, "detach"):
        result = result.detach()
        if str(result.dtype).rpartition(".")[2] in ("bfloat16", "float16"):
            result = result.float()
        return [result.numpy()]
    array = np.asarray(result)
    if array.dtype.kind == "V" or array.dtype.name == "bfloat16":
        array = array.astype(np.float32)
    return [array]


def difference(found: list[np.ndarray], expected: list[np.ndarray], tol: float) -> str | None:
    """What is wrong with `found`, or None.

    Results that only one side has are left out: NumPy's sort returns no indices.

    Args:
        found: an engine's results.
        expected: the reference's.
        tol: the largest difference, relative to the largest expected value. Integers and truth
            values must be equal.
    """
    for position, (a, b) in enumerate(zip(found, expected, strict=False)):
        where = f"result {position}: " if len(found) > 1 else ""
        if a.shape != b.shape:
            return f"{where}shape {a.shape}, expected {b.shape}"
        if b.dtype.kind in "biu" and a.dtype.kind in "biu":
            wrong = int(np.count_nonzero(a != b))
            if wrong:
                return f"{where}{wrong} of {b.size} values differ"
            continue
        if b.size == 0:
            continue
        if not np.array_equal(np.isnan(a), np.isnan(b)):
            return f"{where}NaN in other places"
        scale = max(float(np.nanmax(np.abs(b))), 1e-30)
        error = float(np.nanmax(np.abs(a - b))) / scale
        if not error <= tol:
            return f"{where}off by {error:.1e} of the largest value, allowed {tol:.0e}"
    return None
