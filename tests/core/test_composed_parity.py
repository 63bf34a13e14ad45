"""Composed functions, linear algebra and Fourier transforms against PyTorch and gradcheck."""

from __future__ import annotations

import pytest

import pygrad
from pygrad import fft, functional, linalg
from pygrad.autograd import gradcheck, gradgradcheck

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.torch,
    # PyTorch deprecates the function; scripts still call it.
    pytest.mark.filterwarnings("ignore:torch.chain_matmul is deprecated"),
]


def both(*shape, seed=0, dtype="float64"):
    generator = torch.Generator().manual_seed(seed)
    theirs = torch.randn(shape, dtype=getattr(torch, dtype), generator=generator)
    return pygrad.tensor(theirs.tolist(), dtype=getattr(pygrad, dtype)).reshape(shape), theirs


def assert_same(ours, theirs):
    if isinstance(theirs, (tuple, list)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert_same(a, b)
        return
    assert tuple(ours.shape) == tuple(theirs.shape)
    assert str(ours.dtype).rsplit(".", 1)[-1] == str(theirs.dtype).rsplit(".", 1)[-1]
    torch.testing.assert_close(
        torch.tensor(ours.tolist(), dtype=theirs.dtype).reshape(theirs.shape),
        theirs,
        equal_nan=True,
        rtol=1e-6,
        atol=1e-8,
    )


EINSUM = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("bij,bjk->bik", (5, 2, 3), (5, 3, 4)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("ij->ji", (2, 3)),
    ("ij->", (2, 3)),
    ("i,j->ij", (2,), (3,)),
    ("...ij,...jk->...ik", (5, 2, 3), (3, 4)),
    ("b...,b->...", (2, 3, 4), (2,)),
    ("ij,ij->i", (2, 3), (2, 3)),
    ("ab,bc,cd->ad", (2, 3), (3, 4), (4, 5)),
    ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
    ("ij,j->", (2, 3), (3,)),
    ("iij->j", (3, 3, 2)),
    ("ij,ij->ij", (2, 1), (2, 3)),
]


@pytest.mark.parametrize("case", EINSUM, ids=[c[0] for c in EINSUM])
def test_einsum(case):
    equation, *shapes = case
    pairs = [both(*s, seed=i) for i, s in enumerate(shapes)]
    ours = functional.einsum(equation, *(p[0] for p in pairs))
    assert_same(ours, torch.einsum(equation, *(p[1] for p in pairs)))
    leaves = tuple(p[0].requires_grad_() for p in pairs)
    assert gradcheck(lambda *t: functional.einsum(equation, *t), leaves)


def test_einsum_refuses():
    a = pygrad.ones(2, 3)
    for equation in ("ij,jk->ik", "ijk->i", "ij->k", "i1->i", "ij->ii"):
        with pytest.raises(RuntimeError):
            functional.einsum(equation, a)


CASES = {
    "tensordot": ([(2, 3, 4), (3, 4, 5)], lambda f, a, b: f(a, b, 2)),
    "tensordot lists": ([(2, 3, 4), (4, 3, 5)], lambda f, a, b: f(a, b, ([1, 2], [1, 0]))),
    "chain_matmul": ([(2, 3), (3, 4), (4, 1)], lambda f, *t: f(*t)),
    "meshgrid": ([(2,), (3,)], lambda f, a, b: f(a, b, indexing="ij")),
    "meshgrid xy": ([(2,), (3,), (4,)], lambda f, *t: f(*t, indexing="xy")),
    "broadcast_tensors": ([(2, 1), (3,)], lambda f, a, b: f(a, b)),
    "cartesian_prod": ([(2,), (3,)], lambda f, a, b: f(a, b)),
    "combinations": ([(4,)], lambda f, a: f(a, 3)),
    "combinations again": ([(3,)], lambda f, a: f(a, with_replacement=True)),
    "block_diag": ([(2, 2), (3,), (1, 2)], lambda f, *t: f(*t)),
    "cdist": ([(2, 3, 4), (5, 4)], lambda f, a, b: f(a, b)),
    "cdist p": ([(3, 4), (5, 4)], lambda f, a, b: f(a, b, p=1.5)),
    "norm": ([(3, 4)], lambda f, a: f(a)),
    "norm dim": ([(3, 4)], lambda f, a: f(a, p=3, dim=1, keepdim=True)),
    "dist": ([(3,), (3,)], lambda f, a, b: f(a, b)),
    "split": ([(7, 2)], lambda f, a: f(a, 3)),
    "split sizes": ([(7, 2)], lambda f, a: f(a, [3, 0, 4])),
    "tensor_split": ([(7, 2)], lambda f, a: f(a, 3)),
    "tensor_split at": ([(7, 2)], lambda f, a: f(a, (2, -3, 9))),
    "hsplit": ([(4, 6)], lambda f, a: f(a, 3)),
    "vsplit": ([(4, 6)], lambda f, a: f(a, [1, 3])),
    "dsplit": ([(2, 2, 4)], lambda f, a: f(a, 2)),
    "hstack": ([(2, 3), (2, 1)], lambda f, *t: f(t)),
    "vstack": ([(3,), (2, 3)], lambda f, *t: f(t)),
    "dstack": ([(3,), (3,)], lambda f, *t: f(t)),
    "column_stack": ([(3,), (3, 2)], lambda f, *t: f(t)),
    "atleast_1d": ([()], lambda f, a: f(a)),
    "atleast_2d": ([(3,), ()], lambda f, *t: f(*t)),
    "atleast_3d": ([(3,), (2, 3)], lambda f, *t: f(*t)),
    "rot90": ([(2, 3, 4)], lambda f, a: f(a, 3, [1, 2])),
    "diff": ([(3, 5)], lambda f, a: f(a, 2)),
    "trapezoid": ([(3, 5), (5,)], lambda f, a, b: f(a, b)),
    "cumulative_trapezoid": ([(3, 5)], lambda f, a: f(a, dx=0.5, dim=0)),
    "kron": ([(2, 3), (4,)], lambda f, a, b: f(a, b)),
    "cross": ([(2, 3), (2, 3)], lambda f, a, b: f(a, b, dim=1)),
    "vander": ([(4,)], lambda f, a: f(a, 3)),
    "cov": ([(3, 5)], lambda f, a: f(a)),
    "corrcoef": ([(3, 5)], lambda f, a: f(a)),
    "quantile": ([(4, 5)], lambda f, a: f(a, 0.3, dim=1)),
    "quantile all": ([(4, 5)], lambda f, a: f(a, 0.75, interpolation="nearest")),
    "std_mean": ([(4, 5)], lambda f, a: f(a, dim=1)),
    "var_mean": ([(4, 5)], lambda f, a: f(a, dim=0, keepdim=True)),
}


@pytest.mark.parametrize("case", CASES)
def test_composed(case):
    shapes, call = CASES[case]
    name = case.split()[0]
    pairs = [both(*s, seed=i) for i, s in enumerate(shapes)]
    ours = call(getattr(pygrad, name), *(p[0] for p in pairs))
    assert_same(ours, call(getattr(torch, name), *(p[1] for p in pairs)))


def test_indices():
    for row, col, offset in ((3, 4, 0), (4, 3, 1), (3, 3, -2), (2, 2, 5)):
        for name in ("tril_indices", "triu_indices"):
            assert_same(
                getattr(pygrad, name)(row, col, offset), getattr(torch, name)(row, col, offset)
            )
    flat = [5, 0, 23]
    assert_same(
        functional.unravel_index(pygrad.tensor(flat), (2, 3, 4)),
        torch.unravel_index(torch.tensor(flat), (2, 3, 4)),
    )


@pytest.mark.parametrize("order", [2, 1, 0, 3, 0.5, -1, float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_vector_norm(order, dtype):
    ours, theirs = both(3, 4, dtype=dtype)
    for dim in (None, 0, (0, 1)):
        assert_same(
            linalg.vector_norm(ours, order, dim), torch.linalg.vector_norm(theirs, order, dim)
        )
    if order != 0:
        assert gradcheck(lambda t: linalg.vector_norm(t, order, 1), (ours.requires_grad_(),))


def test_norm_at_zero_has_gradient_zero():
    x = pygrad.zeros(3, dtype=pygrad.float64, requires_grad=True)
    linalg.vector_norm(x).backward()
    assert x.grad.tolist() == [0.0] * 3


@pytest.mark.parametrize("order", ["fro", "nuc", 1, -1, 2, -2, float("inf"), float("-inf")])
def test_matrix_norm(order):
    ours, theirs = both(2, 3, 4)
    assert_same(linalg.matrix_norm(ours, order), torch.linalg.matrix_norm(theirs, order))
    assert_same(
        linalg.matrix_norm(ours, order, (0, 2), True),
        torch.linalg.matrix_norm(theirs, order, (0, 2), True),
    )


def hermitian(a):
    return a + (a.transpose(-2, -1).conj() if a.is_complex() else a.transpose(-2, -1))


def positive(a):
    adjoint = a.transpose(-2, -1).conj() if a.is_complex() else a.transpose(-2, -1)
    return a @ adjoint


FACTORS = {
    "inv": lambda lib, a: lib.inv(a),
    "det": lambda lib, a: lib.det(a),
    "slogdet": lambda lib, a: tuple(lib.slogdet(a)),
    "solve": lambda lib, a: lib.solve(a, a @ a),
    "cholesky": lambda lib, a: lib.cholesky(positive(a)),
    "qr": lambda lib, a: tuple(lib.qr(a)),
    "eigvalsh": lambda lib, a: lib.eigvalsh(hermitian(a)),
    "eigh": lambda lib, a: lib.eigh(hermitian(a))[1].abs(),
    "svdvals": lambda lib, a: lib.svdvals(a),
    "svd": lambda lib, a: tuple(t.abs() for t in lib.svd(a[..., :2], full_matrices=False)),
    "pinv": lambda lib, a: lib.pinv(a[..., :2]),
    "matrix_power": lambda lib, a: lib.matrix_power(a, -3),
    "multi_dot": lambda lib, a: lib.multi_dot([a[0], a[1], a[0]]),
    "lstsq": lambda lib, a: lib.lstsq(a[..., :2], a)[0],
    "cond": lambda lib, a: lib.cond(a),
}


@pytest.mark.parametrize("name", FACTORS)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_factorizations(name, dtype):
    ours, theirs = both(2, 3, 3, seed=1, dtype=dtype)
    call = FACTORS[name]
    values, expected = call(linalg, ours), call(torch.linalg, theirs)
    if name == "qr":
        values, expected = [t.abs() for t in values], [t.abs() for t in expected]
    assert_same(values, expected)
    if name == "qr":
        return
    leaf = ours.requires_grad_()
    outputs = lambda t: [o for o in tuple_of(call(linalg, t)) if o.requires_grad]  # noqa: E731
    assert gradcheck(lambda t: tuple(outputs(t)), (leaf,))
    if name in ("inv", "det", "solve", "cholesky", "pinv"):
        assert gradgradcheck(lambda t: tuple(outputs(t)), (leaf,), fast_mode=True)


def tuple_of(value):
    return value if isinstance(value, tuple) else (value,)


def test_qr_gradient():
    a, _ = both(4, 3)
    assert gradcheck(lambda t: tuple(linalg.qr(t)), (a.requires_grad_(),))


def test_det_of_a_singular_matrix():
    rows = [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 5.0]]
    ours = pygrad.tensor(rows, dtype=pygrad.float64, requires_grad=True)
    linalg.det(ours).backward()
    cofactors = [[14.0, -10.0, 2.0], [-7.0, 5.0, -1.0], [0.0, 0.0, 0.0]]
    assert_same(ours.grad, torch.tensor(cofactors, dtype=torch.float64))


def test_singular_inverse_is_refused():
    with pytest.raises(RuntimeError, match="[Ss]ingular"):
        linalg.inv(pygrad.zeros(2, 2))


TRANSFORMS = ("fft ifft rfft irfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn").split()


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
def test_fft(name, norm):
    real = name.startswith("r")
    ours, theirs = both(3, 5, dtype="float64" if real else "complex128")
    assert_same(getattr(fft, name)(ours, norm=norm), getattr(torch.fft, name)(theirs, norm=norm))
    sizes = (4,) if name in ("fft", "ifft", "rfft", "irfft") else ((2, 7),)
    assert_same(
        getattr(fft, name)(ours, *sizes, norm=norm),
        getattr(torch.fft, name)(theirs, *sizes, norm=norm),
    )
    small = ours[:2, :3].clone().requires_grad_()
    assert gradcheck(lambda t: getattr(fft, name)(t, norm=norm), (small,))


def test_fft_helpers():
    ours, theirs = both(4, 5)
    assert_same(fft.fftshift(ours), torch.fft.fftshift(theirs))
    assert_same(fft.ifftshift(ours, 1), torch.fft.ifftshift(theirs, 1))
    for n in (4, 5):
        assert_same(fft.fftfreq(n, 0.5), torch.fft.fftfreq(n, 0.5))
        assert_same(fft.rfftfreq(n, 0.5), torch.fft.rfftfreq(n, 0.5))
