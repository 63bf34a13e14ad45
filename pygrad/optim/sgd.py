"""Stochastic gradient descent, one fused kernel call per parameter group."""

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

__all__ = ["SGD"]


class SGD(Optimizer):
    r"""Stochastic gradient descent with momentum, Nesterov momentum and weight decay.

    With gradient `g` (plus `weight_decay * p`): `b = momentum * b + (1 - dampening) * g`, where
    the first step starts at `b = g`; then `p -= lr * b`, or with Nesterov
    `p -= lr * (g + momentum * b)`.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate, a number or a one-element tensor.
        momentum: momentum factor.
        dampening: how much of the gradient is held back from the momentum.
        weight_decay: L2 penalty.
        nesterov: look ahead; needs momentum and no dampening.
        maximize: go up instead of down.
        foreach, fused: accepted for compatibility; the step is always one fused call.

    Raises:
        ValueError: a hyper-parameter outside its range.

    Example:
        >>> import pygrad
        >>> w = pygrad.nn.Parameter(pygrad.tensor([1.0, 2.0]))
        >>> optimizer = pygrad.optim.SGD([w], lr=0.5)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [0.5, 1.5]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr("SGD", lr)
        check_at_least_zero("SGD", "momentum", momentum)
        check_at_least_zero("SGD", "weight_decay", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError(
                "SGD(): Nesterov momentum requires a momentum and zero dampening; "
                f"got momentum={momentum}, dampening={dampening}"
            )
        refuse_differentiable("SGD", differentiable)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
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
        for group in self.param_groups:
            momentum = float(group["momentum"])
            buffers: list[Tensor] = []
            first: list[int] = []
            if momentum != 0.0:
                params, grads, states = self._gather(group)
                for p, state in zip(params, states, strict=False):
                    buffer = state.get("momentum_buffer")
                    first.append(buffer is None)
                    buffers.append(pygrad.zeros_like(p) if buffer is None else buffer)
            else:
                # No state: do not even make the empty entries.
                params, grads = _C.gather_gradients(group["params"])
            if not params:
                continue
            _C.ops.sgd_step(
                params,
                grads,
                buffers,
                float(group["lr"]),
                momentum,
                float(group["dampening"]),
                float(group["weight_decay"]),
                group["nesterov"],
                group["maximize"],
                first,
            )
            # Only now, so that a refused step leaves no half-made state.
            if True in first:
                for state, buffer in zip(states, buffers, strict=False):
                    state["momentum_buffer"] = buffer
        return loss
