"""AdamW: Adam whose weight decay acts on the parameters, not on the gradient."""

from __future__ import annotations

from pygrad.optim.adam import Adam

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad import Tensor
    from pygrad.optim.optimizer import ParamsT

__all__ = ["AdamW"]


class AdamW(Adam):
    r"""Adam with decoupled weight decay (Loshchilov and Hutter, 2019).

    `p -= lr * weight_decay * p`, then Adam's step with the plain gradient.

    Args:
        params: parameters, named parameters or groups.
        lr: learning rate, a number or a one-element tensor.
        betas: decay of the two running averages.
        eps: added to the denominator.
        weight_decay: decay factor.
        amsgrad: divide by the largest second moment so far.
        maximize: go up instead of down.
        foreach, capturable, fused: accepted for compatibility; the step is always fused.

    Raises:
        ValueError: a hyper-parameter outside its range.

    Example:
        >>> import pygrad
        >>> w = pygrad.nn.Parameter(pygrad.ones(1))
        >>> optimizer = pygrad.optim.AdamW([w], lr=0.1, weight_decay=0.5)
        >>> (w * 0.0).sum().backward()
        >>> optimizer.step()
        >>> round(w.item(), 4)
        0.95
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        # Also for files of versions, or of Adam, that did not set it.
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
