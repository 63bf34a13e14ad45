"""Loss scaling for half-precision gradients."""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad._C import Tensor


class GradScaler:
    """Scale the loss so that small gradients survive half precision; skip steps that overflow.

    ``scale(loss).backward(); step(optimizer); update()``: `step` divides the gradients by the scale
    and steps unless one is infinite or NaN; `update` halves the scale after such a step and doubles
    it after `growth_interval` good ones.

    Args:
        device: accepted; the gradients' own device is used.
        init_scale: first scale.
        growth_factor: above 1.
        backoff_factor: between 0 and 1.
        growth_interval: good steps before growing.
        enabled: when False, everything passes through unchanged.

    Raises:
        ValueError: for factors outside their range.

    Example:
        >>> import pygrad
        >>> scaler = pygrad.amp.GradScaler(init_scale=8.0)
        >>> scaler.scale(pygrad.tensor(2.0))
        tensor(16.)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if growth_factor <= 1.0 or not 0.0 < backoff_factor < 1.0:
            raise ValueError(
                f"GradScaler(): got growth_factor={growth_factor}, backoff_factor="
                f"{backoff_factor}; expected the first above 1 and the second between 0 and 1"
            )
        self._enabled = enabled
        self._scale = float(init_scale)
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._good_steps = 0
        # id(optimizer) -> [found a bad gradient, stepped]; since the last update
        self._seen: dict[int, list[bool]] = {}

    def scale(self, outputs: Any) -> Any:
        """Multiply a loss, or each of several, by the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, _C.Tensor):
            return outputs * self._scale
        return type(outputs)(self.scale(o) for o in outputs)

    def unscale_(self, optimizer: Any) -> None:
        """Divide the optimizer's gradients by the scale, once for each step.

        Raises:
            RuntimeError: when called twice, or after `step`, before `update`.
        """
        if not self._enabled:
            return
        if id(optimizer) in self._seen:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        bad = False
        previous = _C.is_grad_enabled()
        _C.set_grad_enabled(False)
        try:
            for group in optimizer.param_groups:
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    if p.grad.dtype == _C.float16:
                        raise ValueError("Attempting to unscale FP16 gradients.")
                    p.grad.mul_(1.0 / self._scale)
                    bad = bad or not bool(_C.ops.isfinite(p.grad).all().item())
        finally:
            _C.set_grad_enabled(previous)
        self._seen[id(optimizer)] = [bad, False]

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Unscale if that is still to be done, and step unless a gradient is infinite or NaN.

        Returns:
            What ``optimizer.step`` returned, or None for a skipped step.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        if id(optimizer) not in self._seen:
            self.unscale_(optimizer)
        state = self._seen[id(optimizer)]
        if state[1]:
            raise RuntimeError("step() has already been called since the last update().")
        state[1] = True
        return None if state[0] else optimizer.step(*args, **kwargs)

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Adapt the scale to what the steps since the last update found, or set it."""
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not self._seen:
            raise RuntimeError("No inf checks were recorded prior to update.")
        elif any(bad for bad, _ in self._seen.values()):
            self._scale *= self._backoff_factor
            self._good_steps = 0
        else:
            self._good_steps += 1
            if self._good_steps == self._growth_interval:
                self._scale *= self._growth_factor
                self._good_steps = 0
        self._seen.clear()

    def get_scale(self) -> float:
        """Return the scale; 1 when disabled."""
        return self._scale if self._enabled else 1.0

    def is_enabled(self) -> bool:
        """Return whether the scaler does anything."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """Return the state to save; empty when disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale,
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._good_steps,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a saved state.

        Raises:
            RuntimeError: for the empty state of a disabled scaler.
        """
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "GradScaler.load_state_dict(): the state is empty; it was saved by a disabled "
                "scaler"
            )
        self._scale = float(state_dict["scale"])
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._good_steps = state_dict["_growth_tracker"]
