"""The base of optimizers written with tensor ops, one parameter at a time."""

from __future__ import annotations

import pygrad
from pygrad import _C
from pygrad.optim.optimizer import Optimizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad import Tensor
    from pygrad.optim.optimizer import Closure

__all__ = ["ComposedOptimizer"]


def as_real(tensor: Tensor) -> Tensor:
    """A complex tensor as a view of its real and imaginary parts; others unchanged."""
    return pygrad.view_as_real(tensor) if tensor.is_complex() else tensor


class ComposedOptimizer(Optimizer):
    """Calls `_start` once and `_update` at each step for every parameter with a gradient.

    Complex parameters are updated as pairs of real numbers.
    """

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """The state of a parameter before its first step, without `step`."""
        raise NotImplementedError(f"{type(self).__name__} does not define _start()")

    def _update(
        self, p: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any], t: float
    ) -> None:
        """Change `p` and its state in place; `t` counts steps from 1."""
        raise NotImplementedError(f"{type(self).__name__} does not define _update()")

    def step(self, closure: Closure | None = None) -> Any:
        """Update all parameters that have a gradient.

        Args:
            closure: recomputes the loss and its gradients.

        Returns:
            What the closure returned, else None.
        """
        loss = None if closure is None else self._evaluate(closure)
        recording = _C.is_grad_enabled()
        _C.set_grad_enabled(False)
        try:
            for index, group in enumerate(self.param_groups):
                params, grads, states = self._gather(group)
                if not params:
                    continue
                for p, state in zip(params, states, strict=False):
                    if not state:
                        state["step"] = 0.0
                        state.update(self._start(p, group))
                counts = self._counts(index, states)
                for p, grad, state, count in zip(
                    params, grads, states, counts.tolist(), strict=False
                ):
                    if group["maximize"]:
                        grad = -grad
                    grad = as_real(grad)
                    decay = group.get("weight_decay", 0)
                    if decay != 0:
                        if group.get("decoupled_weight_decay", False):
                            as_real(p).mul_(1.0 - float(group["lr"]) * decay)
                        else:
                            grad = grad.add(as_real(p), alpha=decay)
                    self._update(as_real(p), grad, state, group, count + 1.0)
                counts.add_(1.0)
        finally:
            _C.set_grad_enabled(recording)
        return loss
