"""Runs scripts written for PyTorch, unchanged.

`install` makes ``import torch`` (and ``torch.nn``, ``torch.optim``, ``torchvision.datasets``,
``pytorch_lightning``, ...) mean pygrad, in this process only: nothing is written anywhere, and a
PyTorch that is installed is neither loaded nor touched. ``python -m pygrad run script.py`` does the
same for one script.
"""

from __future__ import annotations

import sys

from pygrad.compat._finder import ALIASES, AliasFinder, is_alias

__all__ = ["install", "installed", "uninstall"]

_active: AliasFinder | None = None


def install() -> None:
    """Lets ``import torch`` and its companions import pygrad, until `uninstall`.

    Raises:
        RuntimeError: the real package has been imported already; objects of both would mix.

    Example:
        >>> import pygrad
        >>> pygrad.compat.install()
        >>> import torch
        >>> torch is pygrad
        True
        >>> pygrad.compat.uninstall()
    """
    global _active
    if _active is not None:
        return
    for name in ALIASES:
        module = sys.modules.get(name)
        if module is not None and not is_alias(module):
            raise RuntimeError(
                f"compat.install(): the real '{name}' is imported already; expected to come first. "
                "Call install() before anything imports it"
            )
    _active = AliasFinder()
    sys.meta_path.insert(0, _active)


def uninstall() -> None:
    """Takes the aliases back; names that a script has bound already stay bound."""
    global _active
    if _active is None:
        return
    sys.meta_path.remove(_active)
    _active = None
    for name in [n for n in sys.modules if n.partition(".")[0] in ALIASES]:
        if is_alias(sys.modules[name]):
            del sys.modules[name]


def installed() -> bool:
    """Whether the aliases are in place."""
    return _active is not None
