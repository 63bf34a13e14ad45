"""Operations written in Python with their own backward: `Function`.

`Function.apply` runs the user's forward with recording off and then hands the native side one
node: its inputs, its outputs and one callable that turns output gradients into input gradients.
"""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar

    from pygrad._C import Tensor

    F = TypeVar("F", bound=Callable[..., Any])


class FunctionCtx:
    """What forward leaves for backward; users may put attributes of their own on it."""

    needs_input_grad: tuple[bool, ...]
    _dirty: tuple[Tensor, ...]
    _non_differentiable: tuple[Tensor, ...]
    _to_save: tuple[Tensor | None, ...]

    def __init__(self) -> None:
        self.needs_input_grad = ()
        self.materialize_grads = True
        self._dirty = ()
        self._non_differentiable = ()
        self._to_save = ()
        self._saved: list[Any] | None = None
        self._node: Any = None

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs or outputs for backward, checked there against later in-place changes.

        Args:
            tensors: tensors or None; read them back as ``ctx.saved_tensors``.

        Raises:
            TypeError: for anything else; plain values go on `ctx` as attributes.
        """
        for i, tensor in enumerate(tensors):
            if tensor is not None and not isinstance(tensor, _C.Tensor):
                raise TypeError(
                    f"save_for_backward(): argument {i} is {type(tensor).__name__}; save_for_"
                    "backward can only save tensors. Keep other values as attributes of ctx"
                )
        self._to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Accepted for scripts that call it; forward-mode differentiation does not exist here."""

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """The tensors given to `save_for_backward`.

        Raises:
            RuntimeError: when a tensor was changed in place meanwhile.
        """
        if self._saved is None:
            return self._to_save
        return tuple(None if s is None else s.unpack(self._node) for s in self._saved)

    @property
    def saved_variables(self) -> tuple[Tensor | None, ...]:
        """Former name of `saved_tensors`."""
        return self.saved_tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Declare the inputs that forward changed in place; they must also be returned."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Declare outputs that have no gradient, such as indices."""
        self._non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Choose whether backward sees zeros (True, at start) or None for unused outputs."""
        self.materialize_grads = value


def _freeze(ctx: FunctionCtx, outputs: tuple[Any, ...]) -> None:
    """Turn what forward saved into version-checked holders that form no reference cycle."""
    made_here = {id(out) for out in outputs}
    dirty = {id(t) for t in ctx._dirty}
    saved: list[Any] = []
    for tensor in ctx._to_save:
        if tensor is None:
            saved.append(None)
        else:
            is_output = id(tensor) in made_here or id(tensor) in dirty
            saved.append(_C.SavedTensor(tensor, is_output))
    ctx._saved = saved
    ctx._to_save = ()


def _normalize_grads(
    name: str, returned: Any, takes_grad: tuple[bool, ...], needs: tuple[bool, ...]
) -> tuple[Any, ...]:
    """Check what the user's backward returned and give one entry for each input of forward."""
    grads = returned if isinstance(returned, tuple) else (returned,)
    if len(grads) > len(takes_grad) and all(g is None for g in grads[len(takes_grad) :]):
        grads = grads[: len(takes_grad)]
    if len(grads) != len(takes_grad):
        raise RuntimeError(
            f"function {name}Backward returned an incorrect number of gradients "
            f"(expected {len(takes_grad)}, got {len(grads)}): one for each argument of forward, "
            "None where there is none"
        )
    for i, (grad, tensor) in enumerate(zip(grads, takes_grad, strict=True)):
        if grad is None:
            continue
        if not tensor:
            raise RuntimeError(
                f"function {name}Backward returned a gradient different than None at position "
                f"{i}, but the corresponding forward input was not a Tensor"
            )
        if not isinstance(grad, _C.Tensor):
            raise TypeError(
                f"function {name}Backward returned {type(grad).__name__} at position {i}; "
                "expected a Tensor or None"
            )
    return tuple(g if need else None for g, need in zip(grads, needs, strict=True))


class _FunctionMeta(type):
    """Gives every subclass its own ctx type, so that errors and reprs can say whose it is."""

    _ctx_type: type[FunctionCtx]

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        cls._ctx_type = type(name + "Backward", (FunctionCtx,), {})


