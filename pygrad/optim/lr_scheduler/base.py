"""The base of the learning rate schedulers.

Most schedulers are written as a step from the group's present rate to the next one, so that
several of them can act on the same optimizer. Where a closed form exists it serves `step(epoch)`.
"""

from __future__ import annotations

from pygrad import _C
from pygrad.optim.optimizer import Optimizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["LRScheduler"]


def warn(message: str) -> None:
    import warnings

    warnings.warn(message, UserWarning, stacklevel=3)


def copy_rate(value: Any) -> Any:
    """A copy of a rate that does not follow the group's own, which is changed in place."""
    return value.clone() if isinstance(value, _C.Tensor) else value


def set_value(group: dict[str, Any], key: str, value: Any) -> None:
    """Give the group a new value, inside the tensor if the old one is a tensor."""
    if isinstance(group[key], _C.Tensor):
        group[key].fill_(float(value))
    else:
        group[key] = value


def per_group(value: Any, optimizer: Optimizer, owner: str, name: str) -> list[Any]:
    """One value for each parameter group, from a list of them or from a single one."""
    count = len(optimizer.param_groups)
    if isinstance(value, (list, tuple)):
        if len(value) != count:
            raise ValueError(
                f"{owner}(): {name} has {len(value)} entries; expected {count}, one per group"
            )
        return list(value)
    return [value] * count


class LRScheduler:
    """Base of the schedulers: counts steps and writes what `get_lr()` says into the groups.

    Args:
        optimizer: whose groups are scheduled.
        last_epoch: the last step that was made, -1 for a fresh start.

    Raises:
        TypeError: `optimizer` is no Optimizer.
        KeyError: `last_epoch` is given, but the groups have no `initial_lr`.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{type(self).__name__}(): {type(optimizer).__name__} is not an Optimizer"
            )
        self.optimizer = optimizer
        for index, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copy_rate(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}(): param 'initial_lr' is not specified in "
                    f"param_groups[{index}] when resuming an optimizer with last_epoch={last_epoch}"
                )
        self.base_lrs: list[Any] = [copy_rate(g["initial_lr"]) for g in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self._is_initial = False
        self._get_lr_called_within_step = False
        self._last_lr: list[Any] = []
        # Notices a first optimizer.step(), to warn about the wrong order.
        optimizer._intercept_step()
        self._initial_step()

    def _initial_step(self) -> None:
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """All of the scheduler's own values, without the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict()` returned."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Any]:
        """The rates that the last step set, one per group."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        """The next rates, one per group, from the present ones."""
        raise NotImplementedError(f"{type(self).__name__} does not define get_lr()")

    def _current(self) -> list[Any]:
        return [copy_rate(group["lr"]) for group in self.optimizer.param_groups]

    def step(self, epoch: int | None = None) -> None:
        """Go one step on, or (deprecated) to a given one."""
        if self._step_count == 1 and not self.optimizer._opt_called:
            warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in "
                "the opposite order: `optimizer.step()` before `lr_scheduler.step()`; otherwise "
                "the first value of the learning rate schedule is skipped"
            )
        self._step_count += 1
        if epoch is not None:
            warn(
                "The epoch parameter in `scheduler.step()` is deprecated; "
                "call `scheduler.step()` without it"
            )
        self._advance(epoch)

    def _advance(self, epoch: int | None = None) -> None:
        closed_form = getattr(self, "_get_closed_form_lr", None)
        self._get_lr_called_within_step = True
        try:
            if epoch is None:
                self.last_epoch += 1
                rates = self.get_lr()
            else:
                self.last_epoch = epoch
                rates = self.get_lr() if closed_form is None else closed_form()
        finally:
            self._get_lr_called_within_step = False
        self._write(rates)

    def _write(self, rates: Sequence[Any]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=False):
            set_value(group, "lr", rate)
        self._last_lr = self._current()
