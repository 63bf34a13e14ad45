"""Finds the compiled extension ``pygrad._C``.

The package's sources stand at the repository's root, so Python started there imports them rather
than the installed package, and no extension lies beside them. `ensure_extension` then takes the one
of the installed package, or of a build folder named in ``PYTHONPATH``, and refuses one that was
built from another version.
"""

from __future__ import annotations

import os
import sys
from _imp import extension_suffixes

_NAME = "pygrad._C"


def _extension_in(folder: str) -> str | None:
    """The path of an extension in `folder` that this interpreter can load, or None."""
    for suffix in extension_suffixes():
        path = os.path.join(folder, "_C" + suffix)
        if os.path.isfile(path):
            return path
    return None


def ensure_extension() -> None:
    """Makes ``pygrad._C`` importable; returns at once where it lies beside the package.

    Raises:
        ImportError: no extension was found, or it is of another version than the sources.
    """
    if _NAME in sys.modules:
        return
    here = os.path.dirname(os.path.abspath(__file__))
    if _extension_in(here) is not None:
        return
    source = os.path.realpath(here)
    for entry in sys.path:
        folder = os.path.join(entry or os.getcwd(), "pygrad")
        path = _extension_in(folder)
        if path is not None and os.path.realpath(folder) != source:
            _load(path)
            return
    raise ImportError(
        f"pygrad is not built: {here} holds only the sources, and no installed extension was "
        f"found on sys.path for {sys.implementation.cache_tag}; run `pip install .` in the "
        f"repository's root{_other_pythons(source)}",
        name=_NAME,
    )


def _load(path: str) -> None:
    # What importlib.util does, which takes longer to import than all of pygrad's own modules.
    from importlib.machinery import ExtensionFileLoader, ModuleSpec

    from pygrad.version import __version__

    loader = ExtensionFileLoader(_NAME, path)
    spec = ModuleSpec(_NAME, loader, origin=path)
    spec.has_location = True
    module = loader.create_module(spec)
    module.__spec__, module.__loader__ = spec, loader
    module.__file__, module.__package__ = path, "pygrad"
    sys.modules[_NAME] = module
    try:
        loader.exec_module(module)
        built = getattr(module, "__version__", __version__)
        if built != __version__:
            raise ImportError(
                f"the installed extension {path} is version {built}, but the sources are version "
                f"{__version__}; run `pip install .` in the repository's root again",
                name=_NAME,
                path=path,
            )
    except BaseException:
        del sys.modules[_NAME]
        raise
    # What `import pygrad._C` would have done; the package is being imported right now.
    package = sys.modules.get("pygrad")
    if package is not None:
        package._C = module  # type: ignore[attr-defined]


def _other_pythons(source: str) -> str:
    """A hint that names extensions built for other interpreters, if there are any."""
    found = []
    for folder in (source, *(os.path.join(entry or os.getcwd(), "pygrad") for entry in sys.path)):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        found += [os.path.join(folder, n) for n in names if n.startswith("_C.") and "pyi" not in n]
    return f" (found, built for another Python: {', '.join(found)})" if found else ""
