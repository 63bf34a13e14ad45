"""Threads: same bits for every number of them, Python threads side by side, fork."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

import pygrad
import pygrad.nn.functional as F
from pygrad import _C
from tests.opinfo.record import to_numpy

BIG = 70_001  # above what one thread keeps to itself


def rand(*shape):
    return pygrad.rand(*shape) - 0.5


CASES = {
    "add": lambda: rand(BIG) + rand(BIG),
    "exp": lambda: rand(BIG).exp(),
    "broadcast": lambda: rand(300, 1) * rand(1, 301),
    "strided": lambda: rand(300, 301).t() + 1,
    "sum": lambda: rand(BIG * 4).sum(),
    "sum_rows": lambda: rand(311, 401).sum(1),
    "sum_columns": lambda: rand(311, 401).sum(0),
    "mean_half": lambda: rand(BIG).half().mean(),
    "prod": lambda: (rand(BIG) * 0.001 + 1).prod(),
    "var": lambda: rand(311, 401).var(0),
    "norm": lambda: rand(BIG * 2).norm(),
    "max": lambda: rand(BIG).max(),
    "argmax": lambda: rand(311, 401).argmax(1),
    "softmax": lambda: rand(311, 401).softmax(1),
    "log_softmax": lambda: rand(311, 401).log_softmax(0),
    "matmul": lambda: rand(193, 257) @ rand(257, 131),
    "matmul_tall": lambda: rand(2000, 64) @ rand(64, 10),
    "matmul_deep": lambda: rand(16, 5000) @ rand(5000, 16),
    "matmul_half": lambda: rand(100, 300).bfloat16() @ rand(300, 80).bfloat16(),
    "bmm": lambda: pygrad.bmm(rand(7, 33, 65), rand(7, 65, 41)),
    "mv": lambda: rand(900, 500) @ rand(500),
    "dot": lambda: rand(BIG) @ rand(BIG),
    "linear": lambda: F.linear(rand(128, 784), rand(128, 784), rand(128)),
    "conv2d": lambda: F.conv2d(rand(8, 3, 20, 20), rand(16, 3, 3, 3), rand(16), padding=1),
    "conv2d_grouped": lambda: F.conv2d(rand(4, 8, 20, 20), rand(8, 1, 3, 3), groups=8),
    "max_pool2d": lambda: F.max_pool2d(rand(8, 16, 20, 20), 2),
    "avg_pool2d": lambda: F.avg_pool2d(rand(8, 16, 20, 20), 2),
    "batch_norm": lambda: F.batch_norm(rand(64, 32, 7, 7), None, None, training=True),
    "layer_norm": lambda: F.layer_norm(rand(300, 257), (257,)),
    "attention": lambda: F.scaled_dot_product_attention(
        rand(3, 170, 40), rand(3, 300, 40), rand(3, 300, 24), is_causal=True, dropout_p=0.1
    ),
    "lstm": lambda: pygrad.lstm(
        rand(6, 40, 30),
        [rand(1, 40, 70)] * 2,
        [rand(280, 30), rand(280, 70)],
        False,
        1,
        0.0,
        False,
        False,
        False,
    )[0],
    "cross_entropy": lambda: F.cross_entropy(rand(512, 100), pygrad.randint(0, 100, (512,))),
    "cumsum": lambda: rand(BIG).cumsum(0),
    "sort": lambda: rand(BIG).sort().values,
    "topk": lambda: rand(300, 500).topk(5).values,
    "gather": lambda: rand(300, 301).gather(1, pygrad.randint(0, 301, (300, 200))),
    "index_add": lambda: pygrad.zeros(50, 8).index_add(
        0, pygrad.randint(0, 50, (5000,)), rand(5000, 8)
    ),
    "scatter_add": lambda: pygrad.zeros(100).scatter_add(
        0, pygrad.randint(0, 100, (20000,)), rand(20000)
    ),
    "embedding": lambda: F.embedding(pygrad.randint(0, 50, (4000,)), rand(50, 16)),
    "where": lambda: pygrad.where(rand(BIG) > 0, rand(BIG), rand(BIG)),
    "cat": lambda: pygrad.cat([rand(300, 200), rand(300, 201)], 1),
    "copy": lambda: rand(301, 300).t().contiguous(),
    "cast": lambda: rand(BIG).half(),
    "random": lambda: pygrad.randn(BIG),
    "dropout": lambda: F.dropout(rand(BIG), 0.3),
}


def bits(name):
    pygrad.manual_seed(3)
    return to_numpy(CASES[name]()).tobytes()


@pytest.mark.parametrize("name", CASES)
def test_same_bits_for_every_number_of_threads(name, threads):
    threads(1)
    expected = bits(name)
    for n in (2, 3, 5, 64):
        threads(n)
        assert bits(name) == expected, f"{name} differs with {n} threads"


def test_same_bits_of_gradients(threads):
    def run():
        pygrad.manual_seed(5)
        x = rand(16, 3, 12, 12).requires_grad_()
        w = rand(8, 3, 3, 3).requires_grad_()
        v = rand(8 * 36, 10).requires_grad_()
        h = F.max_pool2d(
            F.relu(F.batch_norm(F.conv2d(x, w, padding=1), None, None, training=True)), 2
        )
        table = rand(20, 10).requires_grad_()
        logits = h.flatten(1) @ v + F.embedding(pygrad.randint(0, 20, (16,)), table)
        F.cross_entropy(F.layer_norm(logits, (10,)), pygrad.randint(0, 10, (16,))).backward()
        return [to_numpy(t.grad).tobytes() for t in (x, w, v, table)]

    threads(1)
    expected = run()
    for n in (2, 3, 5):
        threads(n)
        assert run() == expected, f"{n} threads"


def test_same_bits_of_recurrent_gradients(threads):
    pygrad.manual_seed(5)
    layer = pygrad.nn.GRU(30, 70, 2, bidirectional=True, batch_first=True)
    x = rand(40, 6, 30)

    def run():
        layer.zero_grad()
        layer(x)[0].square().sum().backward()
        return [to_numpy(p.grad).tobytes() for p in layer.parameters()]

    threads(1)
    expected = run()
    for n in (2, 3, 5):
        threads(n)
        assert run() == expected, f"{n} threads"


def test_same_bits_of_attention_gradients(threads):
    def run():
        pygrad.manual_seed(5)
        q, k, v = (rand(2, 3, n, 24).requires_grad_() for n in (150, 400, 400))
        F.scaled_dot_product_attention(q, k, v, dropout_p=0.2).square().sum().backward()
        return [to_numpy(t.grad).tobytes() for t in (q, k, v)]

    threads(1)
    expected = run()
    for n in (2, 3, 5):
        threads(n)
        assert run() == expected, f"{n} threads"


def test_python_threads_compute_side_by_side(threads):
    threads(2)
    failures = []

    def work(k):
        try:
            x = pygrad.full((200, 200), float(k), requires_grad=True)
            for _ in range(10):
                y = (x @ x).sum()
                assert y.item() == 200.0**3 * k * k
                y.backward()
                assert x.grad[0, 0].item() == 400.0 * k
                x.grad = None
        except BaseException as error:
            failures.append(error)

    running = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for t in running:
        t.start()
    for t in running:
        t.join(120)
        assert not t.is_alive()
    assert not failures, failures


def test_grad_mode_belongs_to_its_thread():
    seen = []
    with pygrad.no_grad():
        t = threading.Thread(target=lambda: seen.append(pygrad.is_grad_enabled()))
        t.start()
        t.join()
    assert seen == [True]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_the_pool_works_in_a_forked_child(threads):
    threads(3)
    expected = bits("matmul")  # the pool is running
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(read)
            _C.set_num_threads(2)
            ok = bits("matmul") == expected and bits("sum") == bits("sum")
            os.write(write, b"same" if ok else b"differs")
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert answer == b"same"
    assert bits("matmul") == expected


def test_number_of_threads():
    before = pygrad.get_num_threads()
    assert before >= 1
    try:
        pygrad.set_num_threads(3)
        assert pygrad.get_num_threads() == 3
        for wrong in (0, -1):
            with pytest.raises((RuntimeError, ValueError)):
                pygrad.set_num_threads(wrong)
        with pytest.raises(TypeError):
            pygrad.set_num_threads("2")
    finally:
        pygrad.set_num_threads(before)


def seconds_a_run(run, least=0.04):
    """Seconds that a run takes, over a short while."""
    run()
    start, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < least:
        run()
        count += 1
    return elapsed / count


def training_step():
    """The step of a small network: many short parallel loops, one after the other."""
    net = pygrad.nn.Sequential(
        pygrad.nn.Linear(784, 128), pygrad.nn.ReLU(), pygrad.nn.Linear(128, 10)
    )
    sgd = pygrad.optim.SGD(net.parameters(), lr=0.01)
    x, target = rand(512, 784), pygrad.randint(0, 10, (512,))

    def step():
        sgd.zero_grad()
        F.cross_entropy(net(x), target).backward()
        sgd.step()

    return step


def least_ratio(slow, fast, tries=8, enough=1.5):
    """The least of the ratios slow() over fast(), taken in pairs: noise passes, collapse stays."""
    ratios = []
    for _ in range(tries):
        ratios.append(slow() / fast())
        if ratios[-1] < enough:
            break
    return min(ratios)


@pytest.mark.parametrize("many", [8, 64])
def test_more_threads_than_processors_do_not_collapse(many, threads):
    run = training_step()

    def timed(n):
        threads(n)
        return seconds_a_run(run)

    assert least_ratio(lambda: timed(many), lambda: timed(2)) < 2.5


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs sched_setaffinity")
@pytest.mark.parametrize("which", [0, -1])
def test_no_collapse_beside_a_busy_process(which, threads):
    """Another process takes one of the processors; waiting for its turns must not add up."""
    threads(2)
    run = training_step()
    processor = sorted(os.sched_getaffinity(0))[which]
    code = (
        f"import os; os.sched_setaffinity(0, {{{processor}}}); parent = os.getppid()\n"
        "print(flush=True)\nwhile os.getppid() == parent: sum(range(10000))"
    )

    def beside():
        busy = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        try:
            busy.stdout.readline()
            return seconds_a_run(run, 0.15)
        finally:
            busy.kill()
            busy.communicate()

    assert least_ratio(beside, lambda: seconds_a_run(run)) < 4


@pytest.mark.parametrize("operator", ["matmul", "add"])
def test_operators_let_other_threads_run(operator, lets_others_run):
    """A large operation gives up the interpreter's lock; a small one is not worth the hand-over."""
    x = pygrad.ones(1200, 1200) if operator == "matmul" else pygrad.ones(4000, 4000)

    def run(x):
        result = x @ x if operator == "matmul" else x + x
        # Reading a value runs what was deferred.
        assert result[0, 0].item() == (1200 if operator == "matmul" else 2)

    assert lets_others_run(lambda: x, run)
