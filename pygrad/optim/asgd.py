"""Averaged stochastic gradient descent (Polyak and Juditsky, 1992)."""

from __future__ import annotations

import pygrad
from pygrad.optim.composed import ComposedOptimizer, as_real
from pygrad.optim.optimizer import check_at_least_zero, check_lr, refuse_differentiable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad import Tensor
    from pygrad.optim.optimizer import ParamsT

__all__ = ["ASGD"]


class ASGD(ComposedOptimizer):
    r"""Gradient descent that also keeps the average of the parameters, in `state[p]["ax"]`.

    `p = p * (1 - lambd * eta) - eta * g`, `ax += mu * (p - ax)`, and for the next step
    `eta = lr / (1 + lambd * lr * t)**alpha`, `mu = 1 / max(1, t - t0)`.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate.
        lambd: decay of the parameters.
        alpha: power of the learning rate's decay.
        t0: the step at which averaging starts.
        weight_decay: L2 penalty.
        maximize: go up instead of down.
        foreach, capturable: accepted for compatibility.

    Raises:
        ValueError: a hyper-parameter outside its range.

    Example:
        >>> import pygrad
        >>> w = pygrad.nn.Parameter(pygrad.zeros(1))
        >>> optimizer = pygrad.optim.ASGD([w], lr=0.5)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> w.item()
        -0.5
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr("ASGD", lr)
        check_at_least_zero("ASGD", "weight_decay", weight_decay)
        refuse_differentiable("ASGD", differentiable)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "eta": pygrad.tensor(float(group["lr"]), dtype=pygrad.float32),
            "mu": pygrad.tensor(1.0, dtype=pygrad.float32),
            "ax": pygrad.zeros_like(p),
        }

    def _update(
        self, p: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any], t: float
    ) -> None:
        lambd, lr = group["lambd"], float(group["lr"])
        eta, mu = float(state["eta"]), float(state["mu"])
        average = as_real(state["ax"])
        p.mul_(1.0 - lambd * eta).sub_(grad, alpha=eta)
        if mu == 1.0:
            average.copy_(p)
        else:
            average.add_(p - average, alpha=mu)
        state["eta"] = pygrad.tensor(
            lr / (1.0 + lambd * lr * t) ** group["alpha"], dtype=pygrad.float32
        )
        state["mu"] = pygrad.tensor(1.0 / max(1.0, t - group["t0"]), dtype=pygrad.float32)
