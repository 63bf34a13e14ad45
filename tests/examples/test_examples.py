"""The examples, run as a user runs them: they learn, and an interrupted run resumes exactly."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pygrad

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(script: str, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def final_accuracy(output: str) -> float:
    found = re.search(r"^test accuracy ([\d.]+) %", output, re.MULTILINE)
    assert found, output
    return float(found[1])


def needs_mnist() -> None:
    folder = os.environ.get("PYGRAD_DATA")
    if not folder or not (Path(folder) / "mnist").is_dir():
        pytest.skip("PYGRAD_DATA names no folder with mnist/")


def same_model(first: Path, second: Path) -> bool:
    a, b = pygrad.load(first), pygrad.load(second)
    return all(pygrad.equal(a["model"][name], b["model"][name]) for name in a["model"])


def test_digits_learns_and_reports(tmp_path):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    output = run("digits.py", tmp_path)
    assert final_accuracy(output) > 88  # other writers than in training
    lines = output.splitlines()
    assert "\r" not in output  # not a terminal: one line an epoch
    assert re.fullmatch(
        r"epoch 1/30  loss [\d.]+  test accuracy [\d.]+ %  [\d,]+ samples/s  [\d.]+ s", lines[0]
    )
    assert (tmp_path / "digits.pt").exists()


def test_example_of_the_readme(tmp_path):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    (tmp_path / "readme.py").write_text(code, encoding="utf-8")
    lines = run(str(tmp_path / "readme.py"), tmp_path).splitlines()
    assert len(lines) == 10
    found = re.fullmatch(r"epoch 9: loss [\d.]+, ([\d.]+)% of the test images right", lines[-1])
    assert found, lines
    assert float(found[1]) > 80  # other writers than in training
    assert (tmp_path / "digits.pt").exists()


def test_digits_resumes_exactly(tmp_path):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    run("digits.py", tmp_path, "--epochs", "4", "--checkpoint", "through.pt")
    run("digits.py", tmp_path, "--epochs", "4", "--checkpoint", "parts.pt", "--stop-after", "2")
    assert not same_model(tmp_path / "through.pt", tmp_path / "parts.pt")
    output = run("digits.py", tmp_path, "--epochs", "4", "--checkpoint", "parts.pt", "--resume")
    assert "resumed from parts.pt after epoch 2" in output
    assert same_model(tmp_path / "through.pt", tmp_path / "parts.pt")


def test_digits_does_not_resume_another_run(tmp_path):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    run("digits.py", tmp_path, "--epochs", "2", "--stop-after", "1")
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "digits.py"), "--epochs", "2", "--lr", "0.5", "--resume"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "other settings (lr)" in done.stderr


def test_progress_line_on_a_terminal(tmp_path):
    pty = pytest.importorskip("pty")
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "digits.py"), "--epochs", "60"],
        cwd=tmp_path,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:  # the other side was closed
            break
        if not chunk:
            break
        seen += chunk
    os.close(ours)
    assert process.wait(timeout=60) == 0, seen.decode()
    assert re.search(
        rb"\repoch \d+/60  batch \d+/\d+  loss [\d.]+  [\d,]+ samples/s  \d+:\d\d left", seen
    )


@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_mnist_learns_from_a_part(model, tmp_path):
    needs_mnist()
    output = run("mnist.py", tmp_path, "--model", model, "--limit", "3000", "--epochs", "2")
    assert final_accuracy(output) > 85


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "epochs", "least"), [("mlp", "5", 97.5), ("cnn", "3", 98.8)], ids=["mlp", "cnn"]
)
def test_mnist_accuracy(model, epochs, least, tmp_path):
    needs_mnist()
    output = run("mnist.py", tmp_path, "--model", model, "--epochs", epochs)
    assert final_accuracy(output) >= least
