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


class _Cpu:
    """``backends.cpu``."""

    def get_cpu_capability(self) -> str:
        """Return the instruction set that the kernels were chosen for."""
        return str(_C.cpu_capability())


cpu = _Cpu()
cuda = _Cuda()
cudnn = _Cudnn()
mps = _Backend("mps")
mkl = _Backend("mkl")
mkldnn = _Backend("mkldnn", enabled=False)
openmp = _Backend("openmp")
