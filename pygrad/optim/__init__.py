"""Optimizers and learning rate schedulers under PyTorch's names.

SGD, Adam, AdamW, RMSprop and Adagrad update a whole parameter group in one fused kernel call; the
others are composed of tensor ops.
"""

from __future__ import annotations

from pygrad.optim import lr_scheduler
from pygrad.optim.adadelta import Adadelta
from pygrad.optim.adagrad import Adagrad
from pygrad.optim.adam import Adam
from pygrad.optim.adam_variants import Adamax, NAdam, RAdam
from pygrad.optim.adamw import AdamW
from pygrad.optim.asgd import ASGD
from pygrad.optim.lbfgs import LBFGS
from pygrad.optim.optimizer import Optimizer
from pygrad.optim.rmsprop import RMSprop
from pygrad.optim.rprop import Rprop
from pygrad.optim.sgd import SGD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

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


def __getattr__(name: str) -> ModuleType:
    # On first use only: it needs pygrad.nn, which may still be loading.
    if name == "swa_utils":
        import importlib

        return importlib.import_module("pygrad.optim.swa_utils")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
