"""Trades time for memory: parts of a network that are computed again in backward.

Inside `checkpoint` nothing is kept for backward but the inputs; when the gradient arrives, the part
runs once more, with the same random numbers, and is differentiated then.
"""

from __future__ import annotations

import pygrad
from pygrad.autograd.function import Function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from pygrad._C import Tensor

__all__ = ["checkpoint", "checkpoint_sequential"]


def _tensors(value: Any) -> list[Tensor]:
    """The tensors of a result: one, or those in a tuple or list."""
    if isinstance(value, pygrad.Tensor):
        return [value]
    if isinstance(value, (tuple, list)):
        return [item for item in value if isinstance(item, pygrad.Tensor)]
    return []


def _leaves(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The leaf tensors that the graph of `tensors` leads to, each once."""
    found: dict[int, Tensor] = {}
    stack: list[Any] = [t.grad_fn for t in tensors if t.grad_fn is not None]
    seen: set[Any] = set(stack)
    while stack:
        node = stack.pop()
        variable = getattr(node, "variable", None)
        if variable is not None:
            found[id(variable)] = variable
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                stack.append(following)
    return list(found.values())


class _Part:
    """One checkpointed call: what is needed to run it again."""

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], rng: bool
    ) -> None:
        self.function = function
        # Tensors are kept by the tape, where their version is checked; here only their places.
        self.places = [i for i, arg in enumerate(args) if isinstance(arg, pygrad.Tensor)]
        self.args = [None if i in self.places else arg for i, arg in enumerate(args)]
        self.kwargs = kwargs
        self.state = pygrad.get_rng_state() if rng else None
        self.result: Any = None
        self.outputs: list[Tensor] = []
        self.shapes: list[tuple[int, ...]] = []

    def run(self, tensors: Sequence[Tensor]) -> Any:
        args = list(self.args)
        for place, tensor in zip(self.places, tensors, strict=True):
            args[place] = tensor
        with pygrad.enable_grad():
            return self.function(*args, **self.kwargs)

    def run_again(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The outputs once more, from the random numbers of the first time."""
        if self.state is None:
            outputs = _tensors(self.run(tensors))
        else:
            with pygrad.random.fork_rng():
                pygrad.set_rng_state(self.state)
                outputs = _tensors(self.run(tensors))
        shapes = [tuple(t.shape) for t in outputs]
        if shapes != self.shapes:
            raise RuntimeError(
                f"checkpoint(): the function returned tensors of shapes {shapes} when it was run "
                f"again; expected {self.shapes}, as the first time"
            )
        return outputs


class _Checkpoint(Function):
    """Forwards what the first run gave; backward runs the part again and differentiates it."""

    @staticmethod
    def forward(ctx: Any, part: _Part, *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.part = part
        ctx.save_for_backward(*inputs)
        ctx.set_materialize_grads(False)
        outputs = tuple(t.detach() for t in part.outputs)
        ctx.mark_non_differentiable(
            *(o for o, t in zip(outputs, part.outputs, strict=True) if not t.requires_grad)
        )
        part.outputs = []  # and with them the graph of the first run
        return outputs

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        part: _Part = ctx.part
        inputs = ctx.saved_tensors
        count = len(part.places)
        args, leaves = list(inputs[:count]), inputs[count:]
        twice = pygrad.is_grad_enabled()
        if not twice:
            # Cut from their history: a leaf that also led to an argument would count twice.
            args = [t.detach().requires_grad_(t.requires_grad) for t in args]
        elif {id(t) for t in _leaves([t for t in args if t.grad_fn is not None])} & set(
            map(id, leaves)
        ):
            raise RuntimeError(
                "checkpoint(): cannot be differentiated with create_graph=True, as a parameter is "
                "used both inside the function and for its arguments; call it without checkpoint()"
            )
        outputs = part.run_again(args)
        wanted = [t for t in (*args, *leaves) if t.requires_grad]
        pairs = [
            (o, g) for o, g in zip(outputs, grads, strict=True) if g is not None and o.requires_grad
        ]
        found: Any = iter(())
        if pairs and wanted:
            found = iter(
                pygrad.autograd.grad(
                    [o for o, _ in pairs],
                    wanted,
                    [g for _, g in pairs],
                    # Tensors that the function captured keep their graph for the outer backward.
                    retain_graph=True,
                    create_graph=twice,
                    allow_unused=True,
                )
            )
        return None, *(next(found, None) if t.requires_grad else None for t in (*args, *leaves))


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Computes ``function(*args, **kwargs)`` and keeps only its inputs; backward computes it again.

    Args:
        function: returns a tensor, or a tuple or list with tensors. It must compute the same when
            called again with the same arguments.
        args: tensors and other values. Gradients flow to these tensors, and to the parameters and
            other tensors that the function uses of itself.
        use_reentrant: accepted; there is one way, which covers what both of PyTorch's do.
        preserve_rng_state: whether the second run draws the random numbers of the first, so that
            dropout drops the same elements.

    Returns:
        What the function returned.

    Raises:
        RuntimeError: in backward: the second run returned other shapes.

    Example:
        >>> import pygrad
        >>> from pygrad.utils.checkpoint import checkpoint
        >>> x = pygrad.ones(2, requires_grad=True)
        >>> checkpoint(lambda x: (x * x).exp(), x, use_reentrant=False).sum().backward()
        >>> x.grad
        tensor([5.4366, 5.4366])
    """
    if not callable(function):
        raise TypeError(
            f"checkpoint(): function must be callable, but got {type(function).__name__}"
        )
    if not pygrad.is_grad_enabled():
        return function(*args, **kwargs)
    part = _Part(function, args, kwargs, preserve_rng_state)
    given = [arg for arg in args if isinstance(arg, pygrad.Tensor)]
    # The first run is recorded once, to learn which leaves it uses, and its graph dropped at once.
    boundary = [t.detach().requires_grad_(t.requires_grad) for t in given]
    result = part.run(boundary)
    part.outputs = _tensors(result)
    part.shapes = [tuple(t.shape) for t in part.outputs]
    own = set(map(id, boundary))
    leaves = [t for t in _leaves(part.outputs) if id(t) not in own]
    if not any(t.requires_grad for t in part.outputs):
        return result
    structure = None if isinstance(result, pygrad.Tensor) else list(result)
    kind = type(result)
    del result, boundary
    outputs = iter(_Checkpoint.apply(part, *given, *leaves))
    if structure is None:
        return next(outputs)
    return kind(next(outputs) if isinstance(v, pygrad.Tensor) else v for v in structure)


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Tensor,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
) -> Any:
    """Runs a sequence of modules in `segments` parts, each checkpointed but the last.

    Args:
        functions: an `nn.Sequential`, or a list of modules or functions.
        segments: how many parts of about equal length.
        input: goes into the first function.
        use_reentrant: accepted; see `checkpoint`.
        preserve_rng_state: see `checkpoint`.

    Raises:
        ValueError: `segments` is not from 1 to the number of functions.

    Example:
        >>> import pygrad
        >>> from pygrad.utils.checkpoint import checkpoint_sequential
        >>> net = pygrad.nn.Sequential(*(pygrad.nn.Linear(2, 2) for _ in range(4)))
        >>> checkpoint_sequential(net, 2, pygrad.ones(3, 2)).shape
        torch.Size([3, 2])
    """
    chain = list(functions)
    if not 1 <= segments <= len(chain):
        raise ValueError(
            f"checkpoint_sequential(): {segments} segments of {len(chain)} functions; expected "
            f"1..{len(chain)}"
        )

    def run(part: list[Any]) -> Callable[[Any], Any]:
        def through(value: Any) -> Any:
            for function in part:
                value = function(value)
            return value

        return through

    size = len(chain) // segments
    value: Any = input
    for first in range(0, size * (segments - 1), size):
        value = checkpoint(
            run(chain[first : first + size]), value, preserve_rng_state=preserve_rng_state
        )
    return run(chain[size * (segments - 1) :])(value)
