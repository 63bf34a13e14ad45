"""The import hook behind `pygrad.compat`: other packages' names for pygrad's own modules."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Top-level package -> the module that stands for it. A submodule of the one is the same submodule
# of the other.
ALIASES = {
    "torch": "pygrad",
    "torchvision": "pygrad.vision",
    "pytorch_lightning": "pygrad.trainer",
    "lightning": "pygrad.trainer",
}
# Submodules whose place differs.
_MOVED = {"lightning.pytorch": "pygrad.trainer"}


def is_alias(module: ModuleType) -> bool:
    """Whether `module` is pygrad's, under whatever name it was imported."""
    return module.__name__.partition(".")[0] == "pygrad"


def target_of(name: str) -> str:
    """pygrad's name of the module that a script calls `name`."""
    if name in _MOVED:
        return _MOVED[name]
    top, dot, rest = name.partition(".")
    return ALIASES[top] + dot + rest


class AliasFinder:
    """Finds the names of `ALIASES` before any installed package is looked for."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] not in ALIASES:
            return None
        return ModuleSpec(name, _AliasLoader(), is_package=True)  # type: ignore[arg-type]


class _AliasLoader:
    """Gives an import the module that exists already, and leaves that module as it was."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        import importlib

        target = target_of(spec.name)
        try:
            module = importlib.import_module(target)
        except ModuleNotFoundError as error:
            if error.name is not None and not (target + ".").startswith(error.name + "."):
                raise  # something the module itself needs
            # Never fall through to an installed PyTorch: neither works on the other's tensors.
            raise ModuleNotFoundError(
                f"No module named '{spec.name}': pygrad stands for "
                f"{spec.name.partition('.')[0]} here and has no module '{target}'",
                name=spec.name,
            ) from None
        if not hasattr(module, "__path__") and spec.name in ("lightning", "pytorch_lightning"):
            module.__path__ = []  # so that its submodules can be asked for
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import machinery has put the alias's spec into the module; its own belongs there.
        module.__spec__ = self._spec
