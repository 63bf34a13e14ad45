"""A schedule that follows a measured value: ReduceLROnPlateau."""

from __future__ import annotations

import math

from pygrad.optim.lr_scheduler.base import LRScheduler, per_group, set_value, warn
from pygrad.optim.optimizer import Optimizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """The rate times `factor` when a measured value has stopped getting better.

    Args:
        optimizer: whose groups are scheduled.
        mode: `"min"` if less is better, else `"max"`.
        factor: of each reduction, below 1.
        patience: bad epochs that are let pass.
        threshold: by how much a value must be better to count.
        threshold_mode: `"rel"` to the best value, or `"abs"`.
        cooldown: epochs to wait after a reduction.
        min_lr: lowest rate, one or one per group.
        eps: a change smaller than this is not made.

    Raises:
        ValueError: `factor` >= 1, or an unknown mode.

    Example:
        >>> import pygrad
        >>> optimizer = pygrad.optim.SGD([pygrad.nn.Parameter(pygrad.ones(1))], lr=1.0)
        >>> Plateau = pygrad.optim.lr_scheduler.ReduceLROnPlateau
        >>> scheduler = Plateau(optimizer, factor=0.5, patience=1)
        >>> for loss in (3.0, 2.0, 2.0, 2.0):
        ...     scheduler.step(loss)
        >>> scheduler.get_last_lr()
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: list[float] | float = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau(): Factor should be < 1.0; got {factor}")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"ReduceLROnPlateau(): {type(optimizer).__name__} is not an Optimizer")
        if mode not in ("min", "max"):
            raise ValueError(f"ReduceLROnPlateau(): mode {mode} is unknown; expected min or max")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(
                f"ReduceLROnPlateau(): threshold mode {threshold_mode} is unknown; "
                "expected rel or abs"
            )
        self.factor = factor
        self.optimizer = optimizer
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = per_group(min_lr, optimizer, "ReduceLROnPlateau", "min_lr")
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = self._current()
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self._reset()

    def _reset(self) -> None:
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    @property
    def in_cooldown(self) -> bool:
        """Whether the last reduction was too recent for another one."""
        return self.cooldown_counter > 0

    def is_better(self, a: float, best: float) -> bool:
        """Whether `a` is better than `best` by more than the threshold."""
        if self.threshold_mode == "rel":
            sign = -1.0 if self.mode == "min" else 1.0
            limit = best * (1.0 + sign * self.threshold)
        else:
            limit = best - self.threshold if self.mode == "min" else best + self.threshold
        return a < limit if self.mode == "min" else a > limit

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Note the measured value and reduce the rate if it is time.

        Args:
            metrics: a number or a one-element tensor.
            epoch: (deprecated) the number of this epoch.
        """
        value = float(metrics)
        if epoch is None:
            epoch = self.last_epoch + 1
        else:
            warn(
                "The epoch parameter in `scheduler.step()` is deprecated; "
                "call `scheduler.step(metrics)` without it"
            )
        self.last_epoch = epoch
        if self.is_better(value, self.best):
            self.best = value
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self._current()

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(self.min_lrs) != len(groups):
            # Groups were added since.
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"ReduceLROnPlateau(): {len(groups)} parameter groups, but min_lr has "
                    f"{len(self.min_lrs)} entries; expected one per group"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, lowest in zip(groups, self.min_lrs, strict=False):
            old = float(group["lr"])
            new = max(old * self.factor, lowest)
            if old - new > self.eps:
                set_value(group, "lr", new)
