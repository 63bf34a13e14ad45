"""Walking a module tree: finding, moving and switching everything below a module."""

from __future__ import annotations

from pygrad._C import Tensor, device, dtype, ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    from pygrad.nn.module import Module
    from pygrad.nn.parameter import Parameter

    T = TypeVar("T", bound="TreeMixin")


class TreeMixin:
    """The half of :class:`~pygrad.nn.Module` that visits parameters, buffers and children."""

    if TYPE_CHECKING:
        training: bool
        _parameters: dict[str, Parameter | None]
        _buffers: dict[str, Tensor | None]
        _modules: dict[str, Module | None]

    # ---------------------------------------------------------------- finding

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield ``(name, module)`` for this module and all below it, each once."""
        if memo is None:
            memo = set()
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self  # type: ignore[misc]
        for name, module in self._modules.items():
            if module is not None:
                below = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, below, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below it, each once."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield ``(name, module)`` for the immediate children, each once."""
        seen: set[int] = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """Yield the immediate children, each once."""
        for _, module in self.named_children():
            yield module

    def _named_members(
        self,
        get: Callable[[Any], Any],
        prefix: str = "",
        recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else ((prefix, self),)
        )
        for path, module in modules:
            for name, member in get(module):
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield (f"{path}.{name}" if path else name), member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield ``(name, parameter)``, of this module and with ``recurse`` all below it."""
        return self._named_members(
            lambda module: module._parameters.items(), prefix, recurse, remove_duplicate
        )

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters: what an optimizer is given."""
        for _, param in self.named_parameters(recurse=recurse):
            yield param

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield ``(name, buffer)``, of this module and with ``recurse`` all below it."""
        return self._named_members(
            lambda module: module._buffers.items(), prefix, recurse, remove_duplicate
        )

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> Module:
        """Return the module at a dotted path such as ``"net.layers.0"``.

        Raises:
            AttributeError: if a step of the path does not exist or is not a module.
        """
        from pygrad.nn.module import Module

        module: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module  # type: ignore[no-any-return]

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put ``module`` at a dotted path; with ``strict`` the path must already exist."""
        if target == "":
            raise ValueError("set_submodule(): target is empty; expected a path below this module")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict:
            self.get_submodule(target)
        setattr(parent, name, module)

    def _get_member(self, target: str, table: str, what: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        if name not in getattr(module, table):
            raise AttributeError(f"`{name}` is not {what}")
        return getattr(module, name)

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter at a dotted path."""
        return self._get_member(target, "_parameters", "an nn.Parameter")  # type: ignore[no-any-return]

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer at a dotted path."""
        return self._get_member(target, "_buffers", "a buffer")  # type: ignore[no-any-return]

    # ---------------------------------------------------------------- changing

    def apply(self: T, fn: Callable[[Module], None]) -> T:
        """Call ``fn`` on every module below and then on this one; for initialisation."""
        for module in self.children():
            module.apply(fn)
        fn(self)  # type: ignore[arg-type]
        return self

    def _apply(self: T, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> T:
        """Replace the data of every parameter, gradient and buffer with ``fn`` of it."""
        from pygrad.autograd.grad_mode import no_grad

        with no_grad():
            self._apply_to_own(fn, recurse, {})
        return self

    def _apply_to_own(
        self, fn: Callable[[Tensor], Tensor], recurse: bool, done: dict[int, Any]
    ) -> None:
        if recurse:
            for module in self.children():
                module._apply_to_own(fn, True, done)
        for param in self._parameters.values():
            # A tied parameter is met more than once and changed in place, once.
            if param is None or id(param) in done:
                continue
            done[id(param)] = param
            grad = param.grad
            new_data = fn(param.data)
            if grad is not None:
                param.grad = None
            param.data = new_data
            if grad is not None:
                param.grad = fn(grad.data).requires_grad_(grad.requires_grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)

    def to(self: T, *args: Any, **kwargs: Any) -> T:
        """Move and convert parameters and buffers in place: ``to(device)``, ``to(dtype)``,
        ``to(device, dtype)``, ``to(tensor)``; only floating-point tensors change their dtype.

        Raises:
            TypeError: if the dtype is not a floating-point or complex one.
        """
        place, kind, non_blocking = _parse_to(args, kwargs)
        if kind is not None and not (kind.is_floating_point or kind.is_complex):
            raise TypeError(
                "nn.Module.to only accepts floating point or complex dtypes, but got desired"
                f" dtype={kind}"
            )

        def convert(tensor: Tensor) -> Tensor:
            options: dict[str, Any] = {}
            if place is not None:
                options["device"] = place
            if kind is not None and (tensor.is_floating_point() or tensor.is_complex()):
                options["dtype"] = kind
            return tensor.to(non_blocking=non_blocking, **options) if options else tensor

        return self._apply(convert)

    def cpu(self: T) -> T:
        """Move parameters and buffers to the CPU."""
        return self._apply(lambda t: t.cpu())

    def cuda(self: T, device: int | device | None = None) -> T:
        """Move parameters and buffers to a GPU."""
        return self._apply(lambda t: t.cuda(device) if device is not None else t.cuda())

    def type(self: T, dst_type: Any) -> T:
        """Convert every parameter and buffer to ``dst_type``."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self: T) -> T:
        """Convert floating-point parameters and buffers to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self: T) -> T:
        """Convert floating-point parameters and buffers to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self: T) -> T:
        """Convert floating-point parameters and buffers to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self: T) -> T:
        """Convert floating-point parameters and buffers to bfloat16."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def to_empty(self: T, *, device: Any, recurse: bool = True) -> T:
        """Move to ``device`` without copying the values, which are then undefined."""
        return self._apply(lambda t: ops.empty_like(t, device=device), recurse=recurse)

    def share_memory(self: T) -> T:
        """Move parameters and buffers to shared memory, for other processes."""
        return self._apply(lambda t: t.share_memory_())

    def train(self: T, mode: bool = True) -> T:
        """Switch to training (or with ``False`` evaluation) behaviour, here and below."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self: T) -> T:
        """Switch to evaluation behaviour: the same as ``train(False)``."""
        return self.train(False)

    def requires_grad_(self: T, requires_grad: bool = True) -> T:
        """Say for every parameter whether it wants a gradient: freezes or thaws the module."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of all parameters."""
        for param in self.parameters():
            if param.grad is not None:
                if set_to_none:
                    param.grad = None
                else:
                    if param.grad.grad_fn is not None:
                        param.grad.detach_()
                    else:
                        param.grad.requires_grad_(False)
                    param.grad.zero_()


def _parse_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, bool]:
    """Read the arguments of ``Module.to`` as (device, dtype, non_blocking)."""
    place = kwargs.get("device")
    kind = kwargs.get("dtype")
    other = kwargs.get("tensor")
    non_blocking = bool(kwargs.get("non_blocking", False))
    unknown = set(kwargs) - {"device", "dtype", "tensor", "non_blocking", "copy", "memory_format"}
    if unknown:
        raise TypeError(f"to(): unexpected keyword argument '{min(unknown)}'")
    for arg in args:
        if isinstance(arg, Tensor):
            other = arg
        elif isinstance(arg, dtype):
            kind = arg
        elif isinstance(arg, bool):
            non_blocking = arg
        elif isinstance(arg, (str, int, device)):
            place = arg
        elif arg is not None:
            raise TypeError(
                f"to(): argument is {type(arg).__name__}; expected a device, a dtype or a Tensor"
            )
    if other is not None:
        place, kind = other.device, other.dtype
    return place, kind, non_blocking
