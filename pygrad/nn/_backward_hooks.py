"""Module backward hooks: two identity functions on the tape, one on each side of the forward.

The gate after the outputs sees the gradient that enters the module, runs the pre-hooks and keeps
it; the gate before the inputs sees the gradient that leaves it and runs the hooks with both. When
no input requires a gradient there is no second gate, and the hooks run at the first one, with
``None`` for each input.
"""

from __future__ import annotations

from pygrad._C import Tensor, is_grad_enabled
from pygrad.autograd.function import Function
from pygrad.nn._hooks import GLOBAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad.nn._hooks import ModuleHooks
    from pygrad.nn.module import Module


class _OutputGate(Function):
    @staticmethod
    def forward(ctx: Any, hooks: BackwardHooks, *tensors: Tensor) -> Any:
        ctx.set_materialize_grads(False)
        ctx.hooks = hooks
        views = tuple(t.view_as(t) for t in tensors)
        return views if len(views) > 1 else views[0]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        return (None, *ctx.hooks.on_grad_outputs(grads))


class _InputGate(Function):
    @staticmethod
    def forward(ctx: Any, hooks: BackwardHooks, *tensors: Tensor) -> Any:
        ctx.set_materialize_grads(False)
        ctx.hooks = hooks
        views = tuple(t.view_as(t) for t in tensors)
        return views if len(views) > 1 else views[0]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        return (None, *ctx.hooks.on_grad_inputs(grads))


class BackwardHooks:
    """The backward hooks of one call of one module."""

    def __init__(self, module: Module, own: ModuleHooks) -> None:
        self.module = module
        self.pre = [*GLOBAL.backward_pre.values(), *own.backward_pre.values()]
        self.full = [*GLOBAL.backward.values(), *own.backward.values()]
        self.input_places: list[int] = []
        self.input_count = 0
        self.output_places: list[int] = []
        self.output_count = 0
        self.grad_outputs: tuple[Tensor | None, ...] = ()

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Pass the positional tensors that require a gradient through the input gate."""
        self.input_count = len(args)
        if not self.full:
            return args
        args, self.input_places = self._pass(_InputGate, args)
        return args

    def watch_outputs(self, result: Any) -> Any:
        """Pass the output tensors that require a gradient through the output gate."""
        if isinstance(result, Tensor):
            self.output_count = 1
            outputs, self.output_places = self._pass(_OutputGate, (result,))
            return outputs[0]
        if isinstance(result, (tuple, list)):
            self.output_count = len(result)
            outputs, self.output_places = self._pass(_OutputGate, tuple(result))
            if hasattr(result, "_fields"):  # a named tuple
                return type(result)(*outputs)
            return type(result)(outputs)
        import warnings

        warnings.warn(
            f"backward hooks of {type(self.module).__name__} do not run: its forward returned"
            f" {type(result).__name__}; expected a Tensor or a tuple of Tensors",
            stacklevel=3,
        )
        return result

    def _pass(
        self, gate: type[Function], items: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], list[int]]:
        if not is_grad_enabled():
            return items, []
        places = [
            i for i, item in enumerate(items) if isinstance(item, Tensor) and item.requires_grad
        ]
        if not places:
            return items, []
        passed = gate.apply(self, *[items[i] for i in places])
        if isinstance(passed, Tensor):
            passed = (passed,)
        mixed = list(items)
        for place, tensor in zip(places, passed, strict=False):
            mixed[place] = tensor
        return tuple(mixed), places

    def on_grad_outputs(self, grads: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        """Run the pre-hooks; returns the gradients that go on into the module's graph."""
        full = _spread(grads, self.output_places, self.output_count)
        for hook in self.pre:
            full = _changed(hook(self.module, full), full, "full backward pre-hook")
        self.grad_outputs = full
        if self.full and not self.input_places:
            nothing = (None,) * self.input_count
            for hook in self.full:
                if hook(self.module, nothing, full) is not None:
                    raise RuntimeError(
                        "full backward hook returned a gradient for a module whose inputs require"
                        " none; expected None"
                    )
        return tuple(full[i] for i in self.output_places)

    def on_grad_inputs(self, grads: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        """Run the hooks with the gradients on both sides; returns those handed to the inputs."""
        full = _spread(grads, self.input_places, self.input_count)
        grad_outputs = self.grad_outputs
        for hook in self.full:
            full = _changed(hook(self.module, full, grad_outputs), full, "full backward hook")
        return tuple(full[i] for i in self.input_places)


def _spread(
    grads: tuple[Tensor | None, ...], places: list[int], count: int
) -> tuple[Tensor | None, ...]:
    full: list[Tensor | None] = [None] * count
    for place, grad in zip(places, grads, strict=False):
        full[place] = grad
    return tuple(full)


def _changed(result: Any, current: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    if result is None:
        return current
    if not isinstance(result, (tuple, list)):
        result = (result,)
    if len(result) != len(current):
        raise RuntimeError(f"{what} returned {len(result)} gradients; expected {len(current)}")
    return tuple(result)
