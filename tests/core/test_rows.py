"""Row and column kernels at the sizes where they change their way: against float64."""

from __future__ import annotations

import numpy as np
import pytest

import pygrad
import pygrad.nn.functional as F
from pygrad import _C

ISAS = _C.available_isas()
RNG = np.random.default_rng(5)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape, np.float32)


def on_threads(run):
    """The results of run() with one thread and with three, which must have the same bits."""
    before, results = pygrad.get_num_threads(), []
    try:
        for n in (1, 3):
            pygrad.set_num_threads(n)
            results.append([r.detach().numpy() for r in run()])
    finally:
        pygrad.set_num_threads(before)
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))
    return results[0]


# Rows side by side folded as one (narrow), tiles of columns (wide), segments (tall).
SHAPES = [(9, 3), (4000, 3), (70001, 7), (1000, 130), (333, 515), (40, 9001), (3000, 257)]


@pytest.mark.parametrize("name", ISAS)
@pytest.mark.parametrize("shape", SHAPES)
def test_reductions_over_columns(name, shape, isa):
    isa(name)
    array = normal(*shape)
    exact = array.astype(np.float64)
    for dtype in ("float32", "float64", "int32"):
        x = pygrad.from_numpy(array).to(getattr(pygrad, dtype))
        want = exact.astype(dtype).astype(np.float64)
        for view, full in ((x, want), (x[1:, 1:], want[1:, 1:]), (x.t().contiguous().t(), want)):
            got = view.sum(0).numpy()
            np.testing.assert_allclose(got, full.sum(0), rtol=1e-5, atol=2e-5 * shape[0] ** 0.5)
            np.testing.assert_array_equal(view.amax(0).numpy(), full.max(0))
    x = pygrad.from_numpy(array)
    (total, every) = on_threads(lambda: (x.sum(0), x.sum()))
    np.testing.assert_allclose(total, exact.sum(0), rtol=1e-5, atol=2e-5 * shape[0] ** 0.5)
    np.testing.assert_allclose(every, exact.sum(), rtol=1e-4, atol=1e-4 * exact.size**0.5)


@pytest.mark.parametrize("name", ISAS)
def test_reductions_over_rows_of_any_length(name, isa):
    isa(name)
    for n in (*range(1, 70), 127, 255, 2047, 2049, 5000):
        array = normal(3, n)
        x, exact = pygrad.from_numpy(array), array.astype(np.float64)
        np.testing.assert_allclose(x.sum(1).numpy(), exact.sum(1), atol=1e-5 * n**0.5)
        np.testing.assert_array_equal(x.amin(1).numpy(), array.min(1))
        shifted = (x.double() * 1e-3 + 1e6).float()
        exact = shifted.numpy().astype(np.float64)
        if n > 1:
            np.testing.assert_allclose(x.var(1).numpy(), array.astype(np.float64).var(1, ddof=1),
                                       rtol=1e-4)  # fmt: skip
            np.testing.assert_allclose(shifted.var(1).numpy(), exact.var(1, ddof=1), rtol=1e-4)
        array[1, n // 2] = np.nan
        y = pygrad.from_numpy(array)
        assert np.isnan(y.amax(1).numpy()).tolist() == [False, True, False]
        assert np.isnan(y.var(1, correction=0).numpy()).tolist() == [False, True, False]


def softmax_in_float64(x: np.ndarray, dim: int) -> np.ndarray:
    e = np.exp(x.astype(np.float64) - x.max(dim, keepdims=True))
    return e / e.sum(dim, keepdims=True)


# In registers, in passes, streamed, longer than the cache; blocks of columns.
SOFTMAX = [((5, 1), 1), ((7, 63), 1), ((7, 65), 1), ((2100, 1001), 1), ((2, 140001), 1),
           ((300, 70), 0), ((2, 9, 1500), 1), ((2, 21, 20, 37), 1),
           ((3, 1, 5, 1, 4), 2)]  # fmt: skip


@pytest.mark.parametrize("name", ISAS)
@pytest.mark.parametrize(("shape", "dim"), SOFTMAX)
def test_softmax_and_its_gradient(name, shape, dim, isa):
    isa(name)
    array, slope = normal(*shape) * 3, normal(*shape)
    want = softmax_in_float64(array, dim)
    x, g = pygrad.from_numpy(array).requires_grad_(), pygrad.from_numpy(slope)

    def run():
        y, z = F.softmax(x, dim), F.log_softmax(x, dim)
        return y, z, *pygrad.autograd.grad(y, x, g), *pygrad.autograd.grad(z, x, g)

    y, z, dy, dz = on_threads(run)
    np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(z, np.log(want), rtol=1e-5, atol=1e-5)
    dot = (slope * want).sum(dim, keepdims=True)
    np.testing.assert_allclose(dy, (slope - dot) * want, rtol=1e-3, atol=1e-6)
    total = slope.astype(np.float64).sum(dim, keepdims=True)
    np.testing.assert_allclose(dz, slope - want * total, rtol=1e-3, atol=2e-4)


def test_softmax_of_permuted_dimensions():
    array = normal(3, 4, 1, 5, 6)
    for order in ((0, 1, 2, 3, 4), (4, 1, 0, 3, 2), (3, 4, 2, 0, 1)):
        x, want = pygrad.from_numpy(array).permute(*order), array.transpose(order)
        for dim in range(5):
            expected = softmax_in_float64(want, dim)
            got = F.softmax(x, dim).numpy()
            np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ISAS)
