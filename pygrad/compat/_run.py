"""``python -m pygrad run``: runs a script as the interpreter would, with `torch` meaning pygrad."""

from __future__ import annotations

import os
import sys
from types import ModuleType, TracebackType

from pygrad.compat import install


def run_script(path: str, arguments: list[str]) -> None:
    """Runs the script `path` as ``__main__``.

    ``sys.argv``, ``sys.path[0]``, exit codes and tracebacks are those of ``python path ...``. Does
    not return when the script fails or exits.

    Args:
        path: the script's file.
        arguments: what follows the script's name on the command line.
    """
    import io

    try:
        with io.open_code(os.path.abspath(path)) as file:
            source = file.read()
    except OSError as error:
        print(f"run: cannot open '{path}': {error.strerror}", file=sys.stderr)
        raise SystemExit(2) from None
    install()
    module = ModuleType("__main__")
    module.__file__ = path
    module.__builtins__ = sys.modules["builtins"]  # type: ignore[attr-defined]
    module.__spec__ = None
    sys.modules["__main__"] = module
    sys.argv = [path, *arguments]
    sys.path[0] = os.path.dirname(os.path.realpath(path))
    _prepare_children()
    try:
        exec(compile(source, path, "exec"), module.__dict__)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        # The frames of this runner would only hide the script's own.
        error = error.with_traceback(_below(error.__traceback__))
        sys.excepthook(type(error), error, error.__traceback__)
        raise SystemExit(1) from None


def _below(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without this module's own frames."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    return traceback


class _InstallWhenUnpickled:
    """Pickles as a call of `install`."""

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return install, ()


def _prepare_children() -> None:
    """Makes worker processes that start anew (spawn) install the aliases before they import the
    script; forked ones have them anyway."""
    from multiprocessing import spawn

    original = spawn.get_preparation_data

    def prepared(name: str) -> dict[str, object]:
        # A child unpickles this dict first of all, and ignores keys it does not know.
        return {**original(name), "pygrad_compat": _InstallWhenUnpickled()}

    spawn.get_preparation_data = prepared
