"""Resilient backpropagation (Riedmiller and Braun, 1993)."""

from __future__ import annotations

import pygrad
from pygrad.optim.composed import ComposedOptimizer, as_real
from pygrad.optim.optimizer import check, check_lr, refuse_differentiable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad import Tensor
    from pygrad.optim.optimizer import ParamsT

__all__ = ["Rprop"]


class Rprop(ComposedOptimizer):
    r"""Rprop: each element has a step size of its own and only the gradient's sign counts.

    The size grows by `etas[1]` while the sign stays and shrinks by `etas[0]` when it turns, where
    the element also rests for one step.

    Args:
        params: parameters, named parameters or groups.
        lr: the first step size.
        etas: factors for a turned and for a kept sign.
        step_sizes: the smallest and largest step size.
        maximize: go up instead of down.
        foreach, capturable: accepted for compatibility.

    Raises:
        ValueError: a hyper-parameter outside its range.

    Example:
        >>> import pygrad
        >>> w = pygrad.nn.Parameter(pygrad.zeros(1))
        >>> optimizer = pygrad.optim.Rprop([w], lr=0.5)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> w.item()
        -0.5
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr("Rprop", lr)
        check(
            0.0 < etas[0] < 1.0 < etas[1],
            "Rprop",
            f"Invalid eta values: {etas[0]}, {etas[1]}",
            "0 < etas[0] < 1 < etas[1]",
        )
        refuse_differentiable("Rprop", differentiable)
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        lr = float(group["lr"])
        size = complex(lr, lr) if p.is_complex() else lr
        return {"prev": pygrad.zeros_like(p), "step_size": pygrad.full_like(p, size)}

    def _update(
        self, p: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any], t: float
    ) -> None:
        shrink, grow = group["etas"]
        smallest, largest = group["step_sizes"]
        previous, size = as_real(state["prev"]), as_real(state["step_size"])
        turn = grad * previous
        size.copy_(
            pygrad.where(turn > 0, size * grow, pygrad.where(turn < 0, size * shrink, size)).clamp_(
                smallest, largest
            )
        )
        grad = pygrad.where(turn < 0, pygrad.zeros_like(grad), grad)
        p.addcmul_(grad.sign(), size, value=-1.0)
        previous.copy_(grad)
