"""The standard library's ``multiprocessing`` under PyTorch's name, with its extra settings.

Tensors travel between processes by pickling, that is by copy.
"""

from __future__ import annotations

import multiprocessing as _multiprocessing
from multiprocessing import *  # noqa: F403

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def get_all_sharing_strategies() -> set[str]:
    """Return the ways of sharing tensors: there is one, by copy."""
    return {"file_system"}


def get_sharing_strategy() -> str:
    """Return the way of sharing tensors."""
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """Accept PyTorch's names of strategies; tensors are copied in any case.

    Raises:
        ValueError: for an unknown name.
    """
    if new_strategy not in ("file_system", "file_descriptor"):
        raise ValueError(
            f"set_sharing_strategy(): {new_strategy!r} is unknown; expected 'file_system' or "
            "'file_descriptor'"
        )


def _run(fn: Callable[..., Any], rank: int, args: tuple[Any, ...]) -> None:
    fn(rank, *args)


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> list[Any] | None:
    """Run ``fn(rank, *args)`` in `nprocs` processes.

    Args:
        fn: a function at the top level of a module.
        args: its arguments after the rank.
        nprocs: how many processes.
        join: wait for them; else the list of processes is returned.
        daemon: whether they end with this process.
        start_method: ``"spawn"``, ``"fork"`` or ``"forkserver"``.

    Raises:
        RuntimeError: when a process ends with an error.
    """
    context: Any = _multiprocessing.get_context(start_method)
    processes = [
        context.Process(target=_run, args=(fn, rank, args), daemon=daemon) for rank in range(nprocs)
    ]
    for process in processes:
        process.start()
    if not join:
        return processes
    for process in processes:
        process.join()
    failed = [(i, p.exitcode) for i, p in enumerate(processes) if p.exitcode]
    if failed:
        raise RuntimeError(f"spawn(): process {failed[0][0]} ended with exit code {failed[0][1]}")
    return None
