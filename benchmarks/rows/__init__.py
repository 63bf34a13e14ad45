"""The rows, a module for each group; importing this package registers them all."""

from benchmarks.rows import conv, graph, matmul, memory, overhead, process, recurrent, train

__all__ = ["conv", "graph", "matmul", "memory", "overhead", "process", "recurrent", "train"]
