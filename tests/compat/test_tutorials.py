"""Models and training techniques of ordinary tutorials: pygrad computes what PyTorch computes."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "scripts"
# script -> the functions in it, each a training of its own
TUTORIALS = {
    "tutorial_models": ["resnet", "gan", "charlm", "transformer", "mingpt"],
    "tutorial_techniques": [
        "dqn",
        "reinforce",
        "customfn",
        "wgangp",
        "hvp",
        "hooks",
        "transfer",
        "accum_ema",
    ],
}
CASES = [(script, name) for script, names in TUTORIALS.items() for name in names]


def run_all(command: list[str]) -> dict[str, list[float]]:
    """What every tutorial returns, by its name."""
    results = {}
    for script, names in TUTORIALS.items():
        done = subprocess.run(
            [sys.executable, *command, str(SCRIPTS / f"{script}.py")],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout.splitlines()[-1])
        assert list(found) == names
        results.update(found)
    return results


@pytest.fixture(scope="module")
def ours() -> dict[str, list[float]]:
    return run_all(["-m", "pygrad", "run"])


@pytest.fixture(scope="module")
def theirs() -> dict[str, list[float]]:
    return run_all([])


@pytest.mark.parametrize(("script", "name"), CASES)
def test_tutorial_runs(script, name, ours):
    assert ours[name]
    assert all(map(math.isfinite, ours[name]))


@pytest.mark.torch
@pytest.mark.parametrize(("script", "name"), CASES)
def test_tutorial_agrees_with_pytorch(script, name, ours, theirs):
    assert ours[name] == pytest.approx(theirs[name], rel=1e-4, abs=1e-5)
