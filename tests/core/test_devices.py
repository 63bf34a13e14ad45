"""Devices: their names, what lies where, copies between them, and what is refused."""

from __future__ import annotations

import copy
import gc
import pickle
import threading

import numpy as np
import pytest

import pygrad
from pygrad import _C
from pygrad.autograd import gradcheck

LAYOUTS = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.transpose(0, 2),
    "sliced": lambda x: x[:, ::2],
    "offset": lambda x: x[1],
    "expanded": lambda x: x[:, :1].expand(4, 5, 6),
    "column": lambda x: x[..., -1],
    "empty": lambda x: x[:0],
}
DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "uint8", "bool", "complex64")


@pytest.mark.parametrize(
    "text", ["cuda:", "cuda:-1", "cuda:+1", "cuda: 1", "cuda:x", "cuda:0x", "cuda:128", "gpu", ""]
)
def test_a_name_that_is_none_is_refused(text):
    with pytest.raises(RuntimeError):
        pygrad.device(text)


@pytest.mark.parametrize("index", [-1, -5, 128, 256])
def test_an_index_that_is_none_is_refused(index):
    with pytest.raises(RuntimeError):
        pygrad.device(index)
    with pytest.raises(RuntimeError):
        pygrad.device("cuda", index)
    with pytest.raises(RuntimeError):
        pygrad.zeros(1, device=index)


def test_a_device_that_is_not_there():
    for name in ("cuda:100", pygrad.device("cuda", 101)):
        with pytest.raises(RuntimeError, match="CUDA"):
            pygrad.zeros(1, device=name)
        with pytest.raises(RuntimeError, match="CUDA"):
            pygrad.zeros(1).to(name)
    if not pygrad.cuda.is_available():
        with pytest.raises(RuntimeError, match="no CUDA device"):
            pygrad.zeros(1, device="cuda")
        with pytest.raises(RuntimeError, match="no CUDA device"):
            pygrad.zeros(1).cuda()


def test_default_device(device):
    before = pygrad.get_default_device()
    try:
        pygrad.set_default_device(device)
        assert pygrad.get_default_device().type == device
        made = [
            pygrad.zeros(2), pygrad.empty(2), pygrad.full((2,), 3), pygrad.eye(2), pygrad.arange(3),
            pygrad.linspace(0, 1, 3), pygrad.rand(2), pygrad.randn(2), pygrad.randint(5, (2,)),
            pygrad.randperm(3), pygrad.tensor([1.0]), pygrad.as_tensor([1]),
            pygrad.tril_indices(2, 2), pygrad.nn.Linear(2, 2).weight,
            pygrad.nn.BatchNorm1d(2).running_mean,
        ]  # fmt: skip
        assert {t.device.type for t in made} == {device}
        assert pygrad.ones(2, device="cpu").device.type == "cpu"
        assert pygrad.from_numpy(np.ones(2)).device.type == "cpu"
        elsewhere = []
        thread = threading.Thread(target=lambda: elsewhere.append(pygrad.ones(1).device.type))
        thread.start()
        thread.join()
        assert elsewhere == ["cpu"]
    finally:
        pygrad.set_default_device(before)
    with pygrad.device(device) as entered:
        assert entered.type == device
        with pygrad.device("cpu"):
            assert pygrad.ones(1).device.type == "cpu"
        assert pygrad.ones(1).device.type == device
    assert pygrad.ones(1).device == before
    with pytest.raises(RuntimeError, match="not entered"):
        pygrad.device("cpu").__exit__(None, None, None)


