"""Limited-memory BFGS (Nocedal and Wright, Numerical Optimization, algorithms 7.4, 3.5, 3.6)."""

from __future__ import annotations

from math import isfinite, sqrt

import pygrad
from pygrad import _C
from pygrad.optim.optimizer import Optimizer, check_lr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pygrad import Tensor
    from pygrad.optim.optimizer import Closure, ParamsT

    # Loss, gradient and slope along the search direction at a step length.
    Evaluate = Callable[[float], tuple[float, Tensor]]

__all__ = ["LBFGS"]


def _value(loss: Any) -> float:
    """The loss, a number or a one-element tensor, as a number."""
    return float(loss.item()) if isinstance(loss, _C.Tensor) else float(loss)


def _cubic_minimum(
    x1: float, f1: float, g1: float, x2: float, f2: float, g2: float, low: float, high: float
) -> float:
    """Minimum of the cubic through two points with slopes, kept within [low, high]."""
    d1 = g1 + g2 - 3.0 * (f1 - f2) / (x1 - x2)
    square = d1 * d1 - g1 * g2
    if not square >= 0.0:
        return (low + high) / 2.0
    d2 = sqrt(square)
    if x1 <= x2:
        position = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2.0 * d2))
    else:
        position = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2.0 * d2))
    return min(max(position, low), high)


def _strong_wolfe(
    evaluate: Evaluate,
    t: float,
    direction: Tensor,
    loss: float,
    grad: Tensor,
    slope: float,
    tolerance_change: float,
    c1: float = 1e-4,
    c2: float = 0.9,
    max_rounds: int = 25,
) -> tuple[float, Tensor, float, int]:
    """A step length with enough decrease (c1) and a small enough slope (c2).

    Returns:
        loss, gradient and length of the step, and how often the loss was evaluated.
    """
    largest = float(direction.abs().max())
    # Points are (length, loss, gradient, slope).
    previous = (0.0, loss, grad, slope)
    f_new, g_new = evaluate(t)
    current = (t, f_new, g_new, float(g_new.dot(direction)))
    evaluations = 1
    rounds = 0
    bracket = None
    while rounds < max_rounds:
        too_high = current[1] > loss + c1 * current[0] * slope
        if too_high or (rounds > 1 and current[1] >= previous[1]) or current[3] >= 0.0:
            if not too_high and abs(current[3]) <= -c2 * slope:
                return current[1], current[2], current[0], evaluations
            bracket = [previous, current]
            break
        if abs(current[3]) <= -c2 * slope:
            return current[1], current[2], current[0], evaluations
        low = current[0] + 0.01 * (current[0] - previous[0])
        high = current[0] * 10.0
        t = _cubic_minimum(
            previous[0], previous[1], previous[3], current[0], current[1], current[3], low, high
        )
        previous = current
        f_new, g_new = evaluate(t)
        current = (t, f_new, g_new, float(g_new.dot(direction)))
        evaluations += 1
        rounds += 1
    if bracket is None:
        bracket = [(0.0, loss, grad, slope), current]

    stuck = False
    best, other = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
    while rounds < max_rounds:
        a, b = bracket
        if abs(b[0] - a[0]) * largest < tolerance_change:
            break
        low, high = min(a[0], b[0]), max(a[0], b[0])
        t = _cubic_minimum(a[0], a[1], a[3], b[0], b[1], b[3], low, high)
        # Two tries in a row near one end: move away from it, or the interval hardly shrinks.
        margin = 0.1 * (high - low)
        if min(high - t, t - low) < margin:
            if stuck or t >= high or t <= low:
                t = high - margin if abs(t - high) < abs(t - low) else low + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        f_new, g_new = evaluate(t)
        current = (t, f_new, g_new, float(g_new.dot(direction)))
        evaluations += 1
        rounds += 1
        if current[1] > loss + c1 * t * slope or current[1] >= bracket[best][1]:
            bracket[other] = current
            best, other = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
        else:
            if abs(current[3]) <= -c2 * slope:
                return current[1], current[2], current[0], evaluations
            if current[3] * (bracket[other][0] - bracket[best][0]) >= 0.0:
                bracket[other] = bracket[best]
            bracket[best] = current
    t, loss, grad, _ = bracket[best]
    return loss, grad, t, evaluations


