"""Saving and loading a module's state: ``state_dict`` and ``load_state_dict``."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

from pygrad._C import Tensor
from pygrad.nn._hooks import ModuleHooks, RemovableHandle, add_hook
from pygrad.nn.parameter import Parameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from pygrad.nn.module import Module

_EXTRA_STATE_KEY = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class StateMixin:
    """The state-dict half of :class:`~pygrad.nn.Module`."""

    _version: int = 1
    _hooks: ModuleHooks | None = None
    if TYPE_CHECKING:
        _parameters: dict[str, Parameter | None]
        _buffers: dict[str, Tensor | None]
        _modules: dict[str, Module | None]
        _non_persistent_buffers_set: set[str]

        def _hook_tables(self) -> ModuleHooks: ...

    # ---------------------------------------------------------------- hooks

    def register_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Register ``hook(module, prefix, keep_vars)`` to run before the state is collected."""
        return add_hook(self._hook_tables().state_dict_pre, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Register ``hook(module, state_dict, prefix, local_metadata)``; it edits in place."""

        def checked(*args: Any) -> None:
            answer: object = hook(*args)  # type: ignore[func-returns-value]
            if answer is not None:
                raise RuntimeError("state_dict post-hook must return None; edit the dict in place")

        return add_hook(self._hook_tables().state_dict, checked)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        return add_hook(self._hook_tables().state_dict, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Register a hook to run before this module reads its entries.

        It is called as ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)`` and may edit ``state_dict`` in place.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., None], with_module: bool = False
    ) -> RemovableHandle:
        tables = self._hook_tables()
        # The flag that forward hooks use for keyword arguments says here: pass the module too.
        flags = (tables.with_kwargs,) if with_module else ()
        return add_hook(tables.load_pre, hook, *flags)

    def register_load_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Register ``hook(module, incompatible_keys)`` to run after this module has loaded."""
        return add_hook(self._hook_tables().load_post, hook)

    # ---------------------------------------------------------------- saving

    def get_extra_state(self) -> Any:
        """Return what else belongs to the ``state_dict``; override with :meth:`set_extra_state`."""
        raise RuntimeError(
            f"{type(self).__name__}.get_extra_state(): not defined; override it together with"
            " set_extra_state()"
        )

    def set_extra_state(self, state: Any) -> None:
        """Take back what :meth:`get_extra_state` returned."""
        raise RuntimeError(
            f"{type(self).__name__}.set_extra_state(): not defined, but the state_dict holds extra"
            " state for it; override it together with get_extra_state()"
        )

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        for name, param in self._parameters.items():
            if param is not None:
                destination[prefix + name] = param if keep_vars else param.detach()
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = buffer if keep_vars else buffer.detach()
        if type(self).get_extra_state is not StateMixin.get_extra_state:
            destination[prefix + _EXTRA_STATE_KEY] = self.get_extra_state()

    def state_dict(
        self,
        *args: Any,
        destination: dict[str, Any] | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> dict[str, Any]:
        """Return every parameter and persistent buffer by name, sharing memory with the module.

        Args:
            destination: the dict to fill; a new ``OrderedDict`` when missing.
            prefix: put before every name.
            keep_vars: whether to return the tensors themselves instead of detached ones.

        Example:
            >>> import pygrad
            >>> list(pygrad.nn.Linear(2, 1).state_dict())
            ['weight', 'bias']
        """
        if args:  # the old positional form: destination, prefix, keep_vars
            destination = args[0] if destination is None else destination
            prefix = args[1] if len(args) > 1 and prefix == "" else prefix
            keep_vars = args[2] if len(args) > 2 and keep_vars is False else keep_vars
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()  # type: ignore[attr-defined]
        local_metadata = {"version": self._version}
        metadata = getattr(destination, "_metadata", None)
        if metadata is not None:
            metadata[prefix[:-1]] = local_metadata
        hooks = self._hooks
        if hooks is not None:
            for hook in list(hooks.state_dict_pre.values()):
                hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(
                    destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
                )
        if hooks is not None:
            for hook in list(hooks.state_dict.values()):
                changed = hook(self, destination, prefix, local_metadata)
                if changed is not None:
                    destination = changed
        return destination

    # ---------------------------------------------------------------- loading

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Copy this module's own entries (not its children's) out of ``state_dict``."""
        from pygrad.autograd.grad_mode import no_grad

        if self._hooks is not None:
            rest = (local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
            for hook_id, hook in list(self._hooks.load_pre.items()):
                if hook_id in self._hooks.with_kwargs:
                    hook(self, state_dict, prefix, *rest)
                else:
                    hook(state_dict, prefix, *rest)
        assign = local_metadata.get("assign_to_params_buffers", False)
        own: dict[str, Any] = dict(self._parameters)
        skipped = self._non_persistent_buffers_set
        own.update({k: buffer for k, buffer in self._buffers.items() if k not in skipped})
        for name, mine in own.items():
            if mine is None:
                continue
            key = prefix + name
            if key not in state_dict:
                if strict:
                    missing_keys.append(key)
                continue
            value = state_dict[key]
            problem = _mismatch(key, mine, value)
            if problem:
                error_msgs.append(problem)
                continue
            if mine.dim() == 0 and value.dim() == 1:
                value = value[0]
            try:
                if assign:
                    self._assign_entry(name, mine, value)
                else:
                    with no_grad():
                        mine.copy_(value)
            except Exception as error:
                error_msgs.append(
                    f"{key}: cannot copy shape {tuple(value.shape)}, dtype {value.dtype}, into"
                    f" shape {tuple(mine.shape)}, dtype {mine.dtype}: {error}"
                )
        extra_key = prefix + _EXTRA_STATE_KEY
        if type(self).set_extra_state is not StateMixin.set_extra_state:
            if extra_key in state_dict:
                self.set_extra_state(state_dict[extra_key])
            elif strict:
                missing_keys.append(extra_key)
        elif strict and extra_key in state_dict:
            unexpected_keys.append(extra_key)
        if strict:
            self._find_unexpected(state_dict, prefix, own, unexpected_keys)

    def _assign_entry(self, name: str, mine: Tensor, value: Tensor) -> None:
        if isinstance(mine, Parameter):
            if not isinstance(value, Parameter):
                value = Parameter(value, mine.requires_grad)
            else:
                value.requires_grad_(mine.requires_grad)
        setattr(self, name, value)

    def _find_unexpected(
        self, state_dict: dict[str, Any], prefix: str, own: dict[str, Any], unexpected: list[str]
    ) -> None:
        extra_key = prefix + _EXTRA_STATE_KEY
        for key in state_dict:
            if key.startswith(prefix) and key != extra_key:
                head, dot, _ = key[len(prefix) :].partition(".")
                known = head in self._modules if dot else head in own
                if not known and key not in unexpected:
                    unexpected.append(key)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Copy parameters and buffers from ``state_dict`` into this module and its children.

        Args:
            state_dict: names to tensors, as :meth:`state_dict` returns them.
            strict: whether missing or unexpected names are an error.
            assign: whether to take over the given tensors instead of copying their values.

        Returns:
            A named tuple with ``missing_keys`` and ``unexpected_keys``.

        Raises:
            RuntimeError: lists every missing name, unexpected name and wrong shape at once.

        Example:
            >>> import pygrad
            >>> a, b = pygrad.nn.Linear(2, 1), pygrad.nn.Linear(2, 1)
            >>> a.load_state_dict(b.state_dict())
            <All keys matched successfully>
        """
        if not hasattr(state_dict, "items"):
            raise TypeError(
                f"Expected state_dict to be dict-like, got {type(state_dict)}."
                " Pass the dict itself, not a path or a module"
            )
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []
        metadata = getattr(state_dict, "_metadata", None)
        entries: dict[str, Any] = OrderedDict(state_dict)
        if metadata is not None:
            entries._metadata = metadata  # type: ignore[attr-defined]

        def load(module: StateMixin, entries: dict[str, Any], prefix: str) -> None:
            local = {} if metadata is None else dict(metadata.get(prefix[:-1], {}))
            if assign:
                local["assign_to_params_buffers"] = True
            module._load_from_state_dict(entries, prefix, local, True, missing, unexpected, errors)
            for name, child in module._modules.items():
                if child is not None:
                    below = f"{prefix}{name}."
                    # Each child looks only at its own names: deep models stay linear in their size.
                    part = {k: v for k, v in entries.items() if k.startswith(below)}
                    load(child, part, below)
            if module._hooks is not None:
                found = _IncompatibleKeys(missing, unexpected)
                for hook in list(module._hooks.load_post.values()):
                    if hook(module, found) is not None:
                        raise RuntimeError(
                            "load_state_dict post-hook must return None; edit the lists in place"
                        )

        load(self, entries, "")
        if strict:
            if unexpected:
                errors.insert(0, f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
            if missing:
                errors.insert(0, f"Missing key(s) in state_dict: {_quoted(missing)}. ")
                if entries and all(key.startswith("module.") for key in entries):
                    errors.append(
                        "every key starts with 'module.', as saved from a parallel wrapper;"
                        " remove that prefix from the keys"
                    )
        if errors:
            lines = "\n\t".join(errors)
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{lines}"
            )
        return _IncompatibleKeys(missing, unexpected)


def _mismatch(key: str, mine: Tensor, value: Any) -> str | None:
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{key}", expected a Tensor from checkpoint but'
            f" received {type(value)}"
        )
    # Old checkpoints keep a 0-d entry as one of shape (1,).
    if mine.dim() == 0 and tuple(value.shape) == (1,):
        return None
    if tuple(value.shape) != tuple(mine.shape):
        return (
            f"size mismatch for {key}: copying a param with shape {tuple(value.shape)} from"
            f" checkpoint, the shape in current model is {tuple(mine.shape)}."
        )
    return None


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)
