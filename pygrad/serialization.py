"""Saving and loading: PyTorch's checkpoint format, without ever running a file's code.

A checkpoint is a zip archive of stored records: ``data.pkl``, a pickle of the object in which each
tensor refers to a storage by number, and ``data/0``, ``data/1``, ... with the storages' bytes, each
aligned to 64. PyTorch's ``torch.load(weights_only=True)`` reads what `save` writes, and `load`
reads what PyTorch writes, its older format of plain pickles included.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from pygrad._C import device
    from pygrad._pickle_globals import Storage
    from pygrad._zip_archive import ZipReader

    FileLike: TypeAlias = str | os.PathLike[str] | BinaryIO
    MapLocation: TypeAlias = str | device | dict[str, str] | Callable[[Any, str], Any] | None

__all__ = ["save", "load"]

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001


def save(
    obj: object,
    f: FileLike,
    pickle_module: object = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Saves an object to a file that pygrad and PyTorch can load.

    A file named by its path is replaced atomically: the bytes go to a temporary file in the same
    folder, are forced to disk, and take the name at the end. Whatever happens before that leaves
    the old file as it was. Of a tensor that is a slice, only the slice is written; tensors that
    share memory share it again after loading.

    Args:
        obj: tensors, parameters, numbers, strings, bytes, None, ``Size``, ``dtype``, ``device``,
            NumPy numbers and arrays, and lists, tuples, sets and dicts (also OrderedDict, Counter,
            defaultdict) of them, such as a ``state_dict()``.
        f: a path, or an object with ``write``.
        pickle_module: accepted for PyTorch's sake; the format is always the same.
        pickle_protocol: as `pickle_module`.

    Raises:
        TypeError: something in `obj` cannot be written; the message says what and where.
        RuntimeError: the folder does not exist, or `obj` is nested too deeply.

    Example:
        >>> import io, pygrad
        >>> file = io.BytesIO()
        >>> pygrad.save({"weight": pygrad.ones(2), "epoch": 3}, file)
        >>> _ = file.seek(0)
        >>> pygrad.load(file)
        {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    from pygrad._pickle_writer import PickleWriter

    if not _use_new_zipfile_serialization:
        raise ValueError(
            "save(): _use_new_zipfile_serialization=False is not supported; expected True: "
            "the older format can be read but is not written"
        )
    writer = PickleWriter()
    writer.write(obj)  # everything that can be wrong with obj shows before a byte is written
    if isinstance(f, (str, os.PathLike)):
        path = os.fspath(f)
        name = os.path.splitext(os.path.basename(path))[0] or "archive"
        _write_atomically(path, lambda file: _write_archive(file, writer, name))
    elif callable(getattr(f, "write", None)):
        _write_archive(f, writer, "archive")
    else:
        raise TypeError(
            f"save(): f is a {type(f).__name__}; expected a path or an object with write()"
        )


def _write_archive(file: BinaryIO, writer: Any, name: str) -> None:
    import sys

    from pygrad._zip_archive import ALIGNMENT, ZipWriter

    archive = ZipWriter(file, name)
    archive.record("data.pkl", writer.pickle)
    archive.record(".format_version", b"1")
    archive.record(".storage_alignment", str(ALIGNMENT).encode())
    archive.record("byteorder", sys.byteorder.encode())
    for i, contents in enumerate(writer.storages):
        archive.record(f"data/{i}", contents)
    archive.record("version", b"3\n")
    archive.close()


def _write_atomically(path: str, write: Callable[[BinaryIO], None]) -> None:
    """Replaces the file `path` by what `write` writes, or leaves it untouched."""
    import stat

    target = os.path.realpath(path)  # a link stays a link
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise RuntimeError(f"save(): the folder {folder} does not exist; expected an existing one")
    try:
        mode: int | None = os.stat(target).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(f"save(): {path} is a folder; expected the name of a file")
    if mode is not None and not stat.S_ISREG(mode):
        with open(target, "wb") as file:  # a pipe or a device has no content to protect
            write(file)
        return
    temporary = os.path.join(
        folder, f".{os.path.basename(target)[:200]}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    )
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    handle = os.open(temporary, flags, 0o666)
    replaced = None if mode is None else _opened(target)
    try:
        with open(handle, "wb") as file:
            write(file)
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        if replaced is not None:
            os.close(replaced)
        raise
    if replaced is not None:
        _close_later(replaced)
    # The name itself must survive a power cut; some file systems cannot sync a folder.
    try:
        directory = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(directory)
    except OSError:
        pass
    finally:
        os.close(directory)


def _opened(path: str) -> int | None:
    """A handle on a file that is about to lose its name; None if it may not be read."""
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return None


def _close_later(handle: int) -> None:
    """Closes the last handle on a file without a name, on a thread of its own.

    That gives the file's blocks back to the disk, which can take longer than writing new ones, and
    nobody needs to wait for it.
    """
    import threading

    try:
        threading.Thread(target=os.close, args=(handle,), name="pygrad-save").start()
    except RuntimeError:  # the interpreter is shutting down, or there are too many threads
        os.close(handle)


def load(
    f: FileLike,
    map_location: MapLocation = None,
    pickle_module: object = None,
    *,
    weights_only: bool | None = True,
    mmap: bool | None = None,
    **pickle_load_args: object,
) -> Any:
    """Loads what `save` or ``torch.save`` wrote.

    The file's pickle is interpreted against a fixed table of data types: no file can import or call
    anything, whatever `weights_only` says, and a damaged file gives an error.

    Args:
        f: a path, or an object with ``read`` and ``seek``.
        map_location: where tensors go: a device; a dict from the saved location to another; or a
            function ``(storage, location)`` giving a storage, a device, or None for the default.
            Without it, tensors return to the device they were saved from.
        pickle_module: accepted for PyTorch's sake; unused.
        weights_only: accepted for PyTorch's sake. False changes nothing: code never runs.
        mmap: maps the file into memory instead of reading it. Pages are loaded when touched and
            copied when written; the storages' checksums are not verified. Needs a path.

    Raises:
        FileNotFoundError: there is no such file.
        RuntimeError: the file is damaged or truncated, names something that is not permitted, or
            needs a device that is not there.

    Example:
        >>> import io, pygrad
        >>> file = io.BytesIO()
        >>> pygrad.save([pygrad.arange(3), "text"], file)
        >>> _ = file.seek(0)
        >>> pygrad.load(file, map_location="cpu")
        [tensor([0, 1, 2]), 'text']
    """
    unknown = set(pickle_load_args) - {"encoding", "fix_imports", "errors"}
    if unknown:
        raise TypeError(f"load(): unexpected keyword arguments {sorted(unknown)}")
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return _load(file, map_location, mmap=bool(mmap))
    if not callable(getattr(f, "read", None)) or not callable(getattr(f, "seek", None)):
        raise TypeError(
            f"load(): f is a {type(f).__name__}; expected a path or a file to read and seek"
        )
    if mmap:
        raise RuntimeError("load(): mmap=True needs the path of a file; f is a file object")
    return _load(f, map_location, mmap=False)


def _load(file: BinaryIO, map_location: MapLocation, *, mmap: bool) -> Any:
    from pygrad._zip_archive import ZipReader

    start = file.tell()
    head = file.read(512)
    file.seek(start)
    if head[:4] == b"PK\3\4":
        if start != 0:
            raise RuntimeError(
                f"load(): the file object stands at byte {start}; expected the start of the zip. "
                "Did you forget seek(0)?"
            )
        return _load_archive(ZipReader(file), file, map_location, mmap)
    if head[257:262] == b"ustar":
        raise RuntimeError(
            "load(): the file is a tar archive, PyTorch's format before 0.1.10; expected a zip "
            "archive. Load and save it again with PyTorch"
        )
    if not head:
        raise RuntimeError(
            "load(): the file is empty, or the file object stands at its end; expected a checkpoint"
        )
    if head[:1] != b"\x80":
        raise RuntimeError(
            f"load(): the file begins with {head[:8]!r}; expected a PyTorch checkpoint (a zip)"
        )
    if mmap:
        raise RuntimeError(
            "load(): mmap=True needs a zip checkpoint; this file has the older format"
        )
    return _load_legacy(file, map_location)


def _load_archive(archive: ZipReader, file: BinaryIO, map_location: MapLocation, mmap: bool) -> Any:
    import sys

    from pygrad._pickle_globals import Storage, fail
    from pygrad._pickle_reader import PickleReader

    if "constants.pkl" in archive:
        raise RuntimeError(
            "load(): the file is a TorchScript program; expected a checkpoint of plain data"
        )
    if "data.pkl" not in archive:
        raise RuntimeError(
            "load(): the zip archive has no record 'data.pkl'; expected a PyTorch checkpoint"
        )
    if "byteorder" in archive and archive.read("byteorder").decode("latin1") != sys.byteorder:
        raise RuntimeError(
            f"load(): the file's byte order is not this machine's ({sys.byteorder}); "
            "load and save it again where it was made"
        )
    mapped: Any = None
    if mmap:
        import mmap as mapping

        mapped = mapping.mmap(file.fileno(), 0, access=mapping.ACCESS_COPY)
    storages: dict[str, Storage] = {}

    def persistent_load(identifier: tuple[Any, ...]) -> Storage:
        (dtype, item), key, location, numel = _storage_id(identifier)
        if key in storages:
            known = storages[key]
            if known.native.nbytes() != numel * item:
                fail(f"storage '{key}' has two sizes")
            return Storage(known.native, dtype, item)
        record = f"data/{key}"
        if archive.size(record) != numel * item:
            fail(f"record '{record}' has {archive.size(record)} bytes, expected {numel * item}")
        offset = archive.offset(record)
        if mapped is not None and numel:
            native = _mapped_storage(mapped, offset, numel * item)
        else:
            native = _new_storage(numel * item)
            archive.read_into(record, memoryview(native).cast("B") if numel else memoryview(b""))
        storage = Storage(_relocate(native, location, map_location), dtype, item)
        storages[key] = storage
        return storage

    return PickleReader(archive.read("data.pkl"), persistent_load).read()


def _load_legacy(file: BinaryIO, map_location: MapLocation) -> Any:
    """PyTorch's format before 1.6: pickles of a header, the object and the storages' keys, then for
    each storage its number of elements and its bytes."""
    from pygrad._pickle_globals import Storage, fail
    from pygrad._pickle_reader import PickleReader

    data = memoryview(file.read())
    storages: dict[str, Storage] = {}
    locations: dict[str, str] = {}
    taken = 0

    def persistent_load(identifier: tuple[Any, ...]) -> Storage:
        nonlocal taken
        (dtype, item), key, location, numel = _storage_id(identifier)
        if len(identifier) > 5 and identifier[5] is not None:
            fail("a storage that is a view of another, as PyTorch wrote before 0.4")
        if key not in storages:
            taken += numel * item
            if taken > len(data):
                fail(f"the storages need {taken} bytes, but the file has {len(data)}")
            storages[key] = Storage(_new_storage(numel * item), dtype, item)
            locations[key] = location
        elif storages[key].native.nbytes() != numel * item:
            fail(f"storage '{key}' has two sizes")
        return Storage(storages[key].native, dtype, item)

    def read(start: int) -> tuple[Any, int]:
        reader = PickleReader(data, persistent_load, start)
        return reader.read(), reader.position

    magic, position = read(0)
    if magic != _LEGACY_MAGIC:
        raise RuntimeError(
            "load(): the file is a pickle but no PyTorch checkpoint: its magic number is missing"
        )
    protocol, position = read(position)
    if protocol != _LEGACY_PROTOCOL:
        fail(f"protocol {protocol}, expected {_LEGACY_PROTOCOL}")
    system, start = read(position)
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise RuntimeError("load(): the file's byte order is not this machine's (little)")
    _, position = read(start)  # finds the storages; the object is read again once they are filled
    keys, position = read(position)
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(storages):
        fail("the list of storages does not match the object")
    for key in map(str, keys):
        storage = storages[key]
        size = storage.native.nbytes()
        count = int.from_bytes(data[position : position + 8], "little")
        position += 8
        if count != storage.numel or position + size > len(data):
            fail(f"storage '{key}' is truncated")
        if size:
            memoryview(storage.native).cast("B")[:] = data[position : position + size]
        position += size
        native = _relocate(storage.native, locations[key], map_location)
        storages[key] = Storage(native, storage.dtype, storage.item)
    return read(start)[0]


def _storage_id(identifier: tuple[Any, ...]) -> tuple[tuple[Any, int], str, str, int]:
    """Checks ``('storage', class, key, location, numel)``; class comes as (dtype, item size)."""
    from pygrad._pickle_globals import fail

    kind, key, location, numel = identifier[1:5]
    if type(kind) is not tuple or len(kind) != 2 or type(key) is not str:
        fail(f"storage id {str(identifier)[:100]}")
    if type(location) is not str or type(numel) is not int or not 0 <= numel < 1 << 58:
        fail(f"storage '{key[:40]}' of {str(numel)[:40]} elements")
    return kind, key, location, numel


def _new_storage(nbytes: int) -> Any:
    from pygrad import _C

    native: Any = _C
    return native.UntypedStorage(nbytes)


def _mapped_storage(mapped: Any, offset: int, nbytes: int) -> Any:
    import numpy as np

    import pygrad

    # NumPy's array keeps the mapping alive, and the tensor's storage keeps the array.
    array = np.frombuffer(mapped, np.uint8, nbytes, offset)
    return pygrad.from_numpy(array).untyped_storage()


def _relocate(native: Any, location: str, map_location: MapLocation) -> Any:
    """The storage on the device it belongs on."""
    if map_location is None:
        return _to_device(native, location, "")
    if isinstance(map_location, dict):
        return _to_device(native, map_location.get(location, location), "")
    if callable(map_location):
        result = map_location(native, location)
        if result is None:
            return _to_device(native, location, "")
        if isinstance(result, type(native)):
            return result
        return _to_device(native, str(result), "map_location's ")
    return _to_device(native, str(map_location), "")


def _to_device(native: Any, location: str, whose: str) -> Any:
    import pygrad
    from pygrad import _C

    if location == "cpu":
        return native
    if location.partition(":")[0] != "cuda":
        raise RuntimeError(
            f"load(): {whose}location '{location}' is unknown; expected 'cpu' or 'cuda'. "
            "Pass map_location='cpu'"
        )
    if not pygrad.cuda.is_available():
        raise RuntimeError(
            f"load(): a tensor belongs on {location}, but no CUDA device is available; "
            "expected one. Pass map_location='cpu'"
        )
    compiled: Any = _C
    size = native.nbytes()
    flat = compiled._rebuild_tensor(native, pygrad.uint8, 0, (size,), (1,))
    return flat.to(pygrad.device(location)).untyped_storage()
