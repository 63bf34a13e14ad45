"""``python -m pygrad``: env, inspect, run; and finding the extension from the source folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import pygrad


def command(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pygrad", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


def test_env():
    done = command("env")
    assert done.returncode == 0, done.stderr
    found = dict(line.split("  ", 1) for line in done.stdout.splitlines())
    assert found["pygrad"].strip() == pygrad.__version__
    assert found["cuda available"].strip() == str(pygrad.cuda.is_available())
    assert found["threads"].split()[0] == str(pygrad.get_num_threads())


def test_usage():
    assert command("--help").returncode == 0
    for arguments in ((), ("nonsense",), ("inspect",), ("run",), ("env", "more")):
        done = command(*arguments)
        assert done.returncode == 2
        assert done.stderr.startswith("usage:")
        assert done.stdout == ""


def test_inspect(tmp_path):
    path = tmp_path / "a.pt"
    pygrad.save({"model": {"w": pygrad.ones(2, 3)}, "epoch": 3, "list": [pygrad.ones(())]}, path)
    done = command("inspect", path)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["model.w", "float32", "2x3"] in lines
    assert ["epoch", "int", "3"] in lines
    assert ["list[0]", "float32", "scalar"] in lines
    assert "28 bytes of tensors" in done.stdout
    for bad in (tmp_path / "missing.pt", __file__):
        done = command("inspect", bad)
        assert done.returncode == 1
        assert done.stderr.startswith("inspect: ")
        assert "Traceback" not in done.stderr


@pytest.fixture
def script(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "folder" / "script.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    return write


def test_run_looks_like_the_interpreter(script):
    path = script("""
        import sys, os
        import neighbour
        print(__name__, __file__ == sys.argv[0], sys.argv[1:], os.path.basename(sys.path[0]))
        print(sys.modules["__main__"].__dict__ is globals(), neighbour.value)
    """)
    (path.parent / "neighbour.py").write_text("value = 7")
    done = command("run", path, "--flag", "x y", "-h")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "__main__ True ['--flag', 'x y', '-h'] folder",
        "True 7",
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("import sys; sys.exit(7)", 7),
        ("raise SystemExit", 0),
        ("raise SystemExit('bad')", 1),
        ("1/0", 1),
    ],
)
def test_run_keeps_exit_codes(script, text, code):
    assert command("run", script(text)).returncode == code


def test_run_keeps_tracebacks(script):
    path = script("def f():\n    raise ValueError('the reason')\n\nf()\n")
    ours = command("run", path).stderr
    theirs = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, check=False
    ).stderr
    assert ours == theirs
    assert "SyntaxError" in command("run", script("def")).stderr
    done = command("run", path.parent / "missing.py")
    assert done.returncode == 2
    assert "cannot open" in done.stderr


# ------------------------------------------------------------ sources without the extension


@pytest.fixture
def sources(tmp_path) -> Path:
    """A folder with the package's Python files only, as a checkout has it."""
    package = Path(pygrad.__file__).parent
    shutil.copytree(
        package, tmp_path / "root" / "pygrad", ignore=shutil.ignore_patterns("*.so", "__pycache__")
    )
    return tmp_path / "root"


def extension() -> Path:
    from pygrad import _C

    return Path(_C.__file__)


def run_in(
    folder: Path, code: str, path: str, isolated: bool = False
) -> subprocess.CompletedProcess[str]:
    flags = ["-S"] if isolated else []  # -S: no site-packages
    return subprocess.run(
        [sys.executable, *flags, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_sources_find_an_installed_extension(sources):
    code = "import pygrad; from pygrad import _C; print(pygrad.__file__); print(_C.__file__)"
    done = run_in(sources, code, str(extension().parent.parent), isolated=True)
    assert done.returncode == 0, done.stderr
    package, native = map(Path, done.stdout.splitlines())
    assert package.is_relative_to(sources)
    assert native == extension()


def test_sources_alone_say_what_to_do(sources):
    done = run_in(sources, "import pygrad", "", isolated=True)
    assert done.returncode == 1
    assert "ImportError: pygrad is not built" in done.stderr
    assert "pip install ." in done.stderr


def test_another_version_is_refused(sources):
    (sources / "pygrad" / "version.py").write_text('__version__ = "99.0.0"\n')
    done = run_in(sources, "import pygrad", str(extension().parent.parent), isolated=True)
    assert done.returncode == 1
    assert "but the sources are version 99.0.0" in done.stderr
