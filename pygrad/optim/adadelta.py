"""Adadelta (Zeiler, 2012)."""

from __future__ import annotations

import pygrad
from pygrad.optim.composed import ComposedOptimizer, as_real
from pygrad.optim.optimizer import check, check_at_least_zero, check_lr, refuse_differentiable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad import Tensor
    from pygrad.optim.optimizer import ParamsT

__all__ = ["Adadelta"]


class Adadelta(ComposedOptimizer):
    r"""Adadelta: steps scaled by the ratio of two running root mean squares.

    `v = rho * v + (1 - rho) * g**2`, `d = sqrt(u + eps) / sqrt(v + eps) * g`,
    `u = rho * u + (1 - rho) * d**2`, `p -= lr * d`.

    Args:
        params: parameters, named parameters or groups.
        lr: factor on the step.
        rho: decay of both averages.
        eps: added under both roots.
        weight_decay: L2 penalty.
        maximize: go up instead of down.
        foreach, capturable: accepted for compatibility.

    Raises:
        ValueError: a hyper-parameter outside its range.

    Example:
        >>> import pygrad
        >>> w = pygrad.nn.Parameter(pygrad.zeros(1))
        >>> optimizer = pygrad.optim.Adadelta([w])
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> bool(w < 0)
        True
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr("Adadelta", lr)
        check(0.0 <= rho <= 1.0, "Adadelta", f"Invalid rho value: {rho}", "a number in [0, 1]")
        check_at_least_zero("Adadelta", "epsilon", eps)
        check_at_least_zero("Adadelta", "weight_decay", weight_decay)
        refuse_differentiable("Adadelta", differentiable)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"square_avg": pygrad.zeros_like(p), "acc_delta": pygrad.zeros_like(p)}

    def _update(
        self, p: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any], t: float
    ) -> None:
        rho, eps = group["rho"], group["eps"]
        square_avg, acc_delta = as_real(state["square_avg"]), as_real(state["acc_delta"])
        square_avg.mul_(rho).addcmul_(grad, grad, value=1.0 - rho)
        delta = (acc_delta + eps).sqrt_().div_((square_avg + eps).sqrt_()).mul_(grad)
        acc_delta.mul_(rho).addcmul_(delta, delta, value=1.0 - rho)
        p.sub_(delta, alpha=float(group["lr"]))
