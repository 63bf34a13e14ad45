"""The command line of ``python -m benchmarks``."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

GROUPS = ("overhead", "matmul", "memory", "conv", "train", "graph", "process")
ENGINES = ("pygrad", "numpy", "torch", "jax")
PRECISIONS = ("highest", "high", "medium")


@dataclass(frozen=True)
class Effort:
    """How long a row is measured.

    Attributes:
        seconds: time to spend on a row, all engines together; slow rows take up to four times it.
        rounds: how often the engines take turns, unless the row is slow.
        least_rounds: how often they take turns in any case.
        settle: pause after a change of engine with several threads, in seconds: the idle threads
            of the one before may still be spinning.
    """

    seconds: float
    rounds: int
    least_rounds: int
    settle: float = 0.004


FULL = Effort(seconds=1.0, rounds=11, least_rounds=3)
QUICK = Effort(seconds=0.1, rounds=5, least_rounds=1)
TINY = Effort(seconds=0.002, rounds=2, least_rounds=1, settle=0.0)


@dataclass(frozen=True)
class Options:
    """What a run does; the fields are the command line's options."""

    groups: tuple[str, ...] = GROUPS
    rows: str = ""
    peers: tuple[str, ...] = ("numpy", "torch")
    subject: str = "pygrad"
    threads: int = 1
    json: Path | None = None
    plot: Path | None = None
    effort: Effort = FULL
    tiny: bool = False
    precision: str = "highest"
    list: bool = False
    budget: str = ""


def _names(known: tuple[str, ...], what: str, text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(n.strip() for n in text.split(",") if n.strip()))
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(
                f"{name!r} is no {what}; expected some of {', '.join(known)}"
            )
    return names


def _group_list(text: str) -> tuple[str, ...]:
    return _names(GROUPS, "group", text)


def _engine_list(text: str) -> tuple[str, ...]:
    return _names(ENGINES, "engine", text)


def _thread_count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 1024:
        raise argparse.ArgumentTypeError(f"{count} threads; expected 1..1024")
    return count


def _output(text: str) -> Path:
    path = Path(text)
    if not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"no folder {path.absolute().parent}")
    return path


def _picture(text: str) -> Path:
    path = _output(text)
    if path.suffix not in (".svg", ".png"):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a name that ends in .svg or .png")
    return path


def parse(arguments: list[str]) -> Options:
    """The options that a command line asks for; prints the error and exits if it is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures pygrad beside its peers: correctness first, then alternating runs.",
    )
    add = parser.add_argument
    add("--group", type=_group_list, default=GROUPS, metavar="G,G", help=", ".join(GROUPS))
    add("--rows", default="", metavar="PATTERN", help="rows to run: wildcards, several by comma")
    add("--peers", type=_engine_list, metavar="P,P", help="numpy, torch, jax (default: the "
        "first two, where they are installed)")  # fmt: skip
    add(
        "--threads", type=_thread_count, default=1, metavar="N", help="for every engine (default 1)"
    )
    add("--json", type=_output, metavar="FILE", help="write machine, roof and rows as JSON")
    add("--plot", type=_picture, metavar="FILE", help="write a log-scale plot, .svg or .png")
    add("--quick", action="store_true", help="a tenth of the time: figures are rough")
    add("--tiny", action="store_true", help="smallest sizes: shows that rows run, not how fast")
    add("--matmul-precision", choices=PRECISIONS, default="highest", help="of float32 matmuls in "
        "pygrad and torch (default highest)")  # fmt: skip
    add("--subject", choices=ENGINES, default="pygrad", help="the engine the peers are compared "
        "with (default pygrad)")  # fmt: skip
    add("--list", action="store_true", help="list the rows and stop")
    add("--budget", nargs="?", const="check", default="", choices=("check", "refresh"), help="hold "
        "benchmarks/budget.json against this machine, or measure its figures anew")  # fmt: skip
    found = parser.parse_args(arguments)
    asked = found.peers is not None
    peers = found.peers if asked else tuple(p for p in ("numpy", "torch") if _installed(p))
    if asked:
        for peer in peers:
            if not _installed(peer):
                parser.error(f"--peers: {peer} is not installed")
    return Options(
        groups=found.group,
        rows=found.rows,
        peers=tuple(p for p in peers if p != found.subject),
        subject=found.subject,
        threads=found.threads,
        json=found.json,
        plot=found.plot,
        effort=TINY if found.tiny else QUICK if found.quick else FULL,
        tiny=found.tiny,
        precision=found.matmul_precision,
        list=found.list,
        budget=found.budget,
    )


def _installed(engine: str) -> bool:
    from importlib.util import find_spec

    return find_spec(engine) is not None
