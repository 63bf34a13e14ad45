"""Optimizers and learning rate schedulers under PyTorch's names.

SGD, Adam, AdamW, RMSprop and Adagrad update a whole parameter group in one fused kernel call; the
others are composed of tensor ops.
"""

from __future__ import annotations

from pygrad.optim.adam import Adam
from pygrad.optim.adamw import AdamW
from pygrad.optim.optimizer import Optimizer
from pygrad.optim.sgd import SGD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad.optim import lr_scheduler
    from pygrad.optim.adadelta import Adadelta
    from pygrad.optim.adagrad import Adagrad
    from pygrad.optim.adam_variants import Adamax, NAdam, RAdam
    from pygrad.optim.asgd import ASGD
    from pygrad.optim.lbfgs import LBFGS
    from pygrad.optim.rmsprop import RMSprop
    from pygrad.optim.rprop import Rprop

# What few programs use, by the module that defines it: loaded on first use.
_LAZY = {
    "ASGD": "asgd",
    "Adadelta": "adadelta",
    "Adagrad": "adagrad",
    "Adamax": "adam_variants",
    "LBFGS": "lbfgs",
    "NAdam": "adam_variants",
    "RAdam": "adam_variants",
    "RMSprop": "rmsprop",
    "Rprop": "rprop",
}
_SUBMODULES = ("lr_scheduler", "swa_utils")

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "lr_scheduler",
    "swa_utils",
]


def __getattr__(name: str) -> Any:
    import importlib

    if name in _SUBMODULES:
        return importlib.import_module(f"pygrad.optim.{name}")
    if name in _LAZY:
        value = getattr(importlib.import_module(f"pygrad.optim.{_LAZY[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
