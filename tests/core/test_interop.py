"""NumPy, DLPack, buffers, pickle and copies."""

from __future__ import annotations

import copy
import ctypes
import pickle

import pytest

import pygrad
from pygrad import _C

np = pytest.importorskip("numpy")

NUMERIC = ("bool uint8 int8 int16 int32 int64 float16 float32 float64 complex64 complex128").split()


@pytest.mark.parametrize("name", NUMERIC)
def test_numpy_both_ways_shares_memory(name):
    array = np.array([[1, 0, 1], [0, 1, 1]], dtype=name)
    t = pygrad.from_numpy(array)
    assert t.dtype == getattr(pygrad, name)
    assert t.tolist() == array.tolist()
    back = t.numpy()
    assert back.dtype == array.dtype
    back[0, 0] = 0
    assert array[0, 0] == 0
    assert not t[0, 0]


def test_numpy_strides():
    array = np.arange(12.0).reshape(3, 4)
    t = pygrad.from_numpy(array.T)
    assert t.stride() == (1, 4)
    assert t.tolist() == array.T.tolist()
    assert pygrad.arange(12.0).reshape(3, 4).t().numpy().flags.f_contiguous
    with pytest.raises(ValueError, match="negative"):
        pygrad.from_numpy(array[::-1])


def test_numpy_of_a_recorded_tensor():
    x = pygrad.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="detach"):
        x.numpy()
    assert x.detach().numpy().tolist() == [1.0, 1.0]


def test_array_protocol_and_mixed_arithmetic():
    t = pygrad.tensor([1.0, 2.0])
    assert np.asarray(t).tolist() == [1.0, 2.0]
    assert np.array(t, dtype=np.float64).dtype == np.float64
    assert pygrad.tensor(np.float32(2.5)).item() == 2.5
    assert pygrad.as_tensor(np.ones(2)).dtype == pygrad.float64
    array = np.ones(3)
    shared = pygrad.as_tensor(array)
    array[0] = 5
    assert shared[0] == 5
    assert (t * np.float32(2)).tolist() == [2.0, 4.0]
    with pytest.raises(TypeError):
        pygrad.tensor(np.array(["a"]))


def test_dlpack():
    array = np.arange(6.0)
    t = pygrad.from_dlpack(array)
    t[0] = 9
    assert array[0] == 9
    back = np.from_dlpack(pygrad.arange(3.0))
    assert back.tolist() == [0.0, 1.0, 2.0]
    assert pygrad.from_dlpack(pygrad.arange(3)).tolist() == [0, 1, 2]


def test_dlpack_memory_may_be_released_without_pythons_lock():
    """What a consumer written in C++ does: it calls the deleter from any thread."""
    before = _C.memory_stats("cpu")["allocated"]
    capsule = pygrad.ones(8).__dlpack__()
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    rename = ctypes.pythonapi.PyCapsule_SetName
    rename.argtypes = (ctypes.py_object, ctypes.c_char_p)
    managed = pointer_of(capsule, b"dltensor")
    rename(capsule, b"used_dltensor")
    deleter_at = 56  # behind the tensor (48 bytes) and its context
    deleter = ctypes.c_void_p.from_address(managed + deleter_at).value
    assert _C.memory_stats("cpu")["allocated"] > before
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(deleter)(managed)  # ctypes gives the lock up
    assert _C.memory_stats("cpu")["allocated"] == before


def test_buffers():
    t = pygrad.frombuffer(bytearray(b"\x01\x00\x02\x00"), dtype=pygrad.int16)
    assert t.tolist() == [1, 2]
    with pytest.raises((ValueError, RuntimeError)):
        pygrad.frombuffer(bytearray(b"\x01\x00\x02"), dtype=pygrad.int16)


def test_asarray():
    t = pygrad.ones(2)
    assert pygrad.asarray(t).data_ptr() == t.data_ptr()
    assert pygrad.asarray(t, copy=True).data_ptr() != t.data_ptr()
    assert pygrad.asarray([1, 2]).tolist() == [1, 2]
    with pytest.raises(ValueError, match="copy"):
        pygrad.asarray(t, dtype=pygrad.float64, copy=False)


@pytest.mark.parametrize("name", [*NUMERIC, "bfloat16"])
def test_pickle(name):
    t = pygrad.tensor([[1, 0], [1, 1]], dtype=getattr(pygrad, name))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        back = pickle.loads(pickle.dumps(t, protocol))
        assert back.dtype == t.dtype
        assert back.tolist() == t.tolist()


def test_pickle_keeps_requires_grad_and_strides():
    t = pygrad.arange(6.0).reshape(2, 3).t().requires_grad_()
    back = pickle.loads(pickle.dumps(t))
    assert back.requires_grad
    assert back.stride() == t.stride()
    assert pickle.loads(pickle.dumps(pygrad.float16)) is pygrad.float16
    assert pickle.loads(pickle.dumps(pygrad.Size([1, 2]))) == (1, 2)
    assert pickle.loads(pickle.dumps(pygrad.device("cpu"))) == pygrad.device("cpu")


def test_deepcopy():
    t = pygrad.arange(4.0)
    pair = copy.deepcopy([t, t])
    assert pair[0] is pair[1]
    pair[0][0] = 9
    assert t[0] == 0


def test_sequence_protocol():
    t = pygrad.arange(3)
    assert len(t) == 3
    assert [int(v) for v in t] == [0, 1, 2]
    assert 2 in t
    assert 5 not in t
    assert [int(v) for v in reversed(t)] == [2, 1, 0]
    assert ["a", "b", "c"][pygrad.tensor(1)] == "b"
    with pytest.raises(TypeError):
        len(pygrad.tensor(1))
    with pytest.raises(RuntimeError, match="ambiguous"):
        bool(t)
