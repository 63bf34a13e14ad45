"""Cosine annealing, with and without warm restarts (Loshchilov and Hutter, 2017)."""

from __future__ import annotations

import math

from pygrad.optim.lr_scheduler.base import LRScheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad.optim.optimizer import Optimizer

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]


class CosineAnnealingLR(LRScheduler):
    """From the initial rate to `eta_min` along half a cosine of `T_max` epochs, and back.

    `eta_min + (base - eta_min) * (1 + cos(pi * epoch / T_max)) / 2`

    Args:
        optimizer: whose groups are scheduled.
        T_max: epochs of the half period.
        eta_min: lowest rate.
        last_epoch: the last step that was made, -1 for a fresh start.

    Example:
        >>> import pygrad
        >>> optimizer = pygrad.optim.SGD([pygrad.nn.Parameter(pygrad.ones(1))], lr=1.0)
        >>> scheduler = pygrad.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2)
        >>> optimizer.step(); scheduler.step(); round(scheduler.get_last_lr()[0], 6)
        0.5
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        if self.last_epoch == 0 or self._is_initial:
            return self._current()
        if self._step_count == 1:
            return self._get_closed_form_lr()
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            # One past the lowest point, where the quotient below would be 0 / 0.
            rise = (1.0 - math.cos(math.pi / self.T_max)) / 2.0
            return [
                rate + (base - self.eta_min) * rise
                for base, rate in zip(self.base_lrs, self._current(), strict=False)
            ]
        now = 1.0 + math.cos(math.pi * self.last_epoch / self.T_max)
        before = 1.0 + math.cos(math.pi * (self.last_epoch - 1) / self.T_max)
        return [now / before * (rate - self.eta_min) + self.eta_min for rate in self._current()]

    def _get_closed_form_lr(self) -> list[Any]:
        share = (1.0 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2.0
        return [self.eta_min + (base - self.eta_min) * share for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosine annealing that starts again after `T_0` epochs, then after `T_mult` times as many.

    Args:
        optimizer: whose groups are scheduled.
        T_0: epochs of the first period.
        T_mult: by what each period is longer than the one before.
        eta_min: lowest rate.
        last_epoch: the last step that was made, -1 for a fresh start.

    Raises:
        ValueError: `T_0` or `T_mult` is no positive integer, `eta_min` no number.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        for name, value in (("T_0", T_0), ("T_mult", T_mult)):
            if value < 1 or not isinstance(value, int):
                raise ValueError(
                    f"CosineAnnealingWarmRestarts(): Expected integer {name} >= 1, but got {value}"
                )
        if not isinstance(eta_min, (float, int)):
            raise ValueError(
                "CosineAnnealingWarmRestarts(): Expected float or int eta_min, "
                f"but got {eta_min} of type {type(eta_min)}"
            )
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        share = (1.0 + math.cos(math.pi * self.T_cur / self.T_i)) / 2.0
        return [self.eta_min + (base - self.eta_min) * share for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go one step on, or to a given, possibly fractional, epoch."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur = self.T_cur + 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            if epoch < 0:
                raise ValueError(
                    "CosineAnnealingWarmRestarts.step(): Expected non-negative epoch, "
                    f"but got {epoch}"
                )
            self.T_i = self.T_0
            self.T_cur = epoch
            if epoch >= self.T_0:
                if self.T_mult == 1:
                    self.T_cur = epoch % self.T_0
                else:
                    # The period n starts at T_0 * (T_mult**n - 1) / (T_mult - 1).
                    n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
                    start = self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
                    self.T_cur = epoch - start
                    self.T_i = self.T_0 * self.T_mult**n
        self.last_epoch = math.floor(epoch)
        self._write(self.get_lr())
