"""The engines behind one face: pygrad and torch share an API, NumPy and JAX another."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.row import Statement, Work


class _Data:
    """The same data for every engine: a stream of numbers that each row starts afresh."""

    def __init__(self, name: str, tiny: bool) -> None:
        self.name = name
        self.tiny = tiny
        self._random = np.random.default_rng(0)

    def restart(self, row: str) -> None:
        """Starts the stream of numbers for `row`."""
        self._random = np.random.default_rng(zlib.crc32(row.encode()))

    def cut(self, size: int, least: int = 16) -> int:
        """`size`, or at most `least` in a run with the smallest sizes."""
        return min(size, least) if self.tiny else size

    def normal_array(self, *shape: int, dtype: str = "float32") -> np.ndarray:
        """Normally distributed numbers."""
        if dtype == "float64":
            return self._random.standard_normal(shape)
        return self._random.standard_normal(shape, dtype=np.float32)

    def integer_array(self, high: int, *shape: int) -> np.ndarray:
        """Integers from 0 up to, not including, `high`."""
        return self._random.integers(0, high, shape)

    def permutation_array(self, n: int) -> np.ndarray:
        """The numbers 0 .. n-1 in random order."""
        return self._random.permutation(n)


class TensorEngine(_Data):
    """pygrad or torch.

    Attributes:
        t: the module itself; `nn`, `F`, `optim` and `data` are its parts as scripts import them.
    """

    def __init__(self, name: str, threads: int, tiny: bool, precision: str) -> None:
        super().__init__(name, tiny)
        self.t: Any = importlib.import_module(name)
        self.nn: Any = importlib.import_module(name + ".nn")
        self.F: Any = importlib.import_module(name + ".nn.functional")
        self.optim: Any = importlib.import_module(name + ".optim")
        self.data: Any = importlib.import_module(name + ".utils.data")
        self.t.set_num_threads(threads)
        self.t.set_float32_matmul_precision(precision)
        self.version = str(self.t.__version__)

    def restart(self, row: str) -> None:
        super().restart(row)
        self.t.manual_seed(0)

    def tensor(self, array: np.ndarray, grad: bool = False) -> Any:
        """A tensor of the engine's own memory with the array's values."""
        tensor = self.t.from_numpy(np.ascontiguousarray(array)).clone()
        return tensor.requires_grad_() if grad else tensor

    def normal(self, *shape: int, grad: bool = False, dtype: str = "float32") -> Any:
        """Normally distributed numbers; "bfloat16" and "float16" are rounded from float32."""
        tensor = self.tensor(self.normal_array(*shape, dtype=dtype))
        if dtype not in ("float32", "float64"):
            tensor = tensor.to(getattr(self.t, dtype))
        return tensor.requires_grad_() if grad else tensor

    def integers(self, high: int, *shape: int) -> Any:
        """An int64 tensor of numbers below `high`."""
        return self.tensor(self.integer_array(high, *shape))

    def filled(self, module: Any) -> Any:
        """`module` with parameters from the row's stream: equal in every engine.

        Matrices and filters are normal with variance 1/fan-in, scales one, all else zero.
        """
        with self.t.no_grad():
            for name, parameter in module.named_parameters():
                shape = tuple(parameter.shape)
                if len(shape) > 1:
                    scale = float(np.prod(shape[1:])) ** -0.5
                    parameter.copy_(self.tensor(self.normal_array(*shape) * np.float32(scale)))
                else:
                    parameter.fill_(1.0 if name.endswith("weight") else 0.0)
        return module


class ArrayEngine(_Data):
    """NumPy or JAX.

    Attributes:
        xp: ``numpy`` or ``jax.numpy``.
        jax: the module ``jax``, or None.
    """

    def __init__(self, name: str, tiny: bool) -> None:
        super().__init__(name, tiny)
        self.jax: Any = None
        self.xp: Any = np
        if name == "jax":
            self.jax = importlib.import_module("jax")
            self.jax.config.update("jax_enable_x64", True)
            self.xp = importlib.import_module("jax.numpy")
        self.version = str((self.jax or np).__version__)

    def array(self, values: Any) -> Any:
        """The values as an array of this library."""
        return self.xp.asarray(values)

    def normal(self, *shape: int, dtype: str = "float32") -> Any:
        """Normally distributed numbers, as in `TensorEngine.normal`; no 16-bit types in NumPy."""
        values = self.array(self.normal_array(*shape, dtype=dtype))
        return values if dtype in ("float32", "float64") else values.astype(dtype)

    def integers(self, high: int, *shape: int) -> Any:
        """int64 numbers below `high`."""
        return self.array(self.integer_array(high, *shape))

    def call(self, function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
        """The call ``function(*arguments)``, compiled and waited for under JAX."""
        if self.jax is None:
            return lambda: function(*arguments)
        compiled, wait = self.jax.jit(function), self.jax.block_until_ready
        return lambda: wait(compiled(*arguments))

    def work(self, function: Callable[..., Any], *arguments: Any, **facts: Any) -> Work:
        """`call` as a row's work; `facts` are further fields of `Work`."""
        return Work(self.call(function, *arguments), **facts)

    def statement(self, code: str, **names: Any) -> Work:
        """An expression as a row's work; under JAX it is waited for."""
        if self.jax is not None:
            code, names = f"_wait({code})", {**names, "_wait": self.jax.block_until_ready}
        return Work(Statement(code, **names))


Engine = TensorEngine | ArrayEngine


def load(name: str, threads: int, tiny: bool, precision: str) -> Engine:
    """Imports an engine and sets its threads.

    Raises:
        ImportError: it is not installed (or, for pygrad, not built).
    """
    if name in ("numpy", "jax"):
        return ArrayEngine(name, tiny)
    return TensorEngine(name, threads, tiny, precision)