@pytest.mark.cuda
class TestCuda:
    def test_every_spelling_means_the_same_device(self):
        first = pygrad.device("cuda:0")
        for name in ("cuda", "cuda:0", 0, pygrad.device("cuda"), pygrad.device("cuda", 0), first):
            assert pygrad.zeros(2, device=name).device == first
            assert pygrad.zeros(2).to(name).device == first
        x = pygrad.zeros(2, device="cuda")
        assert x.to("cuda") is x
        assert x.cuda(0) is x
        assert x.to(device=0) is x
        assert x.get_device() == 0
        assert x.is_cuda
        with pytest.raises(RuntimeError, match="must be cuda"):
            x.cuda("cpu")

    def test_repr_names_the_device(self):
        text = repr(pygrad.tensor([1.0, 2.0], device="cuda"))
        assert text == "tensor([1., 2.], device='cuda:0')"
        x = pygrad.ones(1, device="cuda", requires_grad=True) * 2
        assert "device='cuda:0', grad_fn=" in repr(x)

    def test_numbers_come_back(self):
        x = pygrad.arange(6.0, device="cuda").reshape(2, 3)
        assert x.tolist() == [[0, 1, 2], [3, 4, 5]]
        assert x.t()[1:].tolist() == [[1, 4], [2, 5]]
        assert (x[1, 2].item(), float(x.sum()), int(x[0, 1]), bool(x[0, 0])) == (
            5.0,
            15.0,
            1,
            False,
        )
        assert [float(v) for v in x[0]] == [0, 1, 2]
        assert f"{x[1, 0]:.1f}" == "3.0"
        assert "abc"[pygrad.tensor(1, device="cuda")] == "b"
        assert pygrad.tensor([x[0, 1], x[0, 2]]).tolist() == [1, 2]

    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_copies_keep_values(self, layout, dtype):
        dtype = getattr(pygrad, dtype)
        x = LAYOUTS[layout](pygrad.arange(120.0).reshape(4, 5, 6) - 3)
        there = x.to("cuda", dtype)
        assert there.device.type == "cuda"
        assert there.dtype == dtype
        assert pygrad.equal(there.cpu(), x.to(dtype))
        assert pygrad.equal(LAYOUTS[layout](x.cuda()).to("cpu", dtype) if layout == "contiguous"
                            else x.cuda().to("cpu", dtype), x.to(dtype))  # fmt: skip
        for target in (pygrad.zeros_like(there), pygrad.zeros_like(x, device="cuda")):
            target.copy_(x)
            assert pygrad.equal(target.cpu(), x.to(target.dtype))
        back = pygrad.zeros(x.shape, dtype=dtype)
        back.copy_(there)
        assert pygrad.equal(back, x.to(dtype))

    def test_writes_into_views_across_devices(self):
        x = pygrad.arange(120.0).reshape(4, 5, 6)
        y = pygrad.zeros(6, 5, 4, device="cuda").transpose(0, 2)
        y.copy_(x)
        assert pygrad.equal(y.cpu(), x)
        y[:, 1] = x[:, 0]
        assert pygrad.equal(y[:, 1].cpu(), x[:, 0])
        y[:, ::2].copy_(x[:, ::2].double() * 2)
        assert pygrad.equal(y[:, ::2].cpu(), x[:, ::2] * 2)
        y.copy_(x[:1])
        assert pygrad.equal(y.cpu(), x[:1].expand(4, 5, 6))
        y[0, 0, 0] = 7
        assert y[0, 0, 0].item() == 7
        i = pygrad.tensor([2, 0])
        assert pygrad.equal(y[i].cpu(), y.cpu()[i])  # an index may lie on the processor

    def test_gradient_crosses_devices(self):
        x = pygrad.tensor([1.0, 2.0], requires_grad=True)
        (x.to("cuda", pygrad.float64) * 3).sum().backward()
        assert x.grad.device.type == "cpu"
        assert x.grad.dtype == pygrad.float32
        assert x.grad.tolist() == [3.0, 3.0]
        number = pygrad.tensor(2.0, requires_grad=True)
        (number * pygrad.ones(3, device="cuda")).sum().backward()
        assert number.grad.device.type == "cpu"
        assert number.grad.item() == 3.0

    def test_gradient_on_another_device_is_refused(self):
        x = pygrad.ones(2, device="cuda", requires_grad=True)
        with pytest.raises(RuntimeError, match="on cpu; expected it on cuda:0"):
            (x * 2).backward(pygrad.ones(2))
        with pytest.raises(RuntimeError, match="different device"):
            x.grad = pygrad.ones(2)

    def test_gradcheck(self):
        x = pygrad.randn(3, 4, dtype=pygrad.float64, device="cuda", requires_grad=True)
        assert gradcheck(lambda v: (v.softmax(1) * v.exp()).sum(), (x,))

    def test_indices_are_checked(self):
        x = pygrad.ones(3, device="cuda")
        with pytest.raises(IndexError, match="index 9"):
            x[pygrad.tensor([0, 9], device="cuda")]
        with pytest.raises(IndexError, match="index 5"):
            x.take(pygrad.tensor([5], device="cuda"))
        with pytest.raises((IndexError, RuntimeError)):
            pygrad.ones(3)[pygrad.tensor([0], device="cuda")]

    @pytest.mark.parametrize(
        "draw",
        [
            lambda d: pygrad.rand(1000, device=d),
            lambda d: pygrad.randn(1001, device=d),
            lambda d: pygrad.randn(100, device=d, dtype=pygrad.float64),
            lambda d: pygrad.randint(0, 99, (77,), device=d),
            lambda d: pygrad.randperm(50, device=d),
            lambda d: pygrad.bernoulli(pygrad.full((100,), 0.3, device=d)),
            lambda d: pygrad.multinomial(pygrad.arange(1.0, 10, device=d), 5),
            lambda d: pygrad.poisson(pygrad.full((9,), 3.0, device=d)),
            lambda d: pygrad.nn.functional.dropout(pygrad.ones(100, device=d)),
            lambda d: pygrad.empty(10, device=d).exponential_(),
            lambda d: pygrad.nn.Linear(5, 5, device=d).weight,
        ],
    )  # fmt: skip
    def test_the_random_stream_is_the_processors(self, draw, seed):
        both = []
        for device in ("cpu", "cuda"):
            pygrad.manual_seed(seed)
            both.append([draw(device).cpu(), draw(device).cpu()])
        for a, b in zip(*both, strict=True):
            assert pygrad.allclose(a, b, rtol=1e-6, atol=1e-6)

    def test_pickle_and_deepcopy_stay_on_the_device(self):
        x = pygrad.arange(4.0, device="cuda")
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            loaded = pickle.loads(pickle.dumps(x, protocol))
            assert loaded.is_cuda
            assert loaded.tolist() == [0, 1, 2, 3]
        a, b = copy.deepcopy([x, x[1:]])
        b[0] = 9
        assert a.is_cuda
        assert (a[1].item(), x[1].item()) == (9.0, 1.0)

    def test_memory_is_counted(self):
        gc.collect()
        pygrad.cuda.empty_cache()
        pygrad.cuda.reset_peak_memory_stats()
        before = pygrad.cuda.memory_allocated()
        x = pygrad.zeros(1 << 18, device="cuda")
        assert pygrad.cuda.memory_allocated() - before == 1 << 20
        del x
        assert pygrad.cuda.memory_allocated() == before
        assert pygrad.cuda.max_memory_allocated() >= before + (1 << 20)
        reserved = pygrad.cuda.memory_reserved()
        pygrad.cuda.empty_cache()
        assert pygrad.cuda.memory_reserved() < reserved
        free, total = pygrad.cuda.mem_get_info()
        assert 0 < free <= total

    def test_too_much_memory_is_refused(self):
        with pytest.raises(pygrad.cuda.OutOfMemoryError, match="out of memory on cuda:0"):
            pygrad.zeros(1 << 46, device="cuda")

    def test_numpy_wants_the_processor(self):
        x = pygrad.ones(2, device="cuda")
        for f in (lambda: x.numpy(), lambda: np.asarray(x), lambda: memoryview(x)):
            with pytest.raises((TypeError, BufferError), match=r"cpu\(\)"):
                f()
        assert x.numpy(force=True).tolist() == [1.0, 1.0]
        assert pygrad.tensor(np.arange(3), device="cuda").tolist() == [0, 1, 2]

    def test_dlpack(self):
        x = pygrad.arange(6.0, device="cuda").reshape(2, 3).t()
        y = pygrad.from_dlpack(x)
        assert y.tolist() == x.tolist()
        if pygrad.cuda.is_emulated():  # emulated memory is the processor's to everybody else
            assert x.__dlpack_device__() == (1, 0)
            array = np.from_dlpack(x)
            assert array.tolist() == x.tolist()
        else:
            assert x.__dlpack_device__() == (2, 0)
            assert y.data_ptr() == x.data_ptr()
            assert x.__cuda_array_interface__["shape"] == (3, 2)

    def test_the_cuda_module(self):
        cuda = pygrad.cuda
        assert cuda.is_available()
        assert (cuda.device_count(), cuda.current_device()) == (1, 0)
        assert cuda.get_device_name()
        assert cuda.why()
        cuda.synchronize()
        cuda.set_device("cuda:0")
        with cuda.device(0), cuda.stream(cuda.Stream()):
            start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
            start.record()
            end.record()
        assert start.elapsed_time(end) >= 0
        for wrong in (1, "cuda:3"):
            with pytest.raises(RuntimeError, match="invalid device ordinal"):
                cuda.set_device(wrong)
        state = cuda.get_rng_state()
        x = pygrad.rand(3, device="cuda")
        cuda.set_rng_state(state)
        assert pygrad.equal(pygrad.rand(3, device="cuda"), x)
        cuda.manual_seed(11)
        assert cuda.initial_seed() == 11

    def test_threads(self):
        def work():
            for _ in range(10):
                a = pygrad.randn(20, 20, device="cuda", requires_grad=True)
                (a @ a).relu().sum().backward()
                done.append(a.grad.shape)

        done = []
        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert len(done) == 40


def test_without_a_device_the_module_says_why():
    if _C.cuda_is_available():
        pytest.skip("there is a device")
    assert pygrad.cuda.device_count() == 0
    assert "PYGRAD_CUDA" in pygrad.cuda.why()
    with pytest.raises(RuntimeError, match="no CUDA device"):
        pygrad.cuda.synchronize()
