"""The benchmark suite runs every row with the smallest sizes, and reports what it must."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import budget, check, plot, report, runner
from benchmarks.engines import ArrayEngine
from benchmarks.machine import thread_environment
from benchmarks.options import GROUPS, TINY, Options, parse
from benchmarks.roof import Best, Roof
from benchmarks.row import ROWS, Row, Statement, Work, selected
from benchmarks.timing import Timing, alternate

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = Options(subject="numpy", peers=(), effort=TINY, tiny=True)


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_every_row_runs_and_agrees(tmp_path):
    """All rows of work: right results before timing, a report, a JSON file and a plot."""
    file, picture = tmp_path / "run.json", tmp_path / "run.svg"
    done = benchmarks(
        "--tiny", "--group", ",".join(GROUPS[:-1]),
        "--json", str(file), "--plot", str(picture),
    )  # fmt: skip
    assert file.exists(), done.stderr
    run = json.loads(file.read_text())
    bad = {r["row"]: r["status"] for r in run["rows"] if r["status"].startswith(("wrong", "error"))}
    assert not bad
    assert done.returncode == 0, done.stderr
    assert {r["group"] for r in run["rows"]} == set(GROUPS[:-1])
    assert [r["row"] for r in run["rows"]] == [r.name for r in selected(GROUPS[:-1], "")]
    assert run["roof"]["best_gemm"]["float32"]["gflops"] > 0
    assert run["roof"]["peak"]["float64"]["gflops"] > 0
    # Every row has a figure or says why not.
    for entry in run["rows"]:
        assert "pygrad" in entry["figures"] or entry["status"] != "ok", entry["row"]
    assert ET.parse(picture).getroot().tag.endswith("svg")
    assert "## Geometric means" in done.stdout


def test_process_rows(tmp_path):
    file = tmp_path / "run.json"
    done = benchmarks("--tiny", "--group", "process", "--peers", "", "--json", str(file))
    assert done.returncode == 0, done.stderr
    figures = {r["row"]: r["figures"]["pygrad"] for r in json.loads(file.read_text())["rows"]}
    assert len(figures) == 4
    assert all(value > 0 for value in figures.values())


def test_names_of_the_rows():
    names = [row.name for row in selected(GROUPS, "")]
    assert len(names) == len(set(names)) > 150
    assert [r.name for r in selected(GROUPS, "relu_1e[0-9], add_1elt")] == [
        "add_1elt", "relu_1e3", "relu_1e5", "relu_1e7"
    ]  # fmt: skip
    assert all(row.group in GROUPS for row in ROWS.values())


def _row(build, **variants) -> Row:
    return Row("overhead", "a_row", build, variants=variants)


def test_a_missing_op_is_reported_and_not_skipped():
    def lacks(b):
        return Work(lambda: b.xp.an_operation_that_is_not_there(1))

    result = runner.run_row(
        _row(lacks, arrays=lacks), {"numpy": ArrayEngine("numpy", True)}, OPTIONS
    )
    assert result.status.startswith("missing op: AttributeError")
    assert not result.failed
    assert "missing op" in report.progress_line(result, "numpy")


def test_an_error_is_told_from_a_missing_op():
    def breaks(b):
        raise RuntimeError("out of luck")

    result = runner.run_row(
        _row(breaks, arrays=breaks), {"numpy": ArrayEngine("numpy", True)}, OPTIONS
    )
    assert result.status == "error: RuntimeError: out of luck"
    assert result.failed


def test_a_wrong_result_is_not_timed():
    engines = {"numpy": ArrayEngine("numpy", True), "other": ArrayEngine("numpy", True)}
    engines["other"].name = "torch"  # the reference
    engines["torch"] = engines.pop("other")

    def right(b):
        return b.work(lambda: np.ones(3))

    def wrong(b):
        return b.work(lambda: np.ones(3) * 1.01)

    result = runner.run_row(_row(right, numpy=wrong), engines, OPTIONS)
    assert result.reference == "torch"
    assert result.status.startswith("wrong: off by 1.0e-02")
    assert result.failed
    assert not result.times


@pytest.mark.parametrize(
    "found,expected,wrong",
    [
        ([1.0, 2.0], [1.0, 2.0], None),
        ([1.0, 2.1], [1.0, 2.0], "off by"),
        ([1.0, float("nan")], [1.0, 2.0], "NaN"),
        ([1.0], [1.0, 2.0], "shape"),
    ],
)
def test_difference(found, expected, wrong):
    message = check.difference([np.array(found)], [np.array(expected)], 1e-6)
    assert (message is None) if wrong is None else (wrong in message)


def test_integers_must_be_equal():
    assert check.difference([np.array([1, 2])], [np.array([1, 3])], 1.0) == "1 of 2 values differ"


def test_statement_is_an_expression_without_a_call():
    statement = Statement("a + b", a=1, b=2)
    assert statement() == 3
    assert statement.loop(range(10), time.perf_counter, **statement.names) > 0


def test_alternating_runs_pair_up():
    works = {"fast": Work(lambda: None), "slow": Work(lambda: time.sleep(0.002))}
    timings = alternate(works, TINY, 1)
    fast, slow = timings["fast"], timings["slow"]
    assert len(fast.samples) == len(slow.samples)
    assert min(slow.over(fast)) > 10
    assert fast.fastest <= fast.median <= fast.slowest


def test_bound_takes_the_slower_of_flops_and_traffic():
    roof = Roof(limits={"L2": 1e6, "L3": 1e7})
    assert roof.bound(1e9, 1e6, "float32") == (0.0, "")
    roof.observe_gemm("float32", 1e9, "a product")
    roof.observe_gemm("float32", 1e8, "a slower product")
    for level, rate in (("L2", 1e11), ("L3", 1e10), ("DRAM", 1e9)):
        roof.observe_bandwidth(level, rate, "a copy")
    assert roof.bound(1e9, 1e6, "float32") == (1.0, "flop")
    assert roof.bound(0, 1e6, "float32") == (1e-5, "L2")
    assert roof.bound(0, 1e8, "float32") == (0.1, "DRAM")
    # What the registers allow stands above any product, and is what counts.
    roof.flops["float32"] = Best(2e9, "registers")
    assert roof.bound(1e9, 1e6, "float32") == (0.5, "flop")


def test_losses_come_first_and_means_are_geometric():
    assert report.geometric_mean([1.0, 4.0]) == pytest.approx(2.0)
    assert report.geometric_mean([]) is None
    options = Options(subject="numpy", peers=("torch",), groups=("overhead",))
    results = []
    for name, peer in (("wins", 4.0), ("loses", 0.25)):
        result = runner.Result(Row("overhead", name, lambda b: Work(lambda: None)))
        result.times = {"numpy": Timing((1e-6,) * 3, 1), "torch": Timing((peer * 1e-6,) * 3, 1)}
        results.append(result)
    from benchmarks.machine import describe

    suite = runner.Suite(options, describe(), {"numpy": "1", "torch": "2"}, Roof(), results)
    assert [r.row.name for _, _, r in report.losses(suite)] == ["loses"]
    assert report.group_means(suite)["overhead"]["torch"] == pytest.approx(1.0)
    text = report.text(suite)
    assert (
        text.index("| loses | torch |") < text.index("## Geometric means") < text.index("| wins |")
    )
    assert len(ET.fromstring(plot.svg(suite))) > 10


@pytest.mark.parametrize(
    "arguments",
    [["--group", "none"], ["--peers", "mlx"], ["--threads", "0"], ["--plot", "figure.pdf"],
     ["--json", "no/such/folder/run.json"]],
)  # fmt: skip
def test_bad_options(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        parse(arguments)
    assert stop.value.code == 2
    assert "error" in capsys.readouterr().err


def test_a_png_shows_the_peers_in_their_colours(tmp_path):
    """The file is decoded here: its size, its palette, and ink of every colour."""
    options = Options(subject="numpy", peers=("torch", "jax"), groups=("overhead",))
    result = runner.Result(Row("overhead", "a_row_100MB", lambda b: Work(lambda: None)))
    result.times = {
        name: Timing((seconds,) * 3, 1)
        for name, seconds in (("numpy", 1e-6), ("torch", 3e-6), ("jax", 2e-7))
    }
    suite = runner.Suite(options, {}, {}, Roof(), [result])
    plot.write(suite, tmp_path / "plot.png")
    data = (tmp_path / "plot.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(
            kind + body
        )
        chunks[kind], at = body, at + 12 + size
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    pixels = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not pixels[:, 0].any()
    palette = [chunks[b"PLTE"][i : i + 3].hex() for i in range(0, len(chunks[b"PLTE"]), 3)]
    for colour in ("d1495b", "3d8b5a"):  # in the legend and at the row
        assert (pixels[:, 1:] == palette.index(colour)).sum() > 200
    # Torch is slower and lies on the right, JAX on the left; the legend has them the other way.
    row = pixels[140:, 1:]
    right, left = (np.nonzero(row == palette.index(c))[1].mean() for c in ("d1495b", "3d8b5a"))
    assert left < right


def test_no_row_matches():
    with pytest.raises(SystemExit, match="no row matches 'nothing'"):
        runner.collect(Options(rows="nothing"))


def test_threads_are_the_same_for_all():
    settings = thread_environment(3)
    assert settings["OMP_NUM_THREADS"] == settings["PYGRAD_NUM_THREADS"] == "3"


def test_the_budget_is_kept():
    """Nothing costs more than benchmarks/budget.json allows."""
    done = benchmarks("--budget")
    exceeded = [line for line in done.stdout.splitlines() if "exceeded" in line]
    assert not exceeded, "\n".join(exceeded)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 2 + len(budget.applicable())


def test_the_budget_can_be_exceeded(monkeypatch, capsys, threads):
    """A limit below what anything can cost is reported, after all tries."""
    known = {item.name: item for item in budget.read()}
    tight = [replace(known["shape_attr"], limit=1e-3), replace(known["wheel"], limit=0.1)]
    generous = [replace(known["shape_attr"], limit=1e3)]
    monkeypatch.setattr(budget, "applicable", lambda: tight + generous)
    assert budget.run(refresh=False) == 1
    assert capsys.readouterr().out.count("**exceeded**") == 2


def test_the_budget_holds_operations_steps_and_the_package():
    units = {item.name: item.unit for item in budget.read()}
    for name in ("add_1elt", "add_1elt_grad", "item", "index_int"):
        assert units[name] == "ns"
    for name in ("moons_mlp_bce_b1", "mnist_mlp_sgd", "mnist_mlp_adam", "lenet_b64_sgd"):
        assert units[name] == "us"
    assert (units["import"], units["resident_after_import"], units["wheel"]) == ("ms", "MB", "MB")
    assert all(item.held <= item.limit for item in budget.read())


def test_refreshing_the_budget_keeps_its_limits(monkeypatch, tmp_path, threads):
    item = replace({i.name: i for i in budget.read()}["shape_attr"], figure=1.0, ratio=9.0)
    budget.write([budget.refreshed(item)], tmp_path / "budget.json")
    (again,) = budget.read(tmp_path / "budget.json")
    assert again.limit == item.limit
    assert again.ratio != 9.0
    assert again.figure > 1.0