class Function(metaclass=_FunctionMeta):
    """Base of operations with a gradient of their own.

    Write ``forward(ctx, *args)`` and ``backward(ctx, *grads)`` as static methods, or
    ``forward(*args)`` with ``setup_context(ctx, inputs, output)``; call ``apply``. Second
    derivatives work when backward itself is made of differentiable operations.

    Example:
        >>> import pygrad
        >>> class Cube(pygrad.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x * x * x
        ...     @staticmethod
        ...     def backward(ctx, g):
        ...         (x,) = ctx.saved_tensors
        ...         return g * 3 * x * x
        >>> x = pygrad.tensor(2.0, requires_grad=True)
        >>> Cube.apply(x).backward()
        >>> x.grad
        tensor(12.)
    """

    generate_vmap_rule = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(
            f"{type(self).__name__}: a Function is not instantiated; write forward and backward "
            "as static methods and call its .apply()"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result; the first argument is `ctx` unless `setup_context` is given."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Save what backward needs, when forward takes no `ctx`."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Return one gradient (or None) for each argument of forward."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom "
            "autograd.Function to use it with backward mode AD."
        )

    vjp = backward

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward and record one node that calls backward.

        Args:
            args: what forward takes; gradients flow to the tensors that stand here directly.

        Returns:
            What forward returned: a tensor, or a tuple of tensors and other values.
        """
        if kwargs:
            import inspect

            own = [] if cls.setup_context is not Function.setup_context else [None]
            bound = inspect.signature(cls.forward).bind(*own, *args, **kwargs)
            bound.apply_defaults()
            args = bound.args[len(own) :]
        tensors = _C.Tensor
        needs = tuple(isinstance(a, tensors) and a.requires_grad for a in args)
        recording = _C.is_grad_enabled() and any(needs)
        ctx = cls._ctx_type()
        ctx.needs_input_grad = needs
        grad_mode = _C.is_grad_enabled()
        _C.set_grad_enabled(False)
        try:
            if cls.setup_context is not Function.setup_context:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
            else:
                result = cls.forward(ctx, *args)
            single = not isinstance(result, (tuple, list))
            outputs: tuple[Any, ...] = (result,) if single else tuple(result)
            outputs = cls._separate(ctx, args, outputs)
        finally:
            _C.set_grad_enabled(grad_mode)
        if recording and any(isinstance(out, tensors) for out in outputs):
            outputs = cls._record(ctx, args, needs, outputs)
        else:
            ctx._to_save = ()
        if single:
            return outputs[0]
        return outputs if isinstance(result, tuple) else list(outputs)

    @classmethod
    def _separate(
        cls, ctx: FunctionCtx, args: tuple[Any, ...], outputs: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        """Check the outputs; an input returned unchanged becomes a tensor of its own."""
        arguments = {id(a) for a in args if isinstance(a, _C.Tensor)}
        dirty = {id(t) for t in ctx._dirty}
        for t in ctx._dirty:
            if id(t) not in arguments:
                raise RuntimeError(
                    f"{cls.__name__}: mark_dirty() was given a tensor that is not an input of "
                    "forward; expected inputs only"
                )
            if all(t is not out for out in outputs):
                raise RuntimeError(
                    f"{cls.__name__}: Some elements marked as dirty during the forward method "
                    "were not returned as output. The inputs that are modified inplace must all "
                    "be outputs of the Function."
                )
        separate = list(outputs)
        marked = {id(t) for t in ctx._non_differentiable}
        for i, out in enumerate(outputs):
            if not isinstance(out, _C.Tensor):
                if len(outputs) == 1 and out is not None:
                    raise TypeError(
                        f"{cls.__name__}.forward: expected to return a Tensor or a tuple of "
                        f"Tensors, but returned {type(out).__name__}"
                    )
            elif id(out) in arguments and id(out) not in dirty:
                separate[i] = out.view_as(out).detach()
                if id(out) in marked:
                    ctx._non_differentiable += (separate[i],)
        return tuple(separate)

    @classmethod
    def _record(
        cls,
        ctx: FunctionCtx,
        args: tuple[Any, ...],
        needs: tuple[bool, ...],
        outputs: tuple[Any, ...],
    ) -> tuple[Any, ...]:
        places = [i for i, out in enumerate(outputs) if isinstance(out, _C.Tensor)]
        tensors = tuple(outputs[i] for i in places)
        # Integers carry no gradient, marked or not.
        marked = {id(t) for t in ctx._non_differentiable}
        plain = tuple(
            t for t in tensors if id(t) in marked or not (t.is_floating_point() or t.is_complex())
        )
        layouts = [(tuple(t.shape), t.dtype, t.device) for t in tensors]
        # Only which arguments were tensors is kept: the tape decides what stays alive.
        takes_grad = tuple(isinstance(a, _C.Tensor) for a in args)
        _freeze(ctx, outputs)
        cls_backward = cls.backward if cls.backward is not Function.backward else cls.vjp
        total = len(outputs)

        def run_backward(grads: Sequence[Tensor | None], node: Any = None) -> tuple[Any, ...]:
            full: list[Any] = [None] * total
            for place, grad, (shape, dtype, device) in zip(places, grads, layouts, strict=True):
                if grad is None and ctx.materialize_grads:
                    grad = _C.ops.zeros(shape, dtype=dtype, device=device)
                full[place] = grad
            ctx._node = node
            try:
                returned = cls_backward(ctx, *full)
            finally:
                ctx._node = None
            return _normalize_grads(cls.__name__, returned, takes_grad, needs)

        name = cls.__name__ + "Backward"
        recorded = _C.record_function(name, args, tensors, run_backward, ctx._dirty, plain)
        ctx._dirty = ctx._non_differentiable = ()
        result = list(outputs)
        for place, tensor in zip(places, recorded, strict=True):
            result[place] = tensor
        return tuple(result)


class InplaceFunction(Function):
    """Function with an ``inplace`` flag; kept for scripts that subclass it."""


def once_differentiable(func: F) -> F:
    """Mark a backward that is not itself differentiable: a second derivative raises.

    Args:
        func: the backward, below ``@staticmethod``.
    """
    import functools

    @functools.wraps(func)
    def wrapper(ctx: Any, *grads: Any) -> Any:
        recording = _C.is_grad_enabled()
        _C.set_grad_enabled(False)
        try:
            returned = func(ctx, *grads)
        finally:
            _C.set_grad_enabled(recording)
        if not recording or not any(isinstance(g, _C.Tensor) and g.requires_grad for g in grads):
            return returned
        single = not isinstance(returned, tuple)
        results = (returned,) if single else returned
        blocked = tuple(
            _Once.apply(r.detach(), *grads) if isinstance(r, _C.Tensor) else r for r in results
        )
        return blocked[0] if single else blocked

    wrapped: F = wrapper  # type: ignore[assignment]
    return wrapped


class _Once(Function):
    """Identity that depends on the incoming gradients and refuses to be differentiated."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, *grads: Any) -> Tensor:
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )
