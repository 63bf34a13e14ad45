"""Special functions under the names of ``torch.special``; most are registry operations."""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad._C import Tensor

ops = _C.ops

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
    return sorted([*(n for n in _NAMES if hasattr(ops, _NAMES[n])), "entr", "ndtr", "xlog1py"])


def entr(input: Tensor) -> Tensor:
    r"""Entropy terms :math:`-x \ln x`: zero at zero, minus infinity below."""
    positive = input > 0
    safe = ops.where(positive, input, ops.ones_like(input))
    rest = ops.where(input < 0, ops.full_like(safe, float("-inf")), ops.zeros_like(safe) * input)
    return ops.where(positive, -safe * ops.log(safe), rest)


def ndtr(input: Tensor) -> Tensor:
    r"""Area under the standard normal density below `input`: :math:`erfc(-x / \sqrt 2) / 2`."""
    return ops.erfc(input * -(0.5**0.5)) * 0.5


def xlog1py(input: Any, other: Any) -> Tensor:
    """``input * log1p(other)``, zero where `input` is zero and `other` is not NaN."""
    x, y = (_C.as_tensor(t) for t in (input, other))
    silent = (x == 0) & (y == y)
    logs = ops.log1p(ops.where(silent, ops.zeros_like(y), y))
    return x * logs
