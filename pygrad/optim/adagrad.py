"""Adagrad, one fused kernel call per parameter group (Duchi, Hazan and Singer, 2011)."""

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

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    r"""Adagrad: steps divided by the root of the sum of all squared gradients so far.

    `s += g**2`, `p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)`.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate, a number or a one-element tensor.
        lr_decay: decay of the learning rate.
        weight_decay: L2 penalty.
        initial_accumulator_value: where the sums start.
        eps: added to the denominator.
        maximize: go up instead of down.
        foreach, fused: accepted for compatibility; the step is always one fused call.

    Raises:
        ValueError: a hyper-parameter outside its range.

    Example:
        >>> import pygrad
        >>> w = pygrad.nn.Parameter(pygrad.zeros(1))
        >>> optimizer = pygrad.optim.Adagrad([w], lr=0.5)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> round(w.item(), 4)
        -0.5
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr("Adagrad", lr)
        check_at_least_zero("Adagrad", "lr_decay", lr_decay)
        check_at_least_zero("Adagrad", "weight_decay", weight_decay)
        check_at_least_zero("Adagrad", "initial_accumulator_value", initial_accumulator_value)
        check_at_least_zero("Adagrad", "epsilon", eps)
        refuse_differentiable("Adagrad", differentiable)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                self._start(p, group)

    def _start(self, p: Tensor, group: dict[str, Any]) -> None:
        start = group["initial_accumulator_value"]
        if p.is_complex():
            start = complex(start, start)
        state = self.state[p]
        state["step"] = pygrad.tensor(0.0, dtype=pygrad.float32)
        state["sum"] = pygrad.full_like(p.detach(), start)

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
            if not all(states):
                # Parameters of a group added after construction.
                for p, state in zip(params, states, strict=False):
                    if not state:
                        self._start(p, group)
            counts = self._counts(index, states)
            _C.ops.adagrad_step(
                params,
                grads,
                [state["sum"] for state in states],
                [count + 1.0 for count in counts.tolist()],
                float(group["lr"]),
                float(group["lr_decay"]),
                float(group["weight_decay"]),
                float(group["eps"]),
                group["maximize"],
            )
            counts.add_(1.0)
        return loss
