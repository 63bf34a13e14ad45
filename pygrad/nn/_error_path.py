"""Name the module in which an error arose: ``Net.fc1 (Linear 784->128): <message>``.

The path is put together while the exception travels outwards through the ``__call__`` of the
modules around it, so a call that succeeds pays nothing for it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pygrad.nn.module import Module

# Subclasses keep their own arguments: only the plain types, with their text in args[0], change.
_PLAIN = frozenset({RuntimeError, TypeError, IndexError, ValueError, NotImplementedError})


def add_module_path(error: Exception, module: Module) -> None:
    """Prefix the message of ``error`` with the path of ``module``; called by each enclosing one."""
    if type(error) not in _PLAIN:
        return
    trail = error.__dict__.get("_module_trail")
    if trail is None:
        if len(error.args) != 1 or not isinstance(error.args[0], str):
            return
        # (outermost module so far, path below it, description of the failing module, message)
        trail = (module, "", _describe(module), error.args[0])
    else:
        inner, below, description, message = trail
        if inner is module or inner is None:
            return
        name = next((n for n, m in module.named_modules() if m is inner), None)
        if name is None:  # not a submodule: what is known so far stands
            error.__dict__["_module_trail"] = (None, below, description, message)
            return
        trail = (module, f"{name}.{below}" if below else name, description, message)
    error.__dict__["_module_trail"] = trail
    root, below, description, message = trail
    place = f"{type(root).__name__}.{below} ({description})" if below else description
    error.args = (f"{place}: {message}",)


def _describe(module: Module) -> str:
    try:
        return module._describe()
    except Exception:  # a half-built module must not hide the first error
        return type(module).__name__
