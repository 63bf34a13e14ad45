"""Deferred pointwise operations: the same bits, the same errors, no more memory, no stale values.

The threshold is set to one element, so that every small tensor here goes the way of a large one.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pygrad as torch
from pygrad import _C

EAGER = None


@pytest.fixture(autouse=True)
def deferring() -> Iterator[None]:
    before = _C.get_deferral_threshold()
    _C.set_deferral_threshold(1)
    yield
    _C.set_deferral_threshold(before)


def eagerly(f: Callable[[], Any]) -> Any:
    """f() with every operation run at once."""
    before = _C.get_deferral_threshold()
    _C.set_deferral_threshold(EAGER)
    try:
        return f()
    finally:
        _C.set_deferral_threshold(before)


def bits(*tensors: torch.Tensor) -> list[bytes]:
    return [t.detach().contiguous().numpy().tobytes() for t in tensors]


def numbers(*shape: int, dtype: Any = torch.float32, seed: int = 0) -> torch.Tensor:
    values = np.random.default_rng(seed).standard_normal(shape)
    return torch.tensor(values, dtype=dtype)


def allocated() -> int:
    return int(_C.memory_stats()["allocated"])


def peak_of(f: Callable[[], Any]) -> int:
    """The bytes that f needs at most on top of what is there."""
    base = allocated()
    _C.reset_peak_memory_stats()
    f()
    return int(_C.memory_stats()["max_allocated"]) - base


# ------------------------------------------------------------------------------ the same bits
CHAINS: dict[str, Callable[..., torch.Tensor]] = {
    "numbers": lambda x, y, r, c: (x * 1.5 + 0.5) * 0.75 - 3,
    "gelu": lambda x, y, r, c: 0.5 * x * (1 + torch.tanh(0.79788 * (x + 0.044715 * x**3))),
    "squares": lambda x, y, r, c: ((x - y) ** 2).mean(),
    "row": lambda x, y, r, c: torch.relu(x * r + r) - r,
    "column": lambda x, y, r, c: (x - c) / (c * c + 1),
    "both": lambda x, y, r, c: torch.sigmoid(x * c + r) * r,
    "row_alone": lambda x, y, r, c: x + r,
    "column_first": lambda x, y, r, c: c - x,
    "outer": lambda x, y, r, c: (r * c) * x,
    "functions": lambda x, y, r, c: torch.log(torch.exp(x).clamp(0.1, 9.0)).sin().abs().sqrt(),
    "ternary": lambda x, y, r, c: torch.addcmul(x, y, r, value=0.3).addcdiv(y, c.abs() + 1).neg(),
    "alpha": lambda x, y, r, c: torch.add(x, y, alpha=0.7) - torch.sub(y, x, alpha=2),
    "activations": lambda x, y, r, c: torch.nn.functional.silu(torch.nn.functional.elu(x * 2)),
    "shared": lambda x, y, r, c: (lambda u: u * u + u / (u.exp() + 1))(x + y),
    "reshaped": lambda x, y, r, c: (x + y).reshape(-1).exp().reshape(x.shape) * x,
    "transposed": lambda x, y, r, c: (x + 1).t() * (y + 1).t(),
    "sliced": lambda x, y, r, c: (x * 2)[1:] + (y * 3)[:-1],
    "integers": lambda x, y, r, c: x + (x * 2).to(torch.int32) * 2 + (x > 0),
    "powers": lambda x, y, r, c: (x * x + 1) ** 0.5 + 2**x,
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (37, 129), (2, 9001), (9001, 2), (150, 300)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["f32", "f64"])
def test_values_and_gradients_have_the_bits_of_eager(
    name: str, shape: tuple[int, int], dtype: Any
) -> None:
    def results() -> list[bytes]:
        x, y = numbers(*shape, dtype=dtype), numbers(*shape, dtype=dtype, seed=1)
        r, c = numbers(shape[1], dtype=dtype, seed=2), numbers(shape[0], 1, dtype=dtype, seed=3)
        plain = CHAINS[name](x, y, r, c)
        leaves = [t.requires_grad_() for t in (x, y, r, c)]
        z = CHAINS[name](*leaves)
        z.sum().backward()
        return bits(plain, z, *[t.grad for t in leaves if t.grad is not None])

    assert results() == eagerly(results)


@pytest.mark.parametrize("isa_name", _C.available_isas())
def test_each_instruction_set_and_thread_count(
    isa_name: str, isa: Callable[[str], None], threads: Callable[[int], None]
) -> None:
    isa(isa_name)
    x, r = numbers(7, 30011), numbers(30011, seed=1)
    x[3, 5], x[2, 9] = float("nan"), float("inf")

    def result() -> list[bytes]:
        return bits(torch.tanh(x * r + 0.3) / (x - r))

    expected = eagerly(result)
    for n in (1, 2, 5):
        threads(n)
        assert result() == expected


# ------------------------------------------------------------------------------ no stale values
def mutate_by_op(x: torch.Tensor) -> None:
    x.mul_(3)


def mutate_part(x: torch.Tensor) -> None:
    x[1:3].zero_()


def mutate_by_index(x: torch.Tensor) -> None:
    x[0] = 5.0


def mutate_by_copy(x: torch.Tensor) -> None:
    x.copy_(torch.ones(4, 5))


def mutate_data(x: torch.Tensor) -> None:
    x.data.add_(1)


def mutate_by_out(x: torch.Tensor) -> None:
    torch.exp(torch.ones(4, 5), out=x)


def mutate_by_numpy(x: torch.Tensor) -> None:
    x.numpy()[:] = 7


def mutate_by_fill(x: torch.Tensor) -> None:
    x.fill_(2)


def mutate_by_random(x: torch.Tensor) -> None:
    x.normal_()


def mutate_by_storage(x: torch.Tensor) -> None:
    memoryview(x.untyped_storage()).cast("B")[:4] = b"\x00\x00\x80\x3f"


def mutate_by_resize(x: torch.Tensor) -> None:
    x.resize_(100)


MUTATIONS = [f for name, f in sorted(globals().items()) if name.startswith("mutate_")]


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("pending_input", [False, True])
def test_operands_may_be_changed_after_the_op(
    mutate: Callable[[torch.Tensor], None], pending_input: bool
) -> None:
    def results() -> list[bytes]:
        torch.manual_seed(1)
        x = numbers(4, 5)
        if pending_input:
            x = x + 1
        y = x * 2 + 1
        z = x.exp()
        mutate(x)
        return bits(y, z * y, x)

    assert results() == eagerly(results)


def test_memory_whose_address_was_given_away_is_read_at_once() -> None:
    x = torch.zeros(6)
    shared = x.numpy()
    y = x + 1
    shared[:] = 5
    assert y.tolist() == [1.0] * 6
    assert (x + 1).tolist() == [6.0] * 6

    array = np.zeros(6, np.float32)
    z = torch.from_numpy(array) + 1
    array[:] = 5
    assert z.tolist() == [1.0] * 6

    v = torch.zeros(6)
    other = np.from_dlpack(v)
    w = v + 1
    try:
        other.flags.writeable = True
        other[:] = 5
    except ValueError:  # this NumPy exports read-only arrays
        v.fill_(5)
    assert w.tolist() == [1.0] * 6


def test_a_pending_value_can_be_exported() -> None:
    x = torch.ones(5)
    assert (x * 2).numpy().tolist() == [2.0] * 5
    assert np.from_dlpack(x * 3).tolist() == [3.0] * 5
    assert memoryview(x * 4).tolist() == [4.0] * 5
    assert (x * 5).tolist() == [5.0] * 5
    assert (x * 6)[2].item() == 6.0
    assert pickle.loads(pickle.dumps(x * 7)).tolist() == [7.0] * 5
    y = x * 8
    address = y.data_ptr()
    y.add_(1)
    assert y.data_ptr() == address and y.tolist() == [9.0] * 5
    assert "10." in repr(x * 10)


def test_an_exported_array_follows_later_writes() -> None:
    y = torch.ones(4) * 2
    array = y.numpy()
    y.mul_(3)
    y.add_(1)
    assert array.tolist() == [7.0] * 4


def test_in_place_chains() -> None:
    def results() -> list[bytes]:
        x, out = numbers(6, 7), []
        y = x.mul(2)
        view = y[2:]
        out.append(y + 1)
        y.add_(x).mul_(0.5)
        out.append(view * 2)
        y.sub_(out[0])
        out.append(y.exp())
        y.relu_()
        x.add_(y)
        x.mul_(x)
        out.append(x / 2)
        x.sigmoid_()
        torch.exp(y, out=x)
        torch.add(x, 1, out=x)
        return bits(*out, x, y, view)

    assert results() == eagerly(results)


def test_views_of_a_pending_value_in_another_dtype() -> None:
    def results() -> list[bytes]:
        x = numbers(8) * 2
        read = x.view(torch.float64) * 2
        y = numbers(8) * 2
        y.view(torch.float64).mul_(3)
        return bits(read, x, y + 1, y)

    assert results() == eagerly(results)


def test_overwriting_a_pending_in_place_value_that_others_still_read() -> None:
    x, z = torch.full((5,), 3.0), torch.zeros(5)
    x.mul_(2)  # pending, from its own bytes
    y = x + 1
    torch.exp(z, out=x)  # does not read x
    assert x.tolist() == [1.0] * 5
    assert y.tolist() == [7.0] * 5


def test_in_place_on_a_needed_value_is_still_refused() -> None:
    x = numbers(5).requires_grad_()
    y = (x * 2).exp()
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        y.sum().backward()


def test_gradients_through_in_place_ops_and_views() -> None:
    def results() -> list[bytes]:
        x = numbers(6, 4).requires_grad_()
        y = x * 2
        y[1:3].mul_(3)
        y.tanh_()
        v = y.t()
        (v * v + y[0].unsqueeze(1)).sum().backward()
        first = x.grad.clone()
        (x * x).sum().backward()  # into the gradient that is there
        return bits(first, x.grad)

    assert results() == eagerly(results)


def test_second_derivatives_and_retained_graphs() -> None:
    def results() -> list[bytes]:
        x = numbers(9).requires_grad_()
        y = (torch.tanh(x) * x).sum()
        (g,) = torch.autograd.grad(y, x, create_graph=True)
        (h,) = torch.autograd.grad((g * g).sum(), x, retain_graph=True)
        (again,) = torch.autograd.grad((g * g).sum(), x)
        return bits(g, h, again)

    assert results() == eagerly(results)


def test_anomaly_mode_names_the_node() -> None:
    x = torch.zeros(3, requires_grad=True)
    with torch.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="returned nan"):
        (torch.sqrt(x) * 0).sum().backward()


def test_inference_mode_and_no_grad() -> None:
    with torch.inference_mode():
        x = torch.ones(4) * 2 + 1
        x.mul_(2)
    assert x.tolist() == [6.0] * 4
    with torch.no_grad():
        y = torch.ones(4) * 2
        y.add_(1)
    assert y.tolist() == [3.0] * 4


def test_a_training_loop_with_updates_written_as_ops() -> None:
    def results() -> list[bytes]:
        w, target = numbers(8, 8).requires_grad_(), numbers(8, 8, seed=1)
        m, v = torch.zeros(8, 8), torch.zeros(8, 8)
        for step in range(1, 6):
            loss = ((torch.tanh(w) - target) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                g = w.grad
                m.mul_(0.9).add_(g, alpha=0.1)
                v.mul_(0.99).addcmul_(g, g, value=0.01)
                w -= 0.1 * (m / (1 - 0.9**step)) / ((v / (1 - 0.99**step)).sqrt() + 1e-8)
            w.grad = None
        return bits(w, m, v, loss)

    assert results() == eagerly(results)


# ------------------------------------------------------------------------------ bounds
def test_long_chains_are_cut() -> None:
    x = torch.zeros(3)
    for _ in range(5000):
        x = x + 1
    assert x.tolist() == [5000.0] * 3
    many = [torch.zeros(3) + i for i in range(200)]
    assert [t[0].item() for t in many] == list(range(200))


def test_values_between_are_never_stored() -> None:
    n, one = 1 << 18, 4 << 18
    x = torch.ones(n)

    def chain() -> None:
        y = x
        for _ in range(20):
            y = y * 1.5 + 0.5
        y.sum()

    assert peak_of(chain) <= one + 4096


def test_a_dying_operand_gives_its_memory_to_the_result() -> None:
    n, one = 1 << 18, 4 << 18

    def update() -> None:
        x = torch.ones(n)
        for _ in range(5):
            x = x * 2 + 1
            x[0].item()

    assert peak_of(update) <= one + 4096


def sums_of_dying_pairs() -> list[torch.Tensor]:
    return [torch.ones(1 << 16) + torch.ones(1 << 16) for _ in range(12)]


def kept_steps() -> list[torch.Tensor]:
    x, kept = torch.ones(1 << 16), []
    for _ in range(10):
        x = torch.exp(x * 0.1)
        kept.append(x)
        x = x - 1
    return kept


def backward() -> None:
    x = torch.ones(1 << 16, requires_grad=True)
    y = x
    for _ in range(6):
        y = torch.tanh(y * 1.1) + y
    y.sum().backward()


@pytest.mark.parametrize("program", [sums_of_dying_pairs, kept_steps, backward])
def test_the_peak_of_memory_is_not_above_eager(program: Callable[[], Any]) -> None:
    assert peak_of(program) <= eagerly(lambda: peak_of(program)) + 65536


def test_results_that_die_unread_are_computed_and_freed() -> None:
    before = allocated()
    x = torch.ones(1 << 16)
    for _ in range(100):
        y = x * 2
        z = y + 1
        del y, z
        x.add_(1)
        y = x - 1
        y[0].item()
        x.mul_(2)
        z = x * y
        x = torch.ones(1 << 16)
        z[0].item()  # the old x was changed in its own memory and only needed for z
        del y, z
    del x
    assert allocated() == before


def test_other_threads_run_while_a_value_is_computed(lets_others_run) -> None:
    x = torch.ones(1 << 22)
    assert lets_others_run(lambda: torch.tanh(x) * 2, lambda y: y.data_ptr())


def test_out_of_memory_is_raised_where_the_value_is_needed() -> None:
    row, column = torch.empty(1 << 23), torch.empty(1 << 24, 1)
    y = torch.exp(row + column)  # 512 TiB
    other = row[:3] * 0 + 1
    for _ in range(2):
        with pytest.raises(RuntimeError, match="out of memory"):
            y.sum()
    assert other.tolist() == [1.0] * 3
    del y
    with pytest.raises(RuntimeError, match="out of memory"):
        torch.empty(1 << 24) + torch.empty(1 << 25, 1)


def test_settings() -> None:
    torch.backends.cpu.deferral_threshold = 77
    assert torch.backends.cpu.deferral_threshold == 77
    torch.backends.cpu.deferral_threshold = None
    assert torch.backends.cpu.deferral_threshold is None
    with pytest.raises(ValueError, match="positive number of elements"):
        torch.backends.cpu.deferral_threshold = 0
    code = "import pygrad; print(pygrad._C.get_deferral_threshold())"
    for value, expected in (("123", "123"), ("0", "None"), ("x", "65536")):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYGRAD_DEFER": value},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == expected


# ------------------------------------------------------------------------------ threads, fork
def test_threads_may_need_the_same_value_at_once() -> None:
    for _ in range(50):
        x = torch.ones(1000) * 3
        y = (x + 1) * 2
        seen: list[float] = []
        workers = [
            threading.Thread(target=lambda t: seen.append(t.sum().item()), args=(t,))
            for t in (y, y, x, y + x)
        ]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        assert sorted(seen) == [3000.0, 8000.0, 8000.0, 11000.0]


def test_threads_note_and_run_their_own_chains() -> None:
    shared, failures = numbers(70000), []

    def work(k: int) -> None:
        for i in range(20):
            y = shared * k
            for _ in range(10):
                y = y + 1
            if bits(y) != bits(eager[k]):
                failures.append((k, i))

    def expected(k: int) -> torch.Tensor:
        y = shared * k
        for _ in range(10):
            y = y + 1
        return y

    eager = eagerly(lambda: [expected(k) for k in range(4)])
    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert not failures


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_can_run_what_waits() -> None:
    code = (
        "import os, pygrad\n"
        "y = pygrad.ones(100000) * 2 + 1\n"
        "pid = os.fork()\n"
        "assert y.sum().item() == 300000.0\n"
        "if pid == 0: os._exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYGRAD_DEFER": "1"},
        check=True,
        timeout=60,
    )
