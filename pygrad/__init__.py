"""pygrad: a compiled, tape-based autograd engine with PyTorch's names.

``import pygrad as torch`` runs an ordinary training script. This file only gathers names: the
operations come from the native registry in one call, composed functions (`pygrad.functional`) and
submodules load on first use, so that the import itself stays at a few milliseconds.
"""

from __future__ import annotations

# Each name is imported `as` itself, which is how a stub-less module says that it re-exports it.
# isort: off
from pygrad import _bootstrap

_bootstrap.ensure_extension()

from pygrad import _C
from pygrad._C import (
    Generator as Generator,
    Size as Size,
    Tensor as Tensor,
    as_tensor as as_tensor,
    bfloat16 as bfloat16,
    bool as bool,
    can_cast as can_cast,
    channels_last as channels_last,
    channels_last_3d as channels_last_3d,
    complex64 as complex64,
    complex128 as complex128,
    contiguous_format as contiguous_format,
    default_generator as default_generator,
    device as device,
    dtype as dtype,
    float16 as float16,
    float32 as float32,
    float64 as float64,
    from_dlpack as from_dlpack,
    from_numpy as from_numpy,
    frombuffer as frombuffer,
    get_default_dtype as get_default_dtype,
    get_float32_matmul_precision as get_float32_matmul_precision,
    get_num_threads as get_num_threads,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    is_grad_enabled as is_grad_enabled,
    is_inference_mode_enabled as is_inference_mode_enabled,
    layout as layout,
    memory_format as memory_format,
    preserve_format as preserve_format,
    promote_types as promote_types,
    result_type as result_type,
    set_default_dtype as set_default_dtype,
    set_float32_matmul_precision as set_float32_matmul_precision,
    set_num_threads as set_num_threads,
    strided as strided,
    tensor as tensor,
    uint8 as uint8,
)

_C.export_ops(globals(), "torch")

from pygrad import _tensor
from pygrad.autograd.grad_mode import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from pygrad.version import __version__

_tensor.install(Tensor)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad import (
        amp as amp,
        autograd as autograd,
        backends as backends,
        compat as compat,
        cuda as cuda,
        distributions as distributions,
        fft as fft,
        func as func,
        linalg as linalg,
        nn as nn,
        optim as optim,
        random as random,
        serialization as serialization,
        special as special,
        testing as testing,
        trainer as trainer,
        utils as utils,
        vision as vision,
    )
    from pygrad._numeric_limits import (
        finfo as finfo,
        iinfo as iinfo,
    )
    from pygrad._tensor_str import set_printoptions as set_printoptions
    from pygrad.serialization import (
        load as load,
        save as save,
    )

# The other names of the dtypes. `pygrad.bool`, `int` and `float` hide the built-ins here only.
float = float32
double = float64
half = float16
cfloat = complex64
cdouble = complex128
short = int16
long = int64
int = int32

inf = 1e999  # overflows to infinity: `float("inf")` is out of reach beside the dtype's name
nan = inf - inf
pi = 3.141592653589793
e = 2.718281828459045
newaxis = None

_SUBMODULES = frozenset(
    (
        "accelerator",
        "amp",
        "autograd",
        "backends",
        "compat",
        "cuda",
        "distributed",
        "distributions",
        "fft",
        "func",
        "functional",
        "jit",
        "linalg",
        "mps",
        "multiprocessing",
        "nn",
        "optim",
        "random",
        "serialization",
        "special",
        "testing",
        "trainer",
        "utils",
        "vision",
        "xpu",
    )
)

