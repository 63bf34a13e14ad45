"""Adam, one fused kernel call per parameter group (Kingma and Ba, 2015; Reddi et al., 2018)."""

from __future__ import annotations

import pygrad
from pygrad import _C
from pygrad.optim.optimizer import (
    Optimizer,
    check_at_least_zero,
    check_betas,
    check_lr,
    refuse_differentiable,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad import Tensor
    from pygrad.optim.optimizer import Closure, ParamsT

__all__ = ["Adam"]


class Adam(Optimizer):
    r"""Adam: steps scaled by running estimates of the gradient's first and second moments.

    `m = beta1 * m + (1 - beta1) * g`, `v = beta2 * v + (1 - beta2) * g**2`,
    `p -= lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)`.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate, a number or a one-element tensor.
        betas: decay of the two running averages.
        eps: added to the denominator.
        weight_decay: L2 penalty, or decoupled decay with `decoupled_weight_decay`.
        amsgrad: divide by the largest second moment so far.
        maximize: go up instead of down.
        decoupled_weight_decay: shrink the parameters directly, which makes it AdamW.
        foreach, capturable, fused: accepted for compatibility; the step is always fused.

    Raises:
        ValueError: a hyper-parameter outside its range.

    Example:
        >>> import pygrad
        >>> w = pygrad.nn.Parameter(pygrad.zeros(2))
        >>> optimizer = pygrad.optim.Adam([w], lr=0.5)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> [round(x, 4) for x in w.tolist()]
        [-0.5, -0.5]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        owner = type(self).__name__
        check_lr(owner, lr)
        check_at_least_zero(owner, "epsilon", eps)
        check_betas(owner, betas)
        check_at_least_zero(owner, "weight_decay", weight_decay)
        refuse_differentiable(owner, differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
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
            amsgrad = group["amsgrad"]
            if not all(states):
                for p, state in zip(params, states, strict=False):
                    if not state:
                        state["step"] = 0.0
                        state["exp_avg"] = pygrad.zeros_like(p)
                        state["exp_avg_sq"] = pygrad.zeros_like(p)
            maxima: list[Tensor] = []
            if amsgrad:
                for p, state in zip(params, states, strict=False):
                    if "max_exp_avg_sq" not in state:
                        state["max_exp_avg_sq"] = pygrad.zeros_like(p)
                maxima = [state["max_exp_avg_sq"] for state in states]
            counts = self._counts(index, states)
            beta1, beta2 = group["betas"]
            _C.ops.adam_step(
                params,
                grads,
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                maxima,
                [count + 1.0 for count in counts.tolist()],
                float(group["lr"]),
                float(beta1),
                float(beta2),
                float(group["eps"]),
                float(group["weight_decay"]),
                amsgrad,
                group["maximize"],
                group["decoupled_weight_decay"],
            )
            counts.add_(1.0)
        return loss
