"""Relatives of Adam: Adamax, NAdam and RAdam, composed of tensor ops."""

from __future__ import annotations

from math import sqrt

import pygrad
from pygrad.optim.composed import ComposedOptimizer, as_real
from pygrad.optim.optimizer import (
    check_at_least_zero,
    check_betas,
    check_lr,
    refuse_differentiable,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad import Tensor
    from pygrad.optim.optimizer import ParamsT

__all__ = ["Adamax", "NAdam", "RAdam"]


def _check_common(
    owner: str, lr: Any, betas: Any, eps: float, weight_decay: float, differentiable: bool
) -> None:
    check_lr(owner, lr)
    check_at_least_zero(owner, "epsilon", eps)
    check_betas(owner, betas)
    check_at_least_zero(owner, "weight_decay", weight_decay)
    refuse_differentiable(owner, differentiable)


class Adamax(ComposedOptimizer):
    r"""Adamax: Adam with the infinity norm (Kingma and Ba, 2015).

    `m = beta1 * m + (1 - beta1) * g`, `u = max(beta2 * u, |g| + eps)`,
    `p -= lr / (1 - beta1**t) * m / u`.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate.
        betas: decay of the mean and of the norm.
        eps: added to the gradient's magnitude.
        weight_decay: L2 penalty.
        maximize: go up instead of down.
        foreach, capturable: accepted for compatibility.

    Raises:
        ValueError: a hyper-parameter outside its range.

    Example:
        >>> import pygrad
        >>> w = pygrad.nn.Parameter(pygrad.zeros(1))
        >>> optimizer = pygrad.optim.Adamax([w], lr=0.5)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> round(w.item(), 4)
        -0.5
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        _check_common("Adamax", lr, betas, eps, weight_decay, differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"exp_avg": pygrad.zeros_like(p), "exp_inf": pygrad.zeros_like(p)}

    def _update(
        self, p: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any], t: float
    ) -> None:
        beta1, beta2 = group["betas"]
        exp_avg, exp_inf = as_real(state["exp_avg"]), as_real(state["exp_inf"])
        exp_avg.mul_(beta1).add_(grad, alpha=1.0 - beta1)
        exp_inf.copy_(pygrad.maximum(exp_inf * beta2, grad.abs() + group["eps"]))
        p.addcdiv_(exp_avg, exp_inf, value=-float(group["lr"]) / (1.0 - beta1**t))


class NAdam(ComposedOptimizer):
    r"""NAdam: Adam with Nesterov momentum (Dozat, 2016).

    With `mu_t = beta1 * (1 - 0.5 * 0.96**(t * momentum_decay))` and `M` the product of all `mu`
    so far, the step is `lr * ((1 - mu_t) / (1 - M_t) * g + mu_{t+1} / (1 - M_{t+1}) * m)` over
    `sqrt(v / (1 - beta2**t)) + eps`.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate.
        betas: decay of the two running averages.
        eps: added to the denominator.
        weight_decay: L2 penalty, or decoupled decay.
        momentum_decay: how fast the momentum warms up.
        decoupled_weight_decay: shrink the parameters directly, as AdamW does.
        maximize: go up instead of down.
        foreach, capturable: accepted for compatibility.

    Raises:
        ValueError: a hyper-parameter outside its range.

    Example:
        >>> import pygrad
        >>> w = pygrad.nn.Parameter(pygrad.zeros(1))
        >>> optimizer = pygrad.optim.NAdam([w], lr=0.5)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> bool(w < 0)
        True
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        _check_common("NAdam", lr, betas, eps, weight_decay, differentiable)
        check_at_least_zero("NAdam", "momentum_decay", momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "mu_product": pygrad.tensor(1.0, dtype=pygrad.float32),
            "exp_avg": pygrad.zeros_like(p),
            "exp_avg_sq": pygrad.zeros_like(p),
        }

    def _update(
        self, p: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any], t: float
    ) -> None:
        beta1, beta2 = group["betas"]
        lr = float(group["lr"])
        warmth = 0.96 ** group["momentum_decay"]
        mu = beta1 * (1.0 - 0.5 * warmth**t)
        mu_next = beta1 * (1.0 - 0.5 * warmth ** (t + 1.0))
        state["mu_product"].mul_(mu)
        product = float(state["mu_product"])
        exp_avg, exp_avg_sq = as_real(state["exp_avg"]), as_real(state["exp_avg_sq"])
        exp_avg.mul_(beta1).add_(grad, alpha=1.0 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1.0 - beta2)
        denominator = exp_avg_sq.div(1.0 - beta2**t).sqrt_().add_(group["eps"])
        p.addcdiv_(grad, denominator, value=-lr * (1.0 - mu) / (1.0 - product))
        p.addcdiv_(exp_avg, denominator, value=-lr * mu_next / (1.0 - product * mu_next))


class RAdam(ComposedOptimizer):
    r"""RAdam: Adam whose adaptive step waits until its variance is known (Liu et al., 2020).

    With `r_inf = 2 / (1 - beta2) - 1` and `r_t = r_inf - 2 t beta2**t / (1 - beta2**t)`, the step
    is plain momentum while `r_t <= 5`, then Adam's times
    `sqrt((r_t - 4)(r_t - 2) r_inf / ((r_inf - 4)(r_inf - 2) r_t))`.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate.
        betas: decay of the two running averages.
        eps: added to the denominator.
        weight_decay: L2 penalty, or decoupled decay.
        decoupled_weight_decay: shrink the parameters directly, as AdamW does.
        maximize: go up instead of down.
        foreach, capturable: accepted for compatibility.

    Raises:
        ValueError: a hyper-parameter outside its range.

    Example:
        >>> import pygrad
        >>> w = pygrad.nn.Parameter(pygrad.zeros(1))
        >>> optimizer = pygrad.optim.RAdam([w], lr=0.5)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> round(w.item(), 4)
        -0.5
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        _check_common("RAdam", lr, betas, eps, weight_decay, differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"exp_avg": pygrad.zeros_like(p), "exp_avg_sq": pygrad.zeros_like(p)}

    def _update(
        self, p: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any], t: float
    ) -> None:
        beta1, beta2 = group["betas"]
        exp_avg, exp_avg_sq = as_real(state["exp_avg"]), as_real(state["exp_avg_sq"])
        exp_avg.mul_(beta1).add_(grad, alpha=1.0 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1.0 - beta2)
        correction2 = 1.0 - beta2**t
        size = float(group["lr"]) / (1.0 - beta1**t)
        limit = 2.0 / (1.0 - beta2) - 1.0
        length = limit - 2.0 * t * beta2**t / correction2
        if length <= 5.0:
            p.sub_(exp_avg, alpha=size)
            return
        rectified = sqrt(
            (length - 4.0) * (length - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * length)
        )
        denominator = exp_avg_sq.sqrt().add_(group["eps"])
        p.addcdiv_(exp_avg, denominator, value=-size * rectified * sqrt(correction2))
