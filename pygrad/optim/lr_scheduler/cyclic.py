"""Schedules that go up and down, momentum against the rate: CyclicLR and OneCycleLR."""

from __future__ import annotations

import math

from pygrad.optim.lr_scheduler.base import LRScheduler, per_group, set_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    from pygrad.optim.optimizer import Optimizer

__all__ = ["CyclicLR", "OneCycleLR"]


def _momentum_kind(owner: str, optimizer: Optimizer) -> bool:
    """Whether the momentum is `betas[0]` (Adam) instead of `momentum`."""
    defaults = optimizer.defaults
    if "momentum" not in defaults and "betas" not in defaults:
        raise ValueError(
            f"{owner}(): optimizer must support momentum or beta1 with `cycle_momentum` option "
            f"enabled; {type(optimizer).__name__} has neither"
        )
    return "betas" in defaults


def _set_momentum(group: dict[str, Any], value: float, use_beta1: bool) -> None:
    if use_beta1:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


class CyclicLR(LRScheduler):
    """The rate goes up and down between two bounds at every batch (Smith, 2017).

    Args:
        optimizer: whose groups are scheduled.
        base_lr: lower bound, one or one per group.
        max_lr: upper bound, one or one per group.
        step_size_up: batches upwards.
        step_size_down: batches downwards; `step_size_up` if None.
        mode: `"triangular"`, `"triangular2"` (half the height each cycle) or `"exp_range"`
            (height times `gamma**iterations`).
        gamma: of `"exp_range"`.
        scale_fn: a factor on the height, instead of `mode`.
        scale_mode: whether `scale_fn` is given the `"cycle"` or the `"iterations"`.
        cycle_momentum: move the momentum the other way.
        base_momentum: lower bound of the momentum.
        max_momentum: upper bound of the momentum.
        last_epoch: the last step that was made, -1 for a fresh start.

    Raises:
        ValueError: an unknown mode, or an optimizer without momentum.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        groups = optimizer.param_groups
        base_lrs = per_group(base_lr, optimizer, "CyclicLR", "base_lr")
        if last_epoch == -1:
            for group, rate in zip(groups, base_lrs, strict=False):
                set_value(group, "lr", rate)
        self.max_lrs = per_group(max_lr, optimizer, "CyclicLR", "max_lr")
        down = float(step_size_up if step_size_down is None else step_size_down)
        self.total_size = float(step_size_up) + down
        self.step_ratio = step_size_up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError(
                f"CyclicLR(): mode is invalid and scale_fn is None: {mode!r}; "
                "expected triangular, triangular2 or exp_range"
            )
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = _momentum_kind("CyclicLR", optimizer)
            self.base_momentums = per_group(base_momentum, optimizer, "CyclicLR", "base_momentum")
            self.max_momentums = per_group(max_momentum, optimizer, "CyclicLR", "max_momentum")
            if last_epoch == -1:
                for group, low, high in zip(
                    groups, self.base_momentums, self.max_momentums, strict=False
                ):
                    _set_momentum(group, high, self.use_beta1)
                    group["max_momentum"] = high
                    group["base_momentum"] = low
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """Factor on the height of a cycle: of the cycle's number or of the iterations."""
        if self._scale_fn_custom is not None:
            return float(self._scale_fn_custom(x))
        if self.mode == "triangular":
            return 1.0
        if self.mode == "triangular2":
            return float(2.0 ** (1.0 - x))
        return float(self.gamma**x)

    def get_lr(self) -> list[Any]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(
                self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=False
            ):
                _set_momentum(group, high - (high - low) * height, self.use_beta1)
        return [
            low + (high - low) * height
            for low, high in zip(self.base_lrs, self.max_lrs, strict=False)
        ]

    def state_dict(self) -> dict[str, Any]:
        """All values; of a scale function only a callable object's attributes are kept."""
        import types

        state = super().state_dict()
        function = state.pop("_scale_fn_custom")
        state["_scale_fn_custom"] = None
        if function is not None and not isinstance(function, types.FunctionType):
            state["_scale_fn_custom"] = dict(function.__dict__)
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict()` returned; a plain scale function stays as it is."""
        state = dict(state_dict)
        attributes = state.pop("_scale_fn_custom", None)
        self.__dict__.update(state)
        if attributes is not None and self._scale_fn_custom is not None:
            self._scale_fn_custom.__dict__.update(attributes)


class OneCycleLR(LRScheduler):
    """One rise to `max_lr` and one long fall, a step per batch (Smith and Topin, 2018).

    Args:
        optimizer: whose groups are scheduled.
        max_lr: highest rate, one or one per group.
        total_steps: batches of the whole training; or give the next two.
        epochs: of the training.
        steps_per_epoch: batches of an epoch.
        pct_start: share of the rise.
        anneal_strategy: `"cos"` or `"linear"`.
        cycle_momentum: move the momentum the other way.
        base_momentum: lower bound of the momentum, one or one per group.
        max_momentum: upper bound of the momentum, one or one per group.
        div_factor: the first rate is `max_lr / div_factor`.
        final_div_factor: the last rate is the first one over this.
        three_phase: fall to the first rate as fast as it rose, then to the last rate.
        last_epoch: the last step that was made, -1 for a fresh start.

    Raises:
        ValueError: no length, a share outside [0, 1], an unknown strategy, no momentum, or a
            step beyond the end.

    Example:
        >>> import pygrad
        >>> w = pygrad.nn.Parameter(pygrad.ones(1))
        >>> optimizer = pygrad.optim.SGD([w], lr=0.1, momentum=0.9)
        >>> scheduler = pygrad.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
        >>> round(scheduler.get_last_lr()[0], 6)
        0.04
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is not None:
            if total_steps <= 0 or not isinstance(total_steps, int):
                raise ValueError(
                    f"OneCycleLR(): Expected positive integer total_steps, but got {total_steps}"
                )
            self.total_steps = total_steps
        elif epochs is not None and steps_per_epoch is not None:
            for name, value in (("epochs", epochs), ("steps_per_epoch", steps_per_epoch)):
                if not isinstance(value, int) or value <= 0:
                    raise ValueError(
                        f"OneCycleLR(): Expected positive integer {name}, but got {value}"
                    )
            self.total_steps = epochs * steps_per_epoch
        else:
            raise ValueError(
                "OneCycleLR(): You must define either total_steps OR (epochs AND steps_per_epoch)"
            )
        rise = float(pct_start * self.total_steps) - 1
        if not isinstance(pct_start, float) or not 0.0 <= pct_start <= 1.0:
            raise ValueError(
                f"OneCycleLR(): Expected float between 0 and 1 pct_start, but got {pct_start}"
            )
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                "OneCycleLR(): anneal_strategy must be one of 'cos' or 'linear', "
                f"instead got {anneal_strategy}"
            )
        self._schedule_phases = [
            _phase(rise, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        ]
        end = self.total_steps - 1
        if three_phase:
            self._schedule_phases += [
                _phase(2.0 * rise, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                _phase(end, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
            ]
        else:
            self._schedule_phases.append(
                _phase(end, "max_lr", "min_lr", "base_momentum", "max_momentum")
            )
        self._anneal_func_type = anneal_strategy
        peaks = per_group(max_lr, optimizer, "OneCycleLR", "max_lr")
        if last_epoch == -1:
            for group, peak in zip(optimizer.param_groups, peaks, strict=False):
                group["initial_lr"] = peak / div_factor
                group["max_lr"] = peak
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = _momentum_kind("OneCycleLR", optimizer)
            highs = per_group(max_momentum, optimizer, "OneCycleLR", "max_momentum")
            lows = per_group(base_momentum, optimizer, "OneCycleLR", "base_momentum")
            if last_epoch == -1:
                for group, high, low in zip(optimizer.param_groups, highs, lows, strict=False):
                    _set_momentum(group, high, self.use_beta1)
                    group["max_momentum"] = high
                    group["base_momentum"] = low
        super().__init__(optimizer, last_epoch)

    def _anneal(self, start: float, end: float, share: float) -> float:
        if self._anneal_func_type == "cos":
            return end + (start - end) / 2.0 * (1.0 + math.cos(math.pi * share))
        return (end - start) * share + start

    def get_lr(self) -> list[Any]:
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"OneCycleLR.step(): Tried to step {step} times. "
                f"The specified number of total steps is {self.total_steps}"
            )
        rates = []
        for group in self.optimizer.param_groups:
            begin = 0.0
            for phase in self._schedule_phases:
                end = phase["end_step"]
                if step <= end or phase is self._schedule_phases[-1]:
                    share = (step - begin) / (end - begin)
                    break
                begin = end
            rates.append(self._anneal(group[phase["start_lr"]], group[phase["end_lr"]], share))
            if self.cycle_momentum:
                low_high = (group[phase["start_momentum"]], group[phase["end_momentum"]])
                _set_momentum(group, self._anneal(*low_high, share), self.use_beta1)
        return rates


def _phase(
    end_step: float, start_lr: str, end_lr: str, start_momentum: str, end_momentum: str
) -> dict[str, Any]:
    return {
        "end_step": end_step,
        "start_lr": start_lr,
        "end_lr": end_lr,
        "start_momentum": start_momentum,
        "end_momentum": end_momentum,
    }
