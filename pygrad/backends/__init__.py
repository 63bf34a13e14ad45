"""Names of PyTorch's back ends, so that scripts which ask for them or tune them run.

pygrad has kernels of its own; what a script asks about other libraries is answered truthfully, and
``allow_tf32`` is the precision setting of float32 products under another name.
"""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Backend:
    """A library that is not used: it is not available, and its switches only remember."""

    def __init__(self, name: str, **switches: Any) -> None:
        self._name = name
        self.__dict__.update(switches)

    def is_available(self) -> bool:
        """Return False."""
        return False

    def is_built(self) -> bool:
        """Return False."""
        return False

    def version(self) -> None:
        """Return None."""
        return

    def __repr__(self) -> str:
        return f"<backend {self._name}: not used by pygrad>"


class _Float32Products:
    """``allow_tf32`` and ``fp32_precision`` as views of `set_float32_matmul_precision`."""

    @property
    def allow_tf32(self) -> bool:
        return bool(_C.get_float32_matmul_precision() != "highest")

    @allow_tf32.setter
    def allow_tf32(self, value: bool) -> None:
        _C.set_float32_matmul_precision("high" if value else "highest")


class _Cudnn(_Backend):
    """Switches of scripts written for cuDNN; pygrad's kernels are deterministic without them."""

    def __init__(self) -> None:
        super().__init__(
            "cudnn", enabled=True, benchmark=False, deterministic=False, allow_tf32=True
        )


class _Cuda:
    """``backends.cuda``."""

    def __init__(self) -> None:
        self.matmul = _Float32Products()

    def is_built(self) -> bool:
        """Return whether this build has CUDA kernels."""
        return bool(_C.cuda_is_built())


class _CpuProducts:
    """How the CPU multiplies matrices.

    Products of bfloat16 and int8 run on the best unit that the processor has. float32 runs there
    too, as sums of bfloat16 parts, where `set_float32_matmul_precision` allows the error and it is
    faster: "medium" rounds both factors to bfloat16 (one product of parts), "high" takes two parts
    of each (three products, relative error about 5e-6), and "highest" three (six products), which
    is as exact as float32 arithmetic. A product whose data cannot be split exactly (not finite,
    close to overflow, or below about 1e-30) is computed in float32.
    """

    @property
    def allow_split_float32(self) -> bool:
        """Whether float32 products may use bfloat16 parts; ``PYGRAD_FLOAT32_SPLIT=0`` forbids."""
        return bool(_C.float32_split_allowed())

    @allow_split_float32.setter
    def allow_split_float32(self, allowed: bool) -> None:
        _C.set_float32_split_allowed(allowed)

    @property
    def tile_unit(self) -> str:
        """The unit for bfloat16 products: "amx", "avx512" (dot products), "emulated" or "none".

        Set it to one of these, or to "auto". A unit that is set by name is used for every product
        it can do, also where it does not pay: to test it, or to compare. ``PYGRAD_TILE_UNIT`` sets
        it at start.

        Raises:
            ValueError: when the processor lacks the unit.
        """
        return str(_C.tile_unit())

    @tile_unit.setter
    def tile_unit(self, name: str) -> None:
        _C.set_tile_unit(name)


class _CpuConvolutions:
    """How the CPU convolves."""

    @property
    def allow_winograd(self) -> bool:
        """Whether 3 x 3 float32 convolutions of stride 1 may use Winograd's algorithm.

        It multiplies 16 times where the sum itself takes 36, which pays from 32 channels on. Its
        relative error is not above that of the sum: for normal data 2.6e-7 against 4.3e-7 at 64
        channels, and 5.0e-7 against 8.2e-7 at 256. ``PYGRAD_WINOGRAD=0`` forbids it at start.

        Example:
            >>> import pygrad.backends
            >>> pygrad.backends.cpu.conv.allow_winograd = False
            >>> pygrad.backends.cpu.conv.allow_winograd = True
        """
        return bool(_C.winograd_allowed())

    @allow_winograd.setter
    def allow_winograd(self, allowed: bool) -> None:
        _C.set_winograd_allowed(allowed)


class _Cpu:
    """``backends.cpu``."""

    def __init__(self) -> None:
        self.matmul = _CpuProducts()
        self.conv = _CpuConvolutions()

    def get_cpu_capability(self) -> str:
        """Return the instruction set that the kernels were chosen for."""
        return str(_C.cpu_capability())

    @property
    def deferral_threshold(self) -> int | None:
        """The number of elements from which chains of pointwise operations are run together.

        Such an operation is noted, and run when its values are needed, block by block with those
        it is chained to; the bits of the results are the same. None runs each at once. The
        environment variable ``PYGRAD_DEFER`` sets the start value; 0 stands for None there.

        Raises:
            ValueError: when set to less than 1.

        Example:
            >>> import pygrad.backends
            >>> before = pygrad.backends.cpu.deferral_threshold
            >>> pygrad.backends.cpu.deferral_threshold = None
            >>> pygrad.backends.cpu.deferral_threshold = before
        """
        return _C.get_deferral_threshold()

    @deferral_threshold.setter
    def deferral_threshold(self, numel: int | None) -> None:
        _C.set_deferral_threshold(numel)


cpu = _Cpu()
cuda = _Cuda()
cudnn = _Cudnn()
mps = _Backend("mps")
mkl = _Backend("mkl")
mkldnn = _Backend("mkldnn", enabled=False)
openmp = _Backend("openmp")
