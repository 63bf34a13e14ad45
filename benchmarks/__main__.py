"""``python -m benchmarks``: fixes the thread settings, then runs the suite."""

from __future__ import annotations

import faulthandler
import os
import sys

from benchmarks.machine import pin_to_cpus, thread_environment
from benchmarks.options import parse


def main() -> int:
    """Starts the suite over with the libraries' thread counts in the environment, if need be.

    OpenMP, MKL and OpenBLAS read their thread counts once, when they are loaded; so they have to
    stand in the environment before any engine is imported.
    """
    options = parse(sys.argv[1:])
    wanted = thread_environment(options.threads)
    if not options.list and any(os.environ.get(k) != v for k, v in wanted.items()):
        arguments = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, arguments, {**os.environ, **wanted})
    if not options.list and "jax" in (*options.peers, options.subject):
        pin_to_cpus(options.threads)
    faulthandler.enable()  # an engine that crashes shall at least show in which row
    from benchmarks.runner import run_suite

    return run_suite(options)


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # `python -m benchmarks | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 141
    raise SystemExit(code)