@pytest.mark.parametrize("n", [10, 60, 1000])
def test_softmax_of_masked_and_broken_rows(name, n, isa):
    isa(name)
    array = normal(6, n)
    array[0, n // 2 :] = -np.inf
    array[1] = -np.inf
    array[2, 3] = np.nan
    array[3, 3] = np.inf
    array[4, 3] = array[4].max() + 95  # the others would be subnormal
    y = F.softmax(pygrad.from_numpy(array), 1).numpy()
    assert np.isnan(y).all(1).tolist() == [False, True, True, True, False, False]
    assert (y[0, n // 2 :] == 0).all()
    np.testing.assert_allclose(y[0], softmax_in_float64(array[:1], 1)[0], rtol=1e-5)
    np.testing.assert_allclose(y[4], np.arange(n) == 3, atol=1e-38)
    z = F.log_softmax(pygrad.from_numpy(array[4:]), 1).numpy()
    want = array[4:].astype(np.float64)
    want -= want.max(1, keepdims=True)
    want -= np.log(np.exp(want).sum(1, keepdims=True))
    np.testing.assert_allclose(z, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ISAS)
@pytest.mark.parametrize("shape", [(7, 10), (2100, 1003), (2, 140001)])
def test_cross_entropy_and_its_gradient(name, shape, isa):
    isa(name)
    rows, classes = shape
    array, target = normal(*shape), RNG.integers(0, classes, rows)
    target[1] = -100
    weight = np.abs(normal(classes)) + 0.1
    x, t = pygrad.from_numpy(array).requires_grad_(), pygrad.from_numpy(target)
    p = softmax_in_float64(array, 1)
    hit = np.arange(classes) == target[:, None]
    for w, smoothing in ((None, 0.0), (weight, 0.1)):
        tensor = None if w is None else pygrad.from_numpy(w)
        loss = F.cross_entropy(x, t, tensor, reduction="sum", label_smoothing=smoothing)
        scale = np.ones(classes) if w is None else w.astype(np.float64)
        spread = (1 - smoothing) * hit * scale + smoothing / classes * scale
        spread[1] = 0
        np.testing.assert_allclose(loss.item(), -(spread * np.log(p)).sum(), rtol=1e-4)
        (d,) = pygrad.autograd.grad(loss, x)
        want = p * spread.sum(1, keepdims=True) - spread
        np.testing.assert_allclose(d.numpy(), want, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", ISAS)
@pytest.mark.parametrize("shape", [(1, 5), (6, 33), (131, 48), (2049, 1024), (2100, 1003)])
@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm_and_its_gradients(name, shape, affine, isa):
    isa(name)
    array, slope = normal(*shape) * 2 + 1, normal(*shape)
    w, b = normal(shape[1]), normal(shape[1])
    x, g = pygrad.from_numpy(array).requires_grad_(), pygrad.from_numpy(slope)
    inputs = [x]
    if affine:
        inputs += [pygrad.from_numpy(w).requires_grad_(), pygrad.from_numpy(b).requires_grad_()]

    def run():
        y = F.layer_norm(x, shape[1:], *inputs[1:])
        return y, *pygrad.autograd.grad(y, inputs, g)

    y, dx, *rest = on_threads(run)
    exact = array.astype(np.float64)
    rstd = 1 / np.sqrt(exact.var(1, keepdims=True) + 1e-5)
    h = (exact - exact.mean(1, keepdims=True)) * rstd
    np.testing.assert_allclose(y, h * w + b if affine else h, rtol=1e-4, atol=1e-5)
    u = slope * w.astype(np.float64) if affine else slope.astype(np.float64)
    mean_uh = (u * h).mean(1, keepdims=True)
    want = rstd * (u - u.mean(1, keepdims=True) - h * mean_uh)
    np.testing.assert_allclose(dx, want, rtol=1e-3, atol=1e-5)
    if affine:
        np.testing.assert_allclose(rest[0], (slope * h).sum(0), rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(rest[1], slope.sum(0, dtype=np.float64), rtol=1e-3, atol=1e-3)


# Columns too few for a vector: several rows are taken together, the last ones perhaps fewer.
@pytest.mark.parametrize("name", ISAS)
@pytest.mark.parametrize("shape", [(8, 1), (9, 3), (1003, 3), (811, 11), (5000, 2), (70, 63)])
@pytest.mark.parametrize("level", [-200.0, 0.0, 50.0])
def test_softmax_of_few_columns(name, shape, level, isa):
    isa(name)
    array = normal(*shape) + np.float32(level)
    array[3] = -np.inf
    want = softmax_in_float64(array, 0)
    x = pygrad.from_numpy(array)
    np.testing.assert_allclose(F.softmax(x, 0).numpy(), want, rtol=1e-5)
    kept = np.delete(np.arange(shape[0]), 3)
    logs = np.log(want[kept])
    np.testing.assert_allclose(F.log_softmax(x, 0).numpy()[kept], logs, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(F.softmax(x.double(), 0).numpy(), want, rtol=1e-12)
    apart = pygrad.zeros(shape[0], shape[1] + 1)[:, 1:].copy_(x)  # rows that do not touch
    np.testing.assert_allclose(F.softmax(apart, 0).numpy(), want, rtol=1e-5)
    array[-1] = np.nan
    assert np.isnan(F.softmax(pygrad.from_numpy(array), 0).numpy()).all()


@pytest.mark.parametrize("name", ISAS)
def test_many_short_rows_reduce_as_each_alone(name, isa):
    isa(name)
    for n in (1, 2, 3, 7, 8, 11, 15, 16, 17, 31, 33, 63, 64, 65, 100, 130):
        x = pygrad.from_numpy(normal(37, n + 1))
        for view in (
            x[:, 1:],
            x[:, :n].contiguous(),
            x[::2, 1:],
            x[:, 1:].half(),
            x[:, 1:].double(),
        ):
            for op in ("sum", "amax", "prod", "mean"):
                whole = getattr(view, op)(1)
                alone = [getattr(view[i : i + 1], op)(1) for i in range(len(view))]
                np.testing.assert_array_equal(whole.numpy(), pygrad.cat(alone).numpy())
            exact = view.double().numpy()
            np.testing.assert_allclose(view.double().sum(1).numpy(), exact.sum(1), atol=1e-12)
            np.testing.assert_array_equal(view.amin(1).numpy(), exact.min(1))
        for dtype in ("uint8", "int32", "bool", "int64"):
            y = (x * 50).abs().to(getattr(pygrad, dtype))[:, 1:]
            values = y.numpy()
            np.testing.assert_array_equal(y.amax(1).numpy(), values.max(1))
            np.testing.assert_array_equal(y.amin(1).numpy(), values.min(1))
            np.testing.assert_array_equal(y.sum(1).numpy(), values.astype(np.int64).sum(1))
            np.testing.assert_array_equal(y.any(1).numpy(), values.any(1))
            np.testing.assert_array_equal(y.all(1).numpy(), values.all(1))


@pytest.mark.parametrize("name", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "float16", "uint8"])
def test_scans_of_short_lines_and_few_columns(name, dtype, isa):
    isa(name)
    kind = getattr(pygrad, dtype)
    for shape in (
        (5, 1),
        (40, 2),
        (7, 3),
        (33, 11),
        (11, 33),
        (6, 17),
        (3, 5, 4),
        (2, 130),
        (20, 70),
    ):
        array = RNG.integers(-2, 3, (*shape[:-1], shape[-1] + 1))
        x = pygrad.from_numpy(np.abs(array) if dtype == "uint8" else array).to(kind)
        for view in (x, x[..., 1:], x[..., 1:].contiguous(), x.transpose(0, -1)):
            values = view.to(pygrad.int64).numpy()
            for dim in range(view.dim()):
                got, want = view.cumsum(dim), values.cumsum(dim)
                np.testing.assert_array_equal(got.to(pygrad.int64).numpy(), want)
                if dtype != "float16":
                    signs = view.sign() if dtype != "uint8" else view
                    product = signs.to(pygrad.int64).numpy().cumprod(dim)
                    np.testing.assert_array_equal(
                        signs.cumprod(dim).to(pygrad.int64).numpy(), product
                    )
        y = x.clone()
        if dtype not in ("uint8",):
            y.cumsum_(-1)
            np.testing.assert_array_equal(y.numpy(), x.cumsum(-1).numpy())


@pytest.mark.parametrize("name", ISAS)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "complex128"])
def test_triangles_and_fills_of_narrow_matrices(name, dtype, isa):
    isa(name)
    for shape in ((50, 3), (3, 50), (4, 20, 5), (2, 5, 20), (1, 600), (600, 1)):
        array = RNG.integers(1, 100, shape).astype(dtype)
        x = pygrad.from_numpy(array)
        for diagonal in (-60, -7, -1, 0, 1, 4, 70):
            np.testing.assert_array_equal(x.tril(diagonal).numpy(), np.tril(array, diagonal))
            np.testing.assert_array_equal(x.triu(diagonal).numpy(), np.triu(array, diagonal))
        np.testing.assert_array_equal(x.mT.tril(1).numpy(), np.tril(array.swapaxes(-1, -2), 1))
        y = x.clone()
        y[..., 1:].fill_(7)
        array[..., 1:] = 7
        np.testing.assert_array_equal(y.numpy(), array)