# name -> module that defines it
_LAZY = {
    "finfo": "_numeric_limits",
    "iinfo": "_numeric_limits",
    "set_printoptions": "_tensor_str",
    "get_printoptions": "_tensor_str",
    "save": "serialization",
    "load": "serialization",
    "autocast": "amp",
    "GradScaler": "amp",
    "manual_seed": "random",
    "seed": "random",
    "initial_seed": "random",
    "get_rng_state": "random",
    "set_rng_state": "random",
    "asarray": "_tensor",
    "is_tensor": "_tensor",
    "is_storage": "_tensor",
    "is_floating_point": "_tensor",
    "is_complex": "_tensor",
    "is_nonzero": "_tensor",
    "is_inference": "_tensor",
    "is_same_size": "_tensor",
    "is_signed": "_tensor",
    "numel": "_tensor",
    "typename": "_tensor",
    "compile": "_settings",
    "set_default_device": "_settings",
    "get_default_device": "_settings",
    "set_default_tensor_type": "_settings",
    "set_flush_denormal": "_settings",
    "use_deterministic_algorithms": "_settings",
    "are_deterministic_algorithms_enabled": "_settings",
    "is_deterministic_algorithms_warn_only_enabled": "_settings",
    "set_deterministic_debug_mode": "_settings",
    "get_deterministic_debug_mode": "_settings",
    "set_num_interop_threads": "_settings",
    "get_num_interop_threads": "_settings",
    "is_anomaly_enabled": "_settings",
    "set_anomaly_enabled": "_settings",
    "is_autocast_enabled": "amp",
    "cholesky": "_matrices",
    "cholesky_inverse": "_matrices",
    "cholesky_solve": "_matrices",
    "det": "_matrices",
    "inverse": "_matrices",
    "logdet": "_matrices",
    "matrix_exp": "_matrices",
    "matrix_power": "_matrices",
    "pinverse": "_matrices",
    "qr": "_matrices",
    "slogdet": "_matrices",
    "svd": "_matrices",
    "trace": "_matrices",
    "triangular_solve": "_matrices",
    "as_strided_scatter": "_parts",
    "detach": "_parts",
    "detach_": "_parts",
    "diagonal_scatter": "_parts",
    "fill": "_parts",
    "fill_diagonal_": "_parts",
    "frexp": "_parts",
    "get_device": "_parts",
    "gradient": "_parts",
    "histogram": "_parts",
    "is_conj": "_parts",
    "is_distributed": "_parts",
    "is_neg": "_parts",
    "renorm": "_parts",
    "select_scatter": "_parts",
    "slice_scatter": "_parts",
    "unsafe_chunk": "_parts",
    "unsafe_split": "_parts",
    "bartlett_window": "_spectral",
    "blackman_window": "_spectral",
    "hamming_window": "_spectral",
    "hann_window": "_spectral",
    "istft": "_spectral",
    "kaiser_window": "_spectral",
    "stft": "_spectral",
    "cosine_similarity": "nn.functional",
    "channel_shuffle": "nn.functional",
    "pairwise_distance": "nn.functional",
    "pdist": "nn.functional",
    "pixel_shuffle": "nn.functional",
    "pixel_unshuffle": "nn.functional",
    "rrelu": "nn.functional",
    "is_warn_always_enabled": "_settings",
    "set_warn_always": "_settings",
    "OutOfMemoryError": "_C",
}


def _import(name: str) -> Any:
    import importlib

    return importlib.import_module("pygrad." + name)


def __getattr__(name: str) -> Any:
    if name == "__config__":
        value = globals()[name] = _import("_config")
        return value
    if name.startswith("__"):
        raise AttributeError(f"module 'pygrad' has no attribute {name!r}")
    if name in _SUBMODULES:
        try:
            return _import(name)
        except ModuleNotFoundError as error:
            if error.name != "pygrad." + name:
                raise
    elif name in _LAZY:
        value = globals()[name] = getattr(_import(_LAZY[name]), name)
        return value
    elif not name.startswith("_"):
        composed = _import("functional").FUNCTIONS
        if name in composed:
            value = globals()[name] = composed[name]
            return value
        if name.endswith("Tensor"):
            legacy = _tensor.legacy_type(name)
            if legacy is not None:
                globals()[name] = legacy
                return legacy
    import difflib

    known = [n for n in __dir__() if n != name]
    near = difflib.get_close_matches(name, known, 3, 0.7)
    hint = f". Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise AttributeError(f"module 'pygrad' has no attribute {name!r}{hint}")


def __dir__() -> list[str]:
    names = {*globals(), *_LAZY, *_SUBMODULES, *_import("functional").FUNCTIONS}
    return sorted(n for n in names if not n.startswith("_") or n.startswith("__"))
