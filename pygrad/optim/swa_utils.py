"""Averages of a model's weights: stochastic weight averaging and exponential moving average."""

from __future__ import annotations

import copy
import math

import pygrad
from pygrad import _C
from pygrad.nn import Module
from pygrad.optim.lr_scheduler.base import LRScheduler, per_group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Literal

    from pygrad import Tensor
    from pygrad.optim.optimizer import Optimizer

    AverageOne = Callable[[Tensor, Tensor, Any], Tensor]
    AverageAll = Callable[[list[Tensor], list[Tensor], Any], None]

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"get_ema_avg_fn(): Invalid decay value {decay}; expected [0, 1]")


def get_ema_avg_fn(decay: float = 0.999) -> AverageOne:
    """`average * decay + current * (1 - decay)` for one parameter."""
    _check_decay(decay)

    def average(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
        return averaged * decay + current * (1.0 - decay)

    return average


def get_swa_avg_fn() -> AverageOne:
    """The running mean for one parameter."""

    def average(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
        return averaged + (current - averaged) / (float(count) + 1.0)

    return average


def _for_each(one: AverageOne) -> AverageAll:
    def average(averaged: list[Tensor], current: list[Tensor], count: Any) -> None:
        for old, new in zip(averaged, current, strict=False):
            old.copy_(one(old, new, count))

    return average


def get_ema_multi_avg_fn(decay: float = 0.999) -> AverageAll:
    """`average * decay + current * (1 - decay)`, in place for lists of parameters."""
    return _for_each(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> AverageAll:
    """The running mean, in place for lists of parameters."""
    return _for_each(get_swa_avg_fn())


class AveragedModel(Module):
    """A copy of a model whose weights are an average over training.

    Args:
        model: the model that is trained.
        device: where the copy lives.
        avg_fn: `(averaged, current, count) -> averaged` for one parameter; running mean if None.
        multi_avg_fn: the same in place for lists of parameters.
        use_buffers: average the buffers too, instead of copying them.

    Example:
        >>> import pygrad
        >>> model = pygrad.nn.Linear(1, 1, bias=False)
        >>> averaged = pygrad.optim.swa_utils.AveragedModel(model)
        >>> for value in (1.0, 3.0):
        ...     _ = pygrad.nn.init.constant_(model.weight, value)
        ...     averaged.update_parameters(model)
        >>> averaged.module.weight.item()
        2.0
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: AverageOne | None = None,
        multi_avg_fn: AverageAll | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError(
                "AveragedModel(): only one of avg_fn and multi_avg_fn can be given"
            )
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer(
            "n_averaged", pygrad.tensor(0, dtype=pygrad.int64, device=device or "cpu")
        )
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model returns."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the model's present weights into the average.

        Args:
            model: the model that is trained, of the same structure.
        """
        recording = _C.is_grad_enabled()
        _C.set_grad_enabled(False)
        try:
            averaged: list[Tensor] = list(self.module.parameters())
            current: list[Tensor] = list(model.parameters())
            if self.use_buffers:
                averaged += list(self.module.buffers())
                current += list(model.buffers())
            current = [
                new.detach().to(old.device) for old, new in zip(averaged, current, strict=False)
            ]
            if int(self.n_averaged) == 0:
                for old, new in zip(averaged, current, strict=False):
                    old.copy_(new)
            else:
                update = self.multi_avg_fn or _for_each(self.avg_fn or get_swa_avg_fn())
                # Counts of batches and the like are copied: a mean of integers is none.
                pairs = [
                    (o, n) for o, n in zip(averaged, current, strict=False) if o.is_floating_point()
                ]
                update([old for old, _ in pairs], [new for _, new in pairs], self.n_averaged)
                for old, new in zip(averaged, current, strict=False):
                    if not old.is_floating_point():
                        old.copy_(new)
            if not self.use_buffers:
                for old, new in zip(self.module.buffers(), model.buffers(), strict=False):
                    old.copy_(new.detach().to(old.device))
            self.n_averaged.add_(1)
        finally:
            _C.set_grad_enabled(recording)


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Measure the running statistics of all batch norms anew, with one pass over the data.

    Args:
        loader: gives batches, or tuples that start with one.
        model: whose batch norms are renewed.
        device: where the batches are moved to.
    """
    norms = [m for m in model.modules() if getattr(m, "running_mean", None) is not None]
    if not norms:
        return
    was_training = model.training
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative mean
    model.train()
    recording = _C.is_grad_enabled()
    _C.set_grad_enabled(False)
    try:
        for batch in loader:
            inputs = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(inputs if device is None else inputs.to(device))
    finally:
        _C.set_grad_enabled(recording)
        for norm, momentum in zip(norms, momenta, strict=False):
            norm.momentum = momentum
        model.train(was_training)


class SWALR(LRScheduler):
    """Anneals the rate to the constant one of weight averaging.

    Args:
        optimizer: whose groups are scheduled.
        swa_lr: the rate in the end, one or one per group.
        anneal_epochs: epochs on the way; 0 for at once.
        anneal_strategy: `"cos"` or `"linear"`.
        last_epoch: the last step that was made, -1 for a fresh start.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, rate in zip(
            optimizer.param_groups, per_group(swa_lr, optimizer, "SWALR", "swa_lr"), strict=False
        ):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                "SWALR(): anneal_strategy must be one of 'cos' or 'linear', "
                f"instead got {anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(
                f"SWALR(): anneal_epochs must be equal or greater than 0, got {anneal_epochs}"
            )
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, epoch: int) -> float:
        if self.anneal_epochs == 0:
            return 1.0
        linear = max(0.0, min(1.0, epoch / self.anneal_epochs))
        if self._anneal_strategy == "linear":
            return linear
        return (1.0 - math.cos(math.pi * linear)) / 2.0

    def get_lr(self) -> list[Any]:
        # The rate the mixture started from follows from the present one, which other
        # schedulers may have changed.
        before = self._share(self.last_epoch - 1) if self.last_epoch > 0 else 0.0
        now = self._share(self.last_epoch)
        rates = []
        for group, rate in zip(self.optimizer.param_groups, self._current(), strict=False):
            target = group["swa_lr"]
            start = target if before == 1.0 else (rate - before * target) / (1.0 - before)
            rates.append(target * now + start * (1.0 - now))
        return rates
