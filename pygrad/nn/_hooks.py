"""Hooks of modules: their tables, their handles, and the call that runs them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pygrad.nn.module import Module

    Hook = Callable[..., Any]


class RemovableHandle:
    """Returned by every ``register_*_hook``; :meth:`remove` takes the hook away again.

    Usable as a context manager, which removes the hook at the end of the block.
    """

    _next_id = 0

    def __init__(self, *tables: dict[int, Any]) -> None:
        self.id = RemovableHandle._next_id
        RemovableHandle._next_id += 1
        self._tables = tables

    def remove(self) -> None:
        """Remove the hook; a second call does nothing."""
        for table in self._tables:
            table.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


class ModuleHooks:
    """The hook tables of one module. Most modules never have one, so it is made on first use."""

    __slots__ = (
        "always_call",
        "backward",
        "backward_pre",
        "forward",
        "forward_pre",
        "load_post",
        "load_pre",
        "state_dict",
        "state_dict_pre",
        "with_kwargs",
    )  # fmt: skip

    def __init__(self) -> None:
        for name in ModuleHooks.__slots__:
            setattr(self, name, {})

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ModuleHooks.__slots__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name in ModuleHooks.__slots__:
            setattr(self, name, state.get(name, {}))

    if TYPE_CHECKING:
        forward_pre: dict[int, Hook]
        forward: dict[int, Hook]
        backward_pre: dict[int, Hook]
        backward: dict[int, Hook]
        with_kwargs: dict[int, bool]
        always_call: dict[int, bool]
        state_dict_pre: dict[int, Hook]
        state_dict: dict[int, Hook]
        load_pre: dict[int, Hook]
        load_post: dict[int, Hook]


# Hooks that run for every module, and the ids of all of them: empty means "none anywhere".
GLOBAL = ModuleHooks()
GLOBAL_IDS: dict[int, bool] = {}
_NONE = ModuleHooks()


def add_hook(
    table: dict[int, Hook], hook: Hook, *flags: dict[int, bool], prepend: bool = False
) -> RemovableHandle:
    """Enter ``hook`` in ``table`` and its id in each of ``flags``."""
    handle = RemovableHandle(table, *flags)
    if prepend:
        rest = dict(table)
        table.clear()
        table[handle.id] = hook
        table.update(rest)
    else:
        table[handle.id] = hook
    for flag in flags:
        flag[handle.id] = True
    return handle


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Register ``hook(module, args)`` to run before the forward of every module."""
    return add_hook(GLOBAL.forward_pre, hook, GLOBAL_IDS)


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Register ``hook(module, args, output)`` to run after the forward of every module."""
    flags = [GLOBAL_IDS]
    if with_kwargs:
        flags.append(GLOBAL.with_kwargs)
    if always_call:
        flags.append(GLOBAL.always_call)
    return add_hook(GLOBAL.forward, hook, *flags)


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Register ``hook(module, grad_output)`` for the backward of every module."""
    return add_hook(GLOBAL.backward_pre, hook, GLOBAL_IDS)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Register ``hook(module, grad_input, grad_output)`` for the backward of every module."""
    return add_hook(GLOBAL.backward, hook, GLOBAL_IDS)


def call_with_hooks(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``module.forward`` with all hooks around it: the slow way of ``Module.__call__``."""
    own = module._hooks or _NONE
    ran: set[int] = set()
    result = None
    try:
        for table, hooks in ((GLOBAL.forward_pre, GLOBAL), (own.forward_pre, own)):
            for key, hook in list(table.items()):
                args, kwargs = _run_pre_hook(module, hook, key in hooks.with_kwargs, args, kwargs)
        backward = None
        if own.backward or own.backward_pre or GLOBAL.backward or GLOBAL.backward_pre:
            from pygrad.nn._backward_hooks import BackwardHooks

            backward = BackwardHooks(module, own)
            args = backward.watch_inputs(args)
        result = module.forward(*args, **kwargs)
        for table, hooks in ((GLOBAL.forward, GLOBAL), (own.forward, own)):
            for key, hook in list(table.items()):
                ran.add(key)
                result = _run_hook(module, hook, key in hooks.with_kwargs, args, kwargs, result)
        if backward is not None:
            result = backward.watch_outputs(result)
        return result
    except Exception:
        _run_remaining(module, own, ran, args, kwargs, result)
        raise


def _run_pre_hook(
    module: Module, hook: Hook, with_kwargs: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if with_kwargs:
        changed = hook(module, args, kwargs)
        if changed is not None:
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(
                    f"forward pre-hook with kwargs returned {type(changed).__name__}; expected None"
                    " or a tuple (new_args, new_kwargs)"
                )
            args, kwargs = changed
    else:
        changed = hook(module, args)
        if changed is not None:
            args = changed if isinstance(changed, tuple) else (changed,)
    return args, kwargs


def _run_hook(
    module: Module, hook: Hook, with_kwargs: bool, args: Any, kwargs: Any, result: Any
) -> Any:
    changed = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
    return result if changed is None else changed


def _run_remaining(
    module: Module, own: ModuleHooks, ran: set[int], args: Any, kwargs: Any, result: Any
) -> None:
    """After an error, run the ``always_call`` hooks still to run; their own errors only warn."""
    for hooks in (GLOBAL, own):
        for key, hook in list(hooks.forward.items()):
            if key in ran or key not in hooks.always_call:
                continue
            try:
                result = _run_hook(module, hook, key in hooks.with_kwargs, args, kwargs, result)
            except Exception as error:
                import warnings

                warnings.warn(
                    "a forward hook with always_call=True raised while another error was under way:"
                    f" {error}",
                    stacklevel=2,
                )


__all__ = [
    "RemovableHandle",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
]
