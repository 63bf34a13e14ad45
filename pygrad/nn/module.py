"""Module: the base class of every layer and network."""

from __future__ import annotations

from pygrad._C import ModuleBase, Tensor, set_module_helpers
from pygrad.nn._error_path import add_module_path
from pygrad.nn._hooks import GLOBAL_IDS, ModuleHooks, RemovableHandle, add_hook, call_with_hooks
from pygrad.nn._module_tree import TreeMixin
from pygrad.nn._state import StateMixin, _IncompatibleKeys
from pygrad.nn.parameter import Buffer, Parameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T", bound="Module")


set_module_helpers(GLOBAL_IDS, call_with_hooks, add_module_path)


class Module(TreeMixin, StateMixin, ModuleBase):
    """Base class of all neural network modules.

    Assign :class:`Parameter` and :class:`Module` objects to attributes in ``__init__`` and write
    :meth:`forward`; the rest (finding parameters, moving, saving, printing) follows from that.

    Example:
        >>> import pygrad
        >>> from pygrad import nn
        >>> class Net(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.fc = nn.Linear(4, 2)
        ...     def forward(self, x):
        ...         return self.fc(x).relu()
        >>> Net()(pygrad.ones(3, 4)).shape
        torch.Size([3, 2])
    """

    dump_patches: bool = False
    call_super_init: bool = False
    training: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if (args or kwargs) and not self.call_super_init:
            what = (
                f"an unexpected keyword argument '{next(iter(kwargs))}'"
                if kwargs
                else f"{len(args)} positional arguments; expected none"
            )
            raise TypeError(f"{type(self).__name__}.__init__() got {what}")
        own = self.__dict__
        own["training"] = True
        own["_parameters"] = {}
        own["_buffers"] = {}
        own["_non_persistent_buffers_set"] = set()
        own["_modules"] = {}
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every subclass defines it."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def _describe(self) -> str:
        """A short name with the main sizes, for error messages: ``Linear 784->128``."""
        extra = self.extra_repr()
        name = self._get_name()
        return f"{name}({extra})" if extra and len(extra) <= 60 and "\n" not in extra else name

    # ---------------------------------------------------------------- attributes

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if isinstance(value, Parameter):
            if "_parameters" not in own:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, keep="_parameters")
            self.register_parameter(name, value)
            return
        if isinstance(value, Module):
            if "_modules" not in own:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, keep="_modules")
            own["_modules"][name] = value
            return
        if isinstance(value, Buffer):
            if "_buffers" not in own:
                raise AttributeError("cannot assign buffer before Module.__init__() call")
            self._forget(name, keep="_buffers")
            self.register_buffer(name, value, value.persistent)
            return
        for table, what, wanted in (
            ("_parameters", "parameter", "Parameter or None"),
            ("_modules", "child module", "Module or None"),
            ("_buffers", "buffer", "Tensor or None"),
        ):
            entries = own.get(table)
            if entries is not None and name in entries:
                if value is None or (table == "_buffers" and isinstance(value, Tensor)):
                    entries[name] = value
                    return
                raise TypeError(
                    f"cannot assign '{type(value).__name__}' as {what} '{name}' ({wanted} expected)"
                )
        object.__setattr__(self, name, value)

    def _forget(self, name: str, keep: str) -> None:
        """Drop ``name`` from every place but the table it is about to enter."""
        own = self.__dict__
        own.pop(name, None)
        for table in ("_parameters", "_buffers", "_modules"):
            if table != keep:
                own[table].pop(name, None)
        if keep != "_buffers":
            own["_non_persistent_buffers_set"].discard(name)

    def __delattr__(self, name: str) -> None:
        own = self.__dict__
        for table in ("_parameters", "_buffers", "_modules"):
            if name in own.get(table, ()):
                del own[table][name]
                own["_non_persistent_buffers_set"].discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = {*dir(type(self)), *self.__dict__}
        names.update(self._parameters, self._modules, self._buffers)
        return sorted(name for name in names if not name[:1].isdigit())

    def __setstate__(self, state: dict[str, Any]) -> None:
        own = self.__dict__
        own.update(state)
        own.setdefault("_non_persistent_buffers_set", set())

    # ---------------------------------------------------------------- registration

    def _check_name(self, name: str, what: str, table: str) -> None:
        own = self.__dict__
        if "_parameters" not in own:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if name not in own[table] and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, or with ``None`` a name that has none.

        Raises:
            KeyError: if the name is taken, empty or holds a dot.
            TypeError: if ``param`` is not a :class:`Parameter`.
        """
        self._check_name(name, "parameter", "_parameters")
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{type(param).__name__}' object to parameter '{name}'"
                    " (Parameter or None required)"
                )
            if param.grad_fn is not None:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be"
                    " created explicitly; compute the value in the forward() method instead"
                )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is state but not trained; ``persistent`` ones enter the state_dict."""
        self._check_name(name, "buffer", "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}'"
                " (Tensor or None required)"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child module under ``name``."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name(name, "module", "_modules")
        self._modules[name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """Another name of :meth:`add_module`."""
        self.add_module(name, module)

    # ---------------------------------------------------------------- hooks

    def _hook_tables(self) -> ModuleHooks:
        hooks = self._hooks
        if hooks is None:
            hooks = self.__dict__["_hooks"] = ModuleHooks()
        return hooks

    @property
    def _forward_pre_hooks(self) -> dict[int, Callable[..., Any]]:
        return self._hook_tables().forward_pre

    @property
    def _forward_hooks(self) -> dict[int, Callable[..., Any]]:
        return self._hook_tables().forward

    @property
    def _backward_hooks(self) -> dict[int, Callable[..., Any]]:
        return self._hook_tables().backward

    @property
    def _backward_pre_hooks(self) -> dict[int, Callable[..., Any]]:
        return self._hook_tables().backward_pre

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Register ``hook(module, args)`` to run before :meth:`forward`.

        What it returns, if not None, replaces the arguments. With ``with_kwargs`` it is called as
        ``hook(module, args, kwargs)`` and returns None or ``(args, kwargs)``.
        """
        tables = self._hook_tables()
        flags = [tables.with_kwargs] if with_kwargs else []
        return add_hook(tables.forward_pre, hook, *flags, prepend=prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Register ``hook(module, args, output)`` to run after :meth:`forward`.

        What it returns, if not None, replaces the output. With ``with_kwargs`` it is called as
        ``hook(module, args, kwargs, output)``; with ``always_call`` also when the forward raises.
        """
        tables = self._hook_tables()
        flags = [tables.with_kwargs] if with_kwargs else []
        if always_call:
            flags.append(tables.always_call)
        return add_hook(tables.forward, hook, *flags, prepend=prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Register ``hook(module, grad_output)``; what it returns replaces ``grad_output``."""
        return add_hook(self._hook_tables().backward_pre, hook, prepend=prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Register ``hook(module, grad_input, grad_output)``; what it returns replaces grad_input.

        Both are tuples with one entry per positional argument or output: ``None`` where there is
        no gradient.
        """
        return add_hook(self._hook_tables().backward, hook, prepend=prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """The older name of :meth:`register_full_backward_hook`."""
        return self.register_full_backward_hook(hook)

    # ---------------------------------------------------------------- printing

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What to print between the parentheses; override in layers."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        if not self._modules:
            body = lines[0] if len(lines) == 1 else indented(lines)
        else:
            children = [
                f"({name}): " + indent_rest(repr(module)) for name, module in self._modules.items()
            ]
            body = indented(lines + children)
        return f"{self._get_name()}({body})"


def indent_rest(text: str, spaces: int = 2) -> str:
    """Indent every line of ``text`` but the first."""
    return text.replace("\n", "\n" + " " * spaces)


def indented(lines: list[str]) -> str:
    """``lines`` on lines of their own, two spaces in; nothing for an empty list."""
    return "\n  " + "\n  ".join(lines) + "\n" if lines else ""


__all__ = ["Module", "_IncompatibleKeys"]
