"""The rows, a module for each group or family; importing this package registers them all."""

from benchmarks.rows import (
    conv,
    graph,
    matmul,
    memory,
    overhead,
    process,
    recurrent,
    rowwise,
    train,
)

__all__ = [
    "conv",
    "graph",
    "matmul",
    "memory",
    "overhead",
    "process",
    "recurrent",
    "rowwise",
    "train",
]
