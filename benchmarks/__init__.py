"""The benchmark suite: pygrad beside NumPy, PyTorch and JAX in one run.

``python -m benchmarks`` in the repository's root; benchmarks/README.md explains the options, how a
row is measured and how to add one.
"""
