"""RMSprop, one fused kernel call per parameter group (Hinton, 2012; centered: Graves, 2013)."""

from __future__ import annotations

import pygrad
from pygrad import _C
from pygrad.optim.optimizer import (
    Optimizer,
    check_at_least_zero,
    check_lr,
    refuse_differentiable,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad import Tensor
    from pygrad.optim.optimizer import Closure, ParamsT

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    r"""RMSprop: steps divided by a running root mean square of the gradient.

    `v = alpha * v + (1 - alpha) * g**2`, `p -= lr * g / (sqrt(v) + eps)`; centered, the square of
    the gradient's running mean is taken off `v` first; with momentum,
    `b = momentum * b + g / (sqrt(v) + eps)` and `p -= lr * b`.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate, a number or a one-element tensor.
        alpha: decay of the running average.
        eps: added to the denominator.
        weight_decay: L2 penalty.
        momentum: momentum factor.
        centered: normalise by the estimated variance.
        maximize: go up instead of down.
        capturable, foreach: accepted for compatibility; the step is always one fused call.

    Raises:
        ValueError: a hyper-parameter outside its range.

    Example:
        >>> import pygrad
        >>> w = pygrad.nn.Parameter(pygrad.zeros(1))
        >>> optimizer = pygrad.optim.RMSprop([w], lr=0.1, alpha=0.75)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> round(w.item(), 4)
        -0.2
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr("RMSprop", lr)
        check_at_least_zero("RMSprop", "epsilon", eps)
        check_at_least_zero("RMSprop", "momentum", momentum)
        check_at_least_zero("RMSprop", "weight_decay", weight_decay)
        check_at_least_zero("RMSprop", "alpha", alpha)
        refuse_differentiable("RMSprop", differentiable)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def step(self, closure: Closure | None = None) -> Any:
        """Update all parameters that have a gradient.

        Args:
            closure: recomputes the loss and its gradients.

        Returns:
            What the closure returned, else None.
        """
        loss = None if closure is None else self._evaluate(closure)
        for index, group in enumerate(self.param_groups):
            params, grads, states = self._gather(group)
            if not params:
                continue
            momentum = float(group["momentum"])
            centered = group["centered"]
            if not all(states):
                for p, state in zip(params, states, strict=False):
                    if not state:
                        state["step"] = 0.0
                        state["square_avg"] = pygrad.zeros_like(p)
                        if momentum > 0:
                            state["momentum_buffer"] = pygrad.zeros_like(p)
                        if centered:
                            state["grad_avg"] = pygrad.zeros_like(p)
            counts = self._counts(index, states)
            _C.ops.rmsprop_step(
                params,
                grads,
                [state["square_avg"] for state in states],
                self._slots("momentum_buffer", params, states) if momentum > 0 else [],
                self._slots("grad_avg", params, states) if centered else [],
                float(group["lr"]),
                float(group["alpha"]),
                float(group["eps"]),
                float(group["weight_decay"]),
                momentum,
                centered,
                group["maximize"],
            )
            counts.add_(1.0)
        return loss

    @staticmethod
    def _slots(name: str, params: list[Tensor], states: list[dict[str, Any]]) -> list[Tensor]:
        """The state tensors of that name; zeros where the option was switched on later."""
        for p, state in zip(params, states, strict=False):
            if name not in state:
                state[name] = pygrad.zeros_like(p)
        return [state[name] for state in states]
