"""Special functions under the names of ``torch.special``; most are registry operations."""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad._C import Tensor

ops = _C.ops
_C.export_ops(globals(), "special")

# name here -> name in the registry
_NAMES = {
    "digamma": "digamma",
    "erf": "erf",
    "erfc": "erfc",
    "erfinv": "erfinv",
    "exp2": "exp2",
    "expit": "sigmoid",
    "expm1": "expm1",
    "gammaln": "lgamma",
    "i0": "i0",
    "log1p": "log1p",
    "log_softmax": "log_softmax",
    "logit": "logit",
    "logsumexp": "logsumexp",
    "multigammaln": "mvlgamma",
    "polygamma": "polygamma",
    "psi": "digamma",
    "round": "round",
    "sinc": "sinc",
    "softmax": "softmax",
    "xlogy": "xlogy",
}


def __getattr__(name: str) -> Any:
    function = getattr(ops, _NAMES[name], None) if name in _NAMES else None
    if function is None:
        raise AttributeError(f"module 'pygrad.special' has no attribute {name!r}")
    globals()[name] = function
    return function


def __dir__() -> list[str]:
    return sorted({*(n for n in globals() if not n.startswith("_")), *_NAMES})
