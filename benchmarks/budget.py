"""The budget: what an operation, a step, an import and the package may cost.

``benchmarks/budget.json`` holds, for each row, the figure taken on the machine that it names, and
what a run elsewhere is held to: the row's time over that of a *yardstick*, a row's NumPy variant,
measured in turns with it. So a slower machine, or a busy one, does not exceed the budget, and a
slower pygrad does. Whole processes have limits of their own unit.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks import child, machine
from benchmarks.engines import load
from benchmarks.options import Effort
from benchmarks.row import ROWS, Work, selected
from benchmarks.timing import alternate

FILE = Path(__file__).with_name("budget.json")
_EFFORT = Effort(seconds=0.05, rounds=5, least_rounds=3)
_TRIES = 8
_UNITS = {"ns": 1e9, "us": 1e6, "ms": 1e3}


@dataclass(frozen=True)
class Item:
    """One line of the budget.

    Attributes:
        name: a row of the suite, or a figure of a whole process.
        unit: of `figure`.
        figure: pygrad's, where the file was taken.
        limit: the most that is allowed: of `ratio`, or of `figure` where there is no yardstick.
        yardstick: the row whose NumPy variant is timed beside it; "" for none.
        ratio: pygrad's time over the yardstick's, where the file was taken.
    """

    name: str
    unit: str
    figure: float
    limit: float
    yardstick: str = ""
    ratio: float = 0.0

    @property
    def held(self) -> float:
        """What `limit` limits."""
        return self.ratio if self.yardstick else self.figure


def read(path: Path = FILE) -> list[Item]:
    """The budget's items."""
    return [Item(**entry) for entry in json.loads(path.read_text())["items"]]


def applicable() -> list[Item]:
    """The items that hold for this build: wheels are made without CUDA kernels."""
    from pygrad import _C

    cpu_only = "cuda=OFF" in _C.build_info()["options"]
    return [item for item in read() if cpu_only or item.name != "wheel"]


def wheel_mb() -> float:
    """The size in MiB of pygrad's files as a wheel compresses them, one by one."""
    return sum(len(zlib.compress(file.read_bytes(), 6)) for file in child.files("pygrad")) / 2**20


_PROCESS: dict[str, Callable[[], float]] = {
    "import": lambda: child.import_cpu_ms("pygrad"),
    "start_to_first_trained_step": lambda: child.first_step_cpu_ms("pygrad"),
    "resident_after_import": lambda: child.resident_mb("pygrad", True),
    "wheel": wheel_mb,
}


def _work(row: str, engine: str) -> Work:
    work = ROWS[row].work(load(engine, 1, False, "highest"))
    if work is None:
        raise ValueError(f"budget: row {row!r} has no {engine} variant; expected one")
    return work


def measure(item: Item, tries: int = _TRIES) -> Item:
    """The item as it is here and now, on one thread.

    In processor time, which leaves out what other processes take. What still disturbs a run only
    adds to it: so the fastest runs of the two are compared, taken in turns, and both are repeated
    while the limit is exceeded.
    """
    if item.name in _PROCESS:
        figures: list[float] = []
        while len(figures) < tries and min(figures, default=item.limit + 1) > item.limit:
            figures.append(_PROCESS[item.name]())
        return replace(item, figure=min(figures))
    selected((), "")  # fills ROWS
    works = {"pygrad": _work(item.name, "pygrad"), "numpy": _work(item.yardstick, "numpy")}
    fastest = dict.fromkeys(works, float("inf"))
    ratio = float("inf")
    for _ in range(tries):
        for name, timing in alternate(works, _EFFORT, 1, time.process_time).items():
            fastest[name] = min(fastest[name], timing.fastest)
        ratio = fastest["pygrad"] / fastest["numpy"]
        if ratio <= item.limit:
            break
    return replace(item, figure=fastest["pygrad"] * _UNITS[item.unit], ratio=ratio)


def refreshed(item: Item) -> Item:
    """The item with new figures; its limit, which is a decision, stays."""
    found = measure(replace(item, limit=0.0))  # makes all its tries
    figure, ratio = (float(f"{value:.3g}") for value in (found.figure, found.ratio))
    return replace(item, figure=figure, ratio=ratio)


def write(items: list[Item], path: Path = FILE) -> None:
    """Writes the file, with the machine it was taken on."""
    here = machine.describe()
    taken = {key: here[key] for key in ("date", "processor", "features", "cpus", "python")}
    lines = ",\n".join("    " + json.dumps(asdict(item)) for item in items)
    path.write_text(f'{{\n  "taken_on": {json.dumps(taken)},\n  "items": [\n{lines}\n  ]\n}}\n')


def run(refresh: bool) -> int:
    """Prints the budget beside what is measured, or measures the file's figures anew.

    Returns:
        The exit status: 1 if a limit is exceeded.
    """
    items = applicable()
    measured = []
    print("| item | unit | in the file | here | over | ratio in the file | here | limit | |")
    print("| --- | --- | ---: | ---: | --- | ---: | ---: | ---: | --- |")
    for item in items:
        here = refreshed(item) if refresh else measure(item)
        measured.append(here)
        over = f"NumPy's {item.yardstick}" if item.yardstick else ""
        ratios = [f"{i.ratio:.2f}" if item.yardstick else "" for i in (item, here)]
        verdict = "" if here.held <= item.limit else "**exceeded**"
        print(
            f"| {item.name} | {item.unit} | {item.figure:.3g} | {here.figure:.3g} | {over} "
            f"| {ratios[0]} | {ratios[1]} | {item.limit:g} | {verdict} |",
            flush=True,
        )
    if refresh:
        write(measured)
    return int(any(here.held > here.limit for here in measured))