class LBFGS(Optimizer):
    r"""Limited-memory BFGS: a quasi-Newton method for full-batch problems.

    The direction `-H g` comes from the last `history_size` pairs of steps and gradient changes by
    the two-loop recursion; `step` needs a closure, as it evaluates the loss several times.

    Args:
        params: parameters or one group; all of them form one vector.
        lr: step length, or the first one tried by the line search.
        max_iter: iterations per step.
        max_eval: loss evaluations per step; `max_iter * 5 // 4` if None.
        tolerance_grad: stop when no gradient element is larger.
        tolerance_change: stop when step or loss change less.
        history_size: pairs kept.
        line_search_fn: None or `"strong_wolfe"`.

    Raises:
        ValueError: more than one parameter group or a hyper-parameter outside its range.

    Example:
        >>> import pygrad
        >>> w = pygrad.nn.Parameter(pygrad.tensor([3.0, -2.0]))
        >>> optimizer = pygrad.optim.LBFGS([w], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = ((w - 1.0) ** 2).sum()
        ...     loss.backward()
        ...     return loss
        >>> loss = optimizer.step(closure)
        >>> bool(((w - 1.0).abs() < 1e-4).all())
        True
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr("LBFGS", lr)
        if line_search_fn not in (None, "strong_wolfe"):
            raise ValueError(
                f"LBFGS(): line_search_fn is {line_search_fn!r}; expected None or 'strong_wolfe'"
            )
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError(
                "LBFGS(): LBFGS doesn't support per-parameter options (parameter groups); "
                f"expected one group, got {len(self.param_groups)}"
            )
        self._params: list[Tensor] = self.param_groups[0]["params"]

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._params = self.param_groups[0]["params"]

    def _flat_grad(self) -> Tensor:
        parts = []
        for p in self._params:
            grad = pygrad.zeros_like(p) if p.grad is None else p.grad
            if grad.is_complex():
                grad = pygrad.view_as_real(grad)
            parts.append(grad.reshape(-1))
        flat: Tensor = pygrad.cat(parts)
        return flat

    def _move(self, t: float, direction: Tensor) -> None:
        """Add `t * direction` to the parameters."""
        offset = 0
        for p in self._params:
            real = pygrad.view_as_real(p) if p.is_complex() else p
            count = real.numel()
            real.add_(direction[offset : offset + count].view(real.shape), alpha=t)
            offset += count

    def _direction(self, grad: Tensor, state: dict[str, Any]) -> Tensor:
        """`-H grad` by the two-loop recursion over the history."""
        changes, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
        q = grad.neg()
        weights = [0.0] * len(changes)
        for i in range(len(changes) - 1, -1, -1):
            weights[i] = float(steps[i].dot(q)) * float(ro[i])
            q.sub_(changes[i], alpha=weights[i])
        q.mul_(float(state["H_diag"]))
        for i in range(len(changes)):
            q.add_(steps[i], alpha=weights[i] - float(changes[i].dot(q)) * float(ro[i]))
        return q

    def step(self, closure: Closure | None = None) -> Any:
        """Run up to `max_iter` iterations.

        Args:
            closure: clears the gradients, computes the loss, calls `backward` and returns it.

        Returns:
            The first loss the closure returned.

        Raises:
            TypeError: no closure.
        """
        if closure is None:
            raise TypeError(
                "LBFGS.step(): closure is missing; expected a function that clears the gradients, "
                "computes the loss, calls backward() and returns the loss"
            )
        recording = _C.is_grad_enabled()
        _C.set_grad_enabled(False)
        try:
            return self._iterate(closure)
        finally:
            _C.set_grad_enabled(recording)

    def _iterate(self, closure: Closure) -> Any:
        group = self.param_groups[0]
        lr = float(group["lr"])
        tolerance_change = group["tolerance_change"]
        # As in PyTorch the state of all parameters is filed under the first.
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        first_loss = self._evaluate(closure)
        loss = _value(first_loss)
        evaluations = 1
        state["func_evals"] += 1
        grad = self._flat_grad()
        if float(grad.abs().max()) <= group["tolerance_grad"]:
            return first_loss
        direction = state.get("d")
        t = float(state.get("t", lr))
        iterations = 0
        while iterations < group["max_iter"]:
            iterations += 1
            state["n_iter"] += 1
            if state["n_iter"] == 1 or direction is None:
                direction = grad.neg()
                state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            else:
                self._remember(grad, direction * t, state, group["history_size"])
                direction = self._direction(grad, state)
            state["prev_flat_grad"] = grad.clone()
            state["prev_loss"] = loss
            t = min(1.0, 1.0 / float(grad.abs().sum())) * lr if state["n_iter"] == 1 else lr
            slope = float(grad.dot(direction))
            if slope > -tolerance_change:
                break
            spent = 0
            previous_loss = loss
            if group["line_search_fn"] == "strong_wolfe":
                start = [p.clone() for p in self._params]
                search = direction

                def evaluate(
                    length: float, search: Tensor = search, start: list[Tensor] = start
                ) -> tuple[float, Tensor]:
                    self._move(length, search)
                    value = _value(self._evaluate(closure))
                    slope_here = self._flat_grad()
                    for p, saved in zip(self._params, start, strict=False):
                        p.copy_(saved)
                    return value, slope_here

                loss, grad, t, spent = _strong_wolfe(
                    evaluate, t, direction, loss, grad, slope, tolerance_change
                )
                self._move(t, direction)
            else:
                self._move(t, direction)
                if iterations != group["max_iter"]:
                    # The last point is evaluated at the start of the next step.
                    loss = _value(self._evaluate(closure))
                    grad = self._flat_grad()
                    spent = 1
            evaluations += spent
            state["func_evals"] += spent
            if (
                iterations == group["max_iter"]
                or evaluations >= group["max_eval"]
                or float(grad.abs().max()) <= group["tolerance_grad"]
                or float(direction.abs().max()) * abs(t) <= tolerance_change
                or abs(loss - previous_loss) < tolerance_change
                or not isfinite(loss)
            ):
                break
        state["d"] = direction
        state["t"] = t
        return first_loss

    @staticmethod
    def _remember(grad: Tensor, step: Tensor, state: dict[str, Any], history_size: int) -> None:
        """Add the last step and gradient change to the history if they curve upwards."""
        change = grad - state["prev_flat_grad"]
        curvature = float(change.dot(step))
        if curvature <= 1e-10:
            return
        if len(state["old_dirs"]) == history_size:
            for name in ("old_dirs", "old_stps", "ro"):
                state[name].pop(0)
        state["old_dirs"].append(change)
        state["old_stps"].append(step)
        state["ro"].append(1.0 / curvature)
        state["H_diag"] = curvature / float(change.dot(change))
