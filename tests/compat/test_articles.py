"""Scripts as introductory articles print them, run by ``python -m pygrad run`` and by PyTorch."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pygrad

SCRIPTS = Path(__file__).parent / "scripts"
COMPARED = ["three_layers", "relu_classifier", "one_step", "regression"]


def pattern(*shape: int, scale: float = 1.0) -> pygrad.Tensor:
    """Numbers that look random and are the same everywhere."""
    count = math.prod(shape)
    values = [scale * math.sin(12.9898 * i + 78.233) for i in range(count)]
    return pygrad.tensor(values).reshape(shape)


def linear_state(*sizes: int) -> dict[str, pygrad.Tensor]:
    state = {}
    for i, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:], strict=False), 1):
        state[f"fc{i}.weight"] = pattern(fan_out, fan_in, scale=fan_in**-0.5)
        state[f"fc{i}.bias"] = pattern(fan_out, scale=0.1)
    return state


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> Path:
    """Images, labels and weights for both libraries, in a file that both read."""
    path = tmp_path_factory.mktemp("given") / "given.pt"
    pygrad.save(
        {
            "images": pattern(64, 1, 28, 28),
            "labels": pygrad.arange(64) % 10,
            "three_layers": linear_state(784, 128, 64, 10),
            "two_layers": linear_state(784, 128, 10),
            "regression": linear_state(2, 5, 1),
        },
        path,
    )
    return path


def run(command: list[str], script: str, *arguments: str) -> tuple[str, list[float]]:
    """What a script prints, and the numbers of its last line."""
    done = subprocess.run(
        [sys.executable, *command, str(SCRIPTS / f"{script}.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text, _, last = done.stdout.rstrip().rpartition("\n")
    return text, json.loads(last)


@pytest.mark.parametrize("script", COMPARED)
def test_script_runs(script, given):
    _, values = run(["-m", "pygrad", "run"], script, str(given))
    assert all(map(math.isfinite, values))


@pytest.mark.torch
@pytest.mark.parametrize("script", COMPARED)
def test_script_agrees_with_pytorch(script, given):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    text, ours = run(["-m", "pygrad", "run"], script, str(given))
    expected_text, theirs = run([], script, str(given))
    assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-5)
    if script == "regression":  # the printed tensors and the module, to the character
        head = text[: text.index("Epoch")]
        assert head == expected_text[: expected_text.index("Epoch")]


def test_mnist_script(tmp_path):
    folder = Path(os.environ.get("PYGRAD_DATA", "")) / "mnist"
    if not os.environ.get("PYGRAD_DATA") or not folder.is_dir():
        pytest.skip("PYGRAD_DATA names no folder with mnist/")
    _, (accuracy,) = run(["-m", "pygrad", "run"], "mnist", str(tmp_path / "data"))
    assert accuracy > 80


def test_lightning_script():
    _, (steps,) = run(["-m", "pygrad", "run"], "lightning_fit")
    assert steps == 200
