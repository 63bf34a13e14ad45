"""Saving and loading without PyTorch: round trips, sharing, atomic writes, refusals, damage."""

from __future__ import annotations

import collections
import io
import os
import pickle
import random
import stat
import threading
import zipfile
import zlib

import numpy as np
import pytest

import pygrad
from pygrad import _C, nn, optim

DTYPES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
    "complex64", "complex128",
]  # fmt: skip


def saved(obj) -> bytes:
    file = io.BytesIO()
    pygrad.save(obj, file)
    return file.getvalue()


def loaded(data: bytes, **options):
    return pygrad.load(io.BytesIO(data), **options)


def round_trip(obj):
    return loaded(saved(obj))


def same(a, b) -> bool:
    """Equal values of equal types, all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, pygrad.Tensor):
        return (
            a.dtype == b.dtype
            and a.shape == b.shape
            and a.requires_grad == b.requires_grad
            and pygrad.equal(a, b)
        )
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def storage_records(data: bytes) -> dict[str, int]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {
            entry.filename.partition("/")[2]: entry.file_size
            for entry in archive.infolist()
            if "/data/" in entry.filename
        }


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (0, 3)])
def test_dtypes_and_shapes(name, shape):
    count = 1
    for size in shape:
        count *= size
    tensor = pygrad.arange(count).reshape(shape).to(getattr(pygrad, name))
    assert same(tensor, round_trip(tensor))


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, 255, 256, 65535, 65536, -1, -(2**31), 2**31, 2**63, -(2**70), 2**3000,
        1.5, float("inf"), -0.0, 1 - 2j, "", "text", "é\N{GRINNING FACE}", b"", b"\x00\xff",
        bytearray(b"ab"), [], [1, [2, [3]]], (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {},
        {"a": 1, 2: "b", (1, 2): None}, {1, 2}, set(), frozenset([1, (2, 3)]),
        collections.OrderedDict(b=1, a=2), collections.Counter("abca"),
        collections.defaultdict(list, {"a": [1]}), list(range(3000)),
    ],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_plain_values(value):
    assert same(value, round_trip(value))
    assert repr(value)[:100] == repr(round_trip(value))[:100]


def test_pygrads_own_values():
    value = {
        "size": pygrad.Size([1, 2]),
        "dtype": pygrad.bfloat16,
        "cpu": pygrad.device("cpu"),
        "cuda": pygrad.device("cuda", 1),
    }
    assert same(value, round_trip(value))


def test_numpy_values():
    np = pytest.importorskip("numpy")
    value = [np.float64(2.5), np.int32(7), np.bool_(True), np.arange(6.0).reshape(2, 3)]
    value += [np.asfortranarray(np.arange(6).reshape(2, 3)), np.arange(3, dtype=">i4")]
    back = round_trip(value)
    for a, b in zip(value, back, strict=True):
        assert type(a) is type(b)
        assert a.dtype == b.dtype
        assert np.array_equal(a, b)
    assert round_trip(np.dtype("int16")) == np.dtype("int16")
    back[3][0, 0] = 5.0  # an array of its own, writable


def test_parameters_and_state_dicts():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    parameter = round_trip(next(model.parameters()))
    assert isinstance(parameter, nn.Parameter)
    assert parameter.requires_grad
    state = round_trip(model.state_dict())
    assert same(state, model.state_dict())
    assert state._metadata == model.state_dict()._metadata
    other = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    other.load_state_dict(state)
    x = pygrad.randn(5, 3)
    assert pygrad.equal(model(x), other(x))
    optimizer = optim.Adam(model.parameters())
    model(x).sum().backward()
    optimizer.step()
    assert same(optimizer.state_dict(), round_trip(optimizer.state_dict()))


def test_requires_grad_is_kept():
    assert round_trip(pygrad.ones(2, requires_grad=True)).requires_grad
    assert not round_trip(pygrad.ones(2)).requires_grad


def test_identity_and_cycles():
    shared = [1]
    tensor = pygrad.ones(2)
    cyclic = [shared, shared, tensor, tensor]
    cyclic.append(cyclic)
    back = round_trip(cyclic)
    assert back[0] is back[1]
    assert back[2] is back[3]
    assert back[4] is back
    inner = []
    looped = (inner,)
    inner.append(looped)
    with pytest.raises(TypeError, match="contains itself"):
        saved(looped)


def test_views_share_memory_again():
    base = pygrad.arange(100.0).reshape(10, 10)
    first, second = round_trip([base[2:5], base[3]])
    second.fill_(-1.0)
    assert (first[1] == -1).all()
    # Rows 2 to 4 are all that the two views need.
    assert list(storage_records(saved([base[2:5], base[3]])).values()) == [3 * 10 * 4]


@pytest.mark.parametrize(
    ("make", "elements"),
    [
        (lambda t: t[1], 10),
        (lambda t: t[:, :2], 20),
        (lambda t: t.t(), 100),
        (lambda t: t[::3, ::2], 20),
        (lambda t: t[0, :1].expand(7), 1),
        (lambda t: t[5:5], 0),
    ],
    ids=["row", "columns", "transposed", "steps", "expanded", "empty"],
)
def test_a_slice_writes_only_itself(make, elements):
    view = make(pygrad.arange(100.0).reshape(10, 10))
    data = saved(view)
    assert list(storage_records(data).values()) == [4 * elements]
    assert same(view, loaded(data))


def test_transposed_layout_is_kept():
    view = pygrad.arange(6.0).reshape(2, 3).t()
    assert round_trip(view).stride() == view.stride()


def test_records_are_aligned_and_stored():
    data = saved([pygrad.ones(3), pygrad.ones(100), "x"])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        for entry in archive.infolist():
            name_length, extra_length = (
                data[entry.header_offset + 26],
                data[entry.header_offset + 28],
            )
            assert (entry.header_offset + 30 + name_length + extra_length) % 64 == 0
            assert entry.compress_type == zipfile.ZIP_STORED


@pytest.mark.parametrize(
    ("obj", "where"),
    [
        (lambda: nn.Linear(2, 2), "obj, a .*Linear; .*state_dict"),
        (lambda: {"o": optim.SGD([pygrad.ones(1, requires_grad=True)], lr=0.1)}, r"obj\['o'\]"),
        (lambda: {"a": [1, print]}, r"obj\['a'\]\[1\], a builtins.builtin_function"),
        (lambda: {"x": {(1, 2): range(3)}}, r"obj\['x'\]\[\(1, 2\)\], a builtins.range"),
        (lambda: collections.defaultdict(lambda: 0), "defaultdict"),
        (lambda: {"k": stat.S_ISREG}, "function"),
    ],
    ids=["module", "optimizer", "function", "range", "defaultdict", "key"],
)
def test_what_cannot_be_saved_is_named(obj, where, tmp_path):
    path = tmp_path / "file.pt"
    path.write_bytes(b"old")
    with pytest.raises(TypeError, match=where):
        pygrad.save(obj(), path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.pt"]


def test_nesting_too_deep():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RuntimeError, match="nested too deeply"):
        saved(deep)


class _Failing(io.BytesIO):
    def write(self, data):
        raise OSError("the disk is full")


def test_saving_is_atomic(tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
    pygrad.save({"version": 1}, path)
    path.chmod(0o640)
    pygrad.save({"version": 2}, str(path))
    assert pygrad.load(path) == {"version": 2}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    for name in ("replace", "fsync"):

        def fail(*_args, name=name):
            raise OSError(f"{name} failed")

        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(OSError, match=f"{name} failed"):
                pygrad.save({"version": 3}, path)
        assert pygrad.load(path) == {"version": 2}
        assert os.listdir(tmp_path) == ["model.pt"]
    with pytest.raises(OSError, match="disk is full"):
        pygrad.save({}, _Failing())


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts handles in /proc")
def test_saving_over_a_file_leaks_no_handle(tmp_path, monkeypatch):
    """The old file is freed on a thread, after a save and never before."""
    path = tmp_path / "model.pt"
    pygrad.save({"version": 0}, path)
    before = len(os.listdir("/proc/self/fd"))
    for version in range(5):
        pygrad.save({"version": version}, path)
    path.chmod(0o200)  # unless the tests run as root, the old file cannot be opened
    pygrad.save({"version": 5}, path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pygrad.save({"version": 6}, path)
    for thread in threading.enumerate():
        if thread.name == "pygrad-save":
            thread.join()
    assert len(os.listdir("/proc/self/fd")) == before
    path.chmod(0o600)
    assert pygrad.load(path) == {"version": 5}


def test_saving_through_a_link_keeps_the_link(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.pt"
    link.symlink_to(tmp_path / "real" / "file.pt")
    pygrad.save([1], link)
    assert link.is_symlink()
    assert pygrad.load(tmp_path / "real" / "file.pt") == [1]


def test_saving_to_a_pipe():
    reader, writer = os.pipe()
    with open(writer, "wb") as file:
        pygrad.save([1, 2], file)
    with open(reader, "rb") as file:
        assert loaded(file.read()) == [1, 2]


def test_bad_targets(tmp_path):
    with pytest.raises(RuntimeError, match="does not exist"):
        pygrad.save([], tmp_path / "missing" / "file.pt")
    with pytest.raises(IsADirectoryError):
        pygrad.save([], tmp_path)
    with pytest.raises(TypeError, match="expected a path"):
        pygrad.save([], 5)
    with pytest.raises(TypeError, match="expected a path"):
        pygrad.load(5)
    with pytest.raises(FileNotFoundError):
        pygrad.load(tmp_path / "missing.pt")
    with pytest.raises(TypeError, match="unexpected keyword"):
        pygrad.load(io.BytesIO(), no_such_option=1)


def test_map_location():
    data = saved([pygrad.ones(2), pygrad.zeros(2)])
    seen = []

    def keep(storage, location):
        seen.append(location)
        return storage

    for location in (
        None,
        "cpu",
        pygrad.device("cpu"),
        {"cuda:0": "cpu"},
        keep,
        lambda s, loc: None,
    ):
        assert same(loaded(data, map_location=location), [pygrad.ones(2), pygrad.zeros(2)])
    assert seen == ["cpu", "cpu"]
    with pytest.raises(RuntimeError, match="location 'mars' is unknown"):
        loaded(data, map_location="mars")


def test_tensor_of_a_missing_gpu():
    if pygrad.cuda.is_available():
        pytest.skip("a CUDA device is there")
    with pytest.raises(RuntimeError, match="no CUDA device is available.*map_location='cpu'"):
        loaded(saved(pygrad.ones(2)), map_location="cuda:0")


@pytest.mark.cuda
def test_cuda_tensors_come_back_to_their_device():
    if not pygrad.cuda.is_available():
        pytest.skip("no CUDA device")
    base = pygrad.arange(10.0, device="cuda")
    data = saved([base[2:5], base[3]])
    assert list(storage_records(data).values()) == [12]
    first, second = loaded(data)
    assert first.device.type == "cuda"
    second.fill_(0.0)
    assert first[1].item() == 0.0
    assert loaded(data, map_location="cpu")[0].device.type == "cpu"
    assert loaded(saved(pygrad.ones(2)), map_location="cuda").device.type == "cuda"


def test_mmap(tmp_path):
    path = tmp_path / "big.pt"
    tensor = pygrad.arange(1000.0)
    pygrad.save({"x": tensor, "empty": pygrad.zeros(0)}, path)
    mapped = pygrad.load(path, mmap=True)["x"]
    assert pygrad.equal(mapped, tensor)
    mapped.zero_()  # a private copy of the page
    assert pygrad.equal(pygrad.load(path)["x"], tensor)
    with pytest.raises(RuntimeError, match="needs the path"):
        pygrad.load(io.BytesIO(path.read_bytes()), mmap=True)


# ------------------------------------------------------------------------------------ hostile files


def archive_with(pickled: bytes, **records: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/data.pkl", pickled)
        for name, data in records.items():
            archive.writestr("a/" + name.replace("__", "/"), data)
    return file.getvalue()


class _Call:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    "function", [os.system, eval, os.getcwd, pickle.loads, __import__, getattr]
)
def test_code_is_refused_by_name(function, protocol, weights_only):
    pickled = pickle.dumps(_Call(function, "raise SystemExit"), protocol)
    with pytest.raises(RuntimeError, match=r"refused global '[\w.]+'.*run code"):
        loaded(archive_with(pickled), weights_only=weights_only)


TENSOR = (
    "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"
    "X\x01\0\0\0kX\x03\0\0\0cpu{numel}tQ{rest}\x89ccollections\nOrderedDict\n)RtR."
)


def tensor_pickle(numel: int, offset: int, size: tuple, stride: tuple) -> bytes:
    from pygrad._pickle_writer import _encode_int, _encode_ints

    rest = _encode_int(offset) + _encode_ints(size) + _encode_ints(stride)
    text = TENSOR.encode("latin1").replace(b"{rest}", rest)
    return b"\x80\x02" + text.replace(b"{numel}", _encode_int(numel))


@pytest.mark.parametrize(
    ("numel", "offset", "size", "stride", "message"),
    [
        (4, 0, (5,), (1,), "does not fit its storage of 4"),
        (4, 1, (4,), (1,), "does not fit"),
        (4, 0, (2, 2), (3, 1), "does not fit"),
        (4, 5, (0,), (1,), "does not fit"),
        (4, -1, (1,), (1,), "offset"),
        (4, 0, (-1,), (1,), "size"),
        (4, 0, (2,), (-1,), "stride"),
        (4, 0, (2, 2), (1,), "size"),
        (4, 0, (2**40, 2**40), (0, 0), "too many elements"),
        (4, 0, (2**70,), (0,), "size"),
        (4, 0, (1,) * 65, (1,) * 65, "size"),
        (5, 0, (1,), (1,), "has 16 bytes, expected 20"),
        (2**60, 0, (1,), (1,), "elements"),
        (2**50, 0, (1,), (1,), "expected"),
        (-1, 0, (1,), (1,), "elements"),
    ],
)
def test_geometry_is_checked(numel, offset, size, stride, message):
    data = archive_with(tensor_pickle(numel, offset, size, stride), data__k=b"\0" * 16)
    with pytest.raises(RuntimeError, match=message):
        loaded(data)


def test_valid_hand_made_tensor():
    data = archive_with(tensor_pickle(4, 1, (3,), (1,)), data__k=b"\0\0\x80\x3f" * 4)
    assert pygrad.equal(loaded(data), pygrad.ones(3))


@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (b"", "ends within"),
        (b".", "unbalanced"),
        (b"\x80\x63N.", "protocol 99"),
        (b"NN.", "unbalanced"),
        (b"(N.", "unbalanced"),
        (b"h\x05.", "malformed"),
        (b"]}s.", "malformed"),
        (b"}]Ns.", "malformed.*unhashable"),
        (b"X\xff\xff\xff\xffab", "ends within"),
        (b"\x8d" + b"\xff" * 8, "ends within"),
        (b"\x8b\xff\xff\xff\x7f", "integer of"),
        (b"NNR.", "call of a NoneType"),
        (b"c__builtin__\nlist\n(tR.", "call of"),
        (b"c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.", "is a int"),
        (b"ccollections\nCounter\n](K\x01e\x85R.", "Counter"),
        (b"NQ.", "persistent id"),
        (b"\x82\x01.", "not permitted"),
        (b"i__builtin__\neval\n.", "not permitted"),
        (b")" + b"\x85" * 5000 + b".", "nested more than"),
        (b"cos\nsystem", "has no end"),
        (b"ctorch._utils\n_rebuild_parameter\n(NN" + b"N" + b"tR.", "over a NoneType"),
    ],
)
def test_malformed_pickles(pickled, message):
    with pytest.raises(RuntimeError, match=message):
        loaded(archive_with(pickled))


def test_deeply_nested_lists_load():
    back = loaded(archive_with(b"]" * 50_000 + b"a" * 49_999 + b"."))
    assert isinstance(back, list)


def test_other_kinds_of_files():
    compressed = io.BytesIO()
    with zipfile.ZipFile(compressed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02" + b"N0" * 100_000 + b"N.")
    cases = {
        b"": "empty",
        b"hello": "begins with",
        b"PK\3\4 not really": "truncated or damaged",
        b"\0" * 257 + b"ustar" + b"\0" * 300: "tar archive",
        pickle.dumps([1]): "magic number",
        archive_with(b"N.", constants__pkl=b"") + b"": None,
        compressed.getvalue(): "compressed",
        archive_with(b"N.", byteorder=b"big"): "byte order",
    }
    for data, message in cases.items():
        if message is not None:
            with pytest.raises(RuntimeError, match=message):
                loaded(data)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/constants.pkl", b"")
    with pytest.raises(RuntimeError, match="TorchScript"):
        loaded(file.getvalue())
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("a/other", b"")
    with pytest.raises(RuntimeError, match=r"no record 'data\.pkl'"):
        loaded(file.getvalue())


def test_every_truncation_is_reported():
    data = saved({"a": pygrad.arange(20.0), "b": [1, "text"]})
    for length in range(0, len(data), 7):
        with pytest.raises(RuntimeError, match=r"load\(\)"):
            loaded(data[:length])


def test_every_changed_payload_byte_is_reported():
    data = saved(pygrad.arange(20.0))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [e for e in archive.infolist() if e.filename.endswith(("data.pkl", "data/0"))]
    for entry in entries:
        start = data.index(b"Z" * 2, entry.header_offset)
        while data[start] == ord("Z"):
            start += 1
        for position in range(start, start + entry.file_size):
            changed = bytearray(data)
            changed[position] ^= 0x10
            with pytest.raises(RuntimeError, match="checksum"):
                loaded(bytes(changed))


def test_random_damage_never_gets_through_as_another_error():
    rng = random.Random(0)
    model = nn.Linear(3, 4)
    data = saved({"model": model.state_dict(), "list": [1, (2, 3)], "n": b"x"})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        name = next(n for n in archive.namelist() if n.endswith("data.pkl"))
        pickled = archive.read(name)
        records = {
            n.partition("/")[2].replace("/", "__"): archive.read(n)
            for n in archive.namelist()
            if "/data/" in n
        }
    for i in range(3000):
        changed = bytearray(pickled if i % 2 else data)
        for _ in range(rng.choice([1, 2, 8])):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        whole = archive_with(bytes(changed), **records) if i % 2 else bytes(changed)
        try:
            loaded(whole)
        except RuntimeError as error:
            assert str(error).startswith("load()")


@pytest.mark.skipif(not hasattr(_C, "crc32"), reason="the processor has no carry-less product")
def test_the_checksum_is_that_of_zip_files():
    random = np.random.default_rng(0)
    data = random.integers(0, 256, 70_000, dtype=np.uint8).tobytes()
    for size in [*range(300), 1023, 1024, 65_537, 70_000]:
        start, value = size % 17, int(random.integers(0, 2**32))
        piece = memoryview(data)[start : start + size]
        assert _C.crc32(piece, value) == zlib.crc32(piece, value), size
    assert _C.crc32(data) == zlib.crc32(data)
    halves = _C.crc32(memoryview(data)[40_000:], _C.crc32(memoryview(data)[:40_000]))
    assert halves == zlib.crc32(data)
    for wrong in (memoryview(data)[::2], np.zeros((2, 2))):
        with pytest.raises(RuntimeError, match="without"):
            _C.crc32(wrong)
