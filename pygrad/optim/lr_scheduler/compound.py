"""Schedulers made of schedulers: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right

from pygrad.optim.lr_scheduler.base import LRScheduler, set_value
from pygrad.optim.lr_scheduler.cosine import CosineAnnealingWarmRestarts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pygrad.optim.optimizer import Optimizer

__all__ = ["ChainedScheduler", "SequentialLR"]


class SequentialLR(LRScheduler):
    """One scheduler after the other, changing at the milestones.

    Args:
        optimizer: whose groups are scheduled.
        schedulers: in order, all made for this optimizer.
        milestones: at which epochs the next one takes over; one fewer than schedulers.
        last_epoch: the last step that was made, -1 for a fresh start.

    Raises:
        ValueError: no schedulers, one of another optimizer, or a wrong number of milestones.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[LRScheduler],
        milestones: list[int],
        last_epoch: int = -1,
    ) -> None:
        if len(schedulers) < 1:
            raise ValueError("SequentialLR(): expects at least one scheduler, but got none")
        _check_same_optimizer("SequentialLR", schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "SequentialLR(): expects number of schedulers provided to be one more than the "
                f"number of milestone points, but got {len(schedulers)} schedulers and "
                f"{len(milestones)} milestones"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        # Each scheduler made its first step when it was built: undo all, then start the first.
        for group in optimizer.param_groups:
            set_value(group, "lr", group["initial_lr"])
        for scheduler in schedulers:
            scheduler.last_epoch -= 1
        schedulers[0]._initial_step()
        self._last_lr = schedulers[0].get_last_lr()

    def step(self, epoch: int | None = None) -> None:
        """Go one step on."""
        self.last_epoch += 1
        index = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[index]
        if index > 0 and self._milestones[index - 1] == self.last_epoch:
            if isinstance(scheduler, (SequentialLR, ChainedScheduler)):
                scheduler.step()
            elif isinstance(scheduler, CosineAnnealingWarmRestarts):
                scheduler.step(0)
            else:
                scheduler._advance(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        """All values, with the state dicts of the schedulers."""
        return _state_with_schedulers(self)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict()` returned."""
        _load_with_schedulers(self, state_dict)


class ChainedScheduler(LRScheduler):
    """Several schedulers that all act at each step.

    Args:
        schedulers: all made for the same optimizer.
        optimizer: that optimizer; taken from the first scheduler if None.

    Raises:
        ValueError: no schedulers, or schedulers of different optimizers.
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if len(schedulers) < 1:
            raise ValueError("ChainedScheduler(): expects at least one scheduler, but got none")
        optimizer = optimizer or schedulers[0].optimizer
        _check_same_optimizer("ChainedScheduler", schedulers, optimizer)
        self._schedulers = schedulers
        self.optimizer = optimizer
        self._last_lr = self._current()

    def step(self, epoch: int | None = None) -> None:
        """Let each scheduler go one step on."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._current()

    def state_dict(self) -> dict[str, Any]:
        """All values, with the state dicts of the schedulers."""
        return _state_with_schedulers(self)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict()` returned."""
        _load_with_schedulers(self, state_dict)


def _check_same_optimizer(
    owner: str, schedulers: Sequence[LRScheduler], optimizer: Optimizer
) -> None:
    for index, scheduler in enumerate(schedulers):
        if not hasattr(scheduler, "optimizer"):
            raise TypeError(f"{owner}(): scheduler {index} should have `optimizer` as attribute")
        if scheduler.optimizer is not optimizer:
            raise ValueError(
                f"{owner}(): expects all schedulers to belong to the same optimizer, "
                f"but scheduler at index {index} belongs to another one"
            )


def _state_with_schedulers(owner: Any) -> dict[str, Any]:
    state = {k: v for k, v in owner.__dict__.items() if k not in ("optimizer", "_schedulers")}
    state["_schedulers"] = [scheduler.state_dict() for scheduler in owner._schedulers]
    return state


def _load_with_schedulers(owner: Any, state_dict: dict[str, Any]) -> None:
    state = dict(state_dict)
    saved = state.pop("_schedulers")
    owner.__dict__.update(state)
    for scheduler, entry in zip(owner._schedulers, saved, strict=False):
        scheduler.load_state_dict(entry)
