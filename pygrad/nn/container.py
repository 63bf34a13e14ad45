"""Containers of modules: Sequential, ModuleList, ModuleDict."""

from __future__ import annotations

from pygrad.nn.module import Module, indent_rest, indented

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
    from typing import Any


def position(index: Any, length: int, owner: str) -> int:
    """Return ``index`` counted from the front, after the checks a list would make."""
    import operator

    number = operator.index(index)
    if not -length <= number < length:
        raise IndexError(f"{owner}: index {number} is out of range; it holds {length} modules")
    return number % length


class _ModuleSequence(Module):
    """What Sequential and ModuleList share: children named by their position."""

    def _renumber(self, modules: Iterable[Module | None]) -> None:
        self.__dict__["_modules"] = {str(i): module for i, module in enumerate(modules)}

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def _name_at(self, index: Any) -> str:
        return list(self._modules)[position(index, len(self._modules), type(self).__name__)]

    def __setitem__(self, index: Any, module: Module) -> None:
        if isinstance(index, slice):
            for name, item in zip(list(self._modules)[index], module, strict=True):
                setattr(self, name, item)
            return
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index: Any) -> None:
        names = list(self._modules)[index] if isinstance(index, slice) else [self._name_at(index)]
        for name in names:
            delattr(self, name)
        if all(name.isdigit() for name in self._modules):
            self._renumber(list(self._modules.values()))

    def append(self, module: Module) -> Any:
        """Add ``module`` at the end."""
        self.add_module(str(len(self)), module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Put ``module`` before position ``index``."""
        if not isinstance(module, Module):
            raise TypeError(f"insert(): module is {type(module).__name__}; expected a Module")
        modules = list(self._modules.values())
        if not -len(modules) <= index <= len(modules):
            raise IndexError(f"insert(): index {index} is out of range for {len(modules)} modules")
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Add every module of an iterable at the end."""
        if not hasattr(modules, "__iter__"):
            raise TypeError(
                f"extend(): modules is {type(modules).__name__}; expected an iterable of Modules"
            )
        for module in list(modules):
            self.append(module)
        return self

    def pop(self, key: int | slice) -> Any:
        """Remove the module at ``key`` and return it."""
        taken = self[key]
        del self[key]
        return taken

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]


class Sequential(_ModuleSequence):
    """Run modules one after the other: the output of each is the input of the next.

    Args:
        args: the modules in order, or one ``OrderedDict`` of names to modules.

    Example:
        >>> from pygrad import nn
        >>> nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        Sequential(
          (0): Linear(in_features=4, out_features=8, bias=True)
          (1): ReLU()
        )
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], dict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(args):
                self.add_module(str(i), module)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            part = list(self._modules.items())[index]
            return type(self)(dict(part))
        return self._modules[self._name_at(index)]

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(
                f"add(): other is {type(other).__name__}; a Sequential is added only to another one"
            )
        return Sequential(*self, *other)

    def __iadd__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(
                f"add(): other is {type(other).__name__}; a Sequential is added only to another one"
            )
        return self.extend(other)  # type: ignore[no-any-return]

    def __mul__(self, times: int) -> Sequential:
        self._check_times(times)
        return Sequential(*[module for _ in range(times) for module in self])

    def __rmul__(self, times: int) -> Sequential:
        return self * times

    def __imul__(self, times: int) -> Sequential:
        self._check_times(times)
        return self.extend([module for _ in range(times - 1) for module in self])  # type: ignore[no-any-return]

    def _check_times(self, times: int) -> None:
        if not isinstance(times, int):
            raise TypeError(f"mul(): a Sequential times {type(times).__name__}; expected an int")
        if times <= 0:
            raise ValueError(f"mul(): a Sequential times {times}; expected 1 or more")

    def forward(self, input: Any) -> Any:
        """Pass ``input`` through every module in turn."""
        for module in self._modules.values():
            input = module(input)  # type: ignore[misc]
        return input


class ModuleList(_ModuleSequence):
    """A list of modules whose parameters are found; it is indexed and looped over, not called.

    Args:
        modules: the modules to start with.
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            chosen: list[Any] = list(self._modules.values())[index]
            return type(self)(chosen)
        return self._modules[self._name_at(index)]

    def __iadd__(self, modules: Iterable[Module]) -> ModuleList:
        return self.extend(modules)  # type: ignore[no-any-return]

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        """As for any module, with runs of equal children on one line: ``(0-3): 4 x ReLU()``."""
        texts = [repr(module) for module in self]
        if not texts:
            return self._get_name() + "()"
        lines = []
        start = 0
        for end in range(1, len(texts) + 1):
            if end < len(texts) and texts[end] == texts[start]:
                continue
            count = end - start
            label = f"({start})" if count == 1 else f"({start}-{end - 1})"
            times = "" if count == 1 else f"{count} x "
            lines.append(indent_rest(f"{label}: {times}{texts[start]}"))
            start = end
        return f"{self._get_name()}({indented(lines)})"


class ModuleDict(Module):
    """A dict of modules whose parameters are found.

    Args:
        modules: names to modules, or pairs of both.
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[Any] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Remove every module."""
        self._modules.clear()

    def pop(self, key: str) -> Any:
        """Remove the module named ``key`` and return it."""
        return self._modules.pop(key)

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._modules.keys()

    def items(self) -> ItemsView[str, Any]:
        """Pairs of name and module."""
        return self._modules.items()

    def values(self) -> ValuesView[Any]:
        """The modules."""
        return self._modules.values()

    def update(self, modules: Mapping[str, Module] | Iterable[Any]) -> None:
        """Add or replace modules from a mapping or from ``(name, module)`` pairs."""
        if not hasattr(modules, "__iter__"):
            raise TypeError(
                f"update(): modules is {type(modules).__name__}; expected a mapping or pairs"
            )
        pairs = modules.items() if hasattr(modules, "items") else modules
        for i, pair in enumerate(pairs):
            if not isinstance(pair, (tuple, list)):
                raise TypeError(
                    f"update(): element {i} is {type(pair).__name__}; expected (name, module)"
                )
            if len(pair) != 2:
                raise ValueError(f"update(): element {i} has length {len(pair)}; expected 2")
            self[pair[0]] = pair[1]


__all__ = ["ModuleDict", "ModuleList", "Sequential"]
