"""The import hook: what it gives, what it refuses, what it leaves behind."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs code in an interpreter of its own; the hook changes what `import torch` means."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def check(code: str) -> str:
    done = python(code)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_names_are_pygrads_own_modules():
    check("""
        import pygrad, pygrad.compat
        spec = pygrad.__spec__
        pygrad.compat.install()
        pygrad.compat.install()
        import torch, torch.nn, torch.nn.functional as F, torch.optim.lr_scheduler, torch.autograd
        import torch.cuda, torch.utils.data
        from torch.optim import SGD
        from torch.utils.data import DataLoader
        assert torch is pygrad and torch.nn is pygrad.nn and F is pygrad.nn.functional
        assert SGD is pygrad.optim.SGD and torch.utils.data is pygrad.utils.data
        assert pygrad.__spec__ is spec and pygrad.__name__ == "pygrad"
        import torchvision, torchvision.transforms as transforms
        from torchvision.datasets import MNIST
        assert torchvision is pygrad.vision and MNIST is pygrad.vision.datasets.MNIST
        import pickle
        assert pickle.loads(pickle.dumps(torch.ones(2))).tolist() == [1.0, 1.0]
    """)


def test_variable_of_old_scripts():
    check("""
        import pygrad.compat
        pygrad.compat.install()
        import torch
        from torch.autograd import Variable
        data = torch.ones(2)
        x = Variable(data, requires_grad=True)
        (x * x).sum().backward()
        assert x.grad.tolist() == [2.0, 2.0] and x.data_ptr() == data.data_ptr()
        assert isinstance(data, Variable) and not isinstance(3, Variable)
        assert not Variable(x).requires_grad
        try:
            Variable([1.0])
        except TypeError as error:
            assert "must be a Tensor" in str(error)
        else:
            raise AssertionError("a list is no tensor")
    """)


def test_missing_submodules_never_reach_another_package():
    check("""
        import pygrad.compat, sys
        pygrad.compat.install()
        for name in ("torch.no_such_module", "torch.nn.no_such_module", "torchvision.nothing"):
            try:
                __import__(name)
            except ModuleNotFoundError as error:
                assert error.name == name and "pygrad stands for" in str(error), error
            else:
                raise AssertionError(name)
            assert name not in sys.modules
        import torch
        assert torch.tensor(1).item() == 1
    """)


def test_uninstall_takes_the_names_back():
    check("""
        import sys, pygrad, pygrad.compat
        pygrad.compat.install()
        import torch, torch.nn
        assert pygrad.compat.installed()
        pygrad.compat.uninstall()
        pygrad.compat.uninstall()
        assert not pygrad.compat.installed()
        assert not any(n.split(".")[0] == "torch" for n in sys.modules)
        assert pygrad.tensor(1).item() == 1 and pygrad.nn is torch.nn
    """)


def test_a_real_package_that_is_imported_is_left_alone():
    done = python("""
        import sys, types
        sys.modules["torch"] = types.ModuleType("torch")
        import pygrad.compat
        pygrad.compat.install()
    """)
    assert done.returncode == 1
    assert "the real 'torch' is imported already" in done.stderr


def test_nothing_is_loaded_before_it_is_asked_for():
    out = check("""
        import sys, pygrad.compat
        pygrad.compat.install()
        import torch
        print(sorted(n for n in sys.modules if n in ("numpy", "pygrad.vision", "pygrad.trainer")))
    """)
    assert out.strip() == "[]"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_have_the_names_too(tmp_path, method):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
            import multiprocessing
            import torch

            def work(n):
                import torch.nn
                return torch.ones(n).sum().item()

            if __name__ == "__main__":
                with multiprocessing.get_context("{method}").Pool(1) as pool:
                    print(pool.map(work, [1, 2]))
        """)
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "pygrad", "run", str(script)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[1.0, 2.0]"
