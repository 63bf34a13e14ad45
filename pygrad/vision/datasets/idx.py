"""Reading the idx format of the MNIST family, plain or gzipped, and fetching such files.

Layout: two zero bytes, a type code, the number of dimensions, each dimension as a big-endian 32-bit
number, then the elements. The files read here hold unsigned bytes (code 8).
"""

from __future__ import annotations

import os

import pygrad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pygrad import Tensor

__all__ = ["fetch_idx", "find_idx", "read_idx"]


def find_idx(folders: Sequence[str], name: str) -> str | None:
    """The path of the file `name`, plain or gzipped, in the first folder that has it."""
    for folder in folders:
        for candidate in (name, name + ".gz"):
            path = os.path.join(folder, candidate)
            if os.path.isfile(path):
                return path
    return None


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        data = file.read()
    if data[:2] != b"\x1f\x8b":
        return data
    return _unzip(data, path)


def _unzip(data: bytes, source: str) -> bytes:
    import gzip
    import zlib

    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise RuntimeError(
            f"read_idx(): {source} is truncated or altered: {error}; found {len(data)} compressed "
            "bytes, expected a whole gzip file. Delete it and get it again"
        ) from None


def _parse(content: bytes, source: str, dims: int) -> Tensor:
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != 8 or content[3] != dims:
        raise RuntimeError(
            f"read_idx(): {source} starts with {content[:4].hex() or 'nothing'}; "
            f"expected 000008{dims:02x}, an idx file of unsigned bytes with {dims} dimensions"
        )
    header = 4 + 4 * dims
    shape = tuple(
        int.from_bytes(content[i : i + 4], "big") for i in range(4, min(header, len(content)), 4)
    )
    expected = header
    size = 1
    for dim in shape:
        size *= dim
    expected += size
    if len(shape) != dims or len(content) != expected:
        raise RuntimeError(
            f"read_idx(): {source} is truncated or altered; found {len(content)} bytes, "
            f"expected {expected} for shape {shape}"
        )
    if size == 0:
        empty: Tensor = pygrad.empty(shape, dtype=pygrad.uint8)
        return empty
    # A bytearray, so that the tensor may be written to.
    flat = pygrad.frombuffer(bytearray(memoryview(content)[header:]), dtype=pygrad.uint8)
    return flat.reshape(shape)


def read_idx(path: str, dims: int) -> Tensor:
    """The tensor in an idx file.

    Args:
        path: of the file, plain or gzipped.
        dims: how many dimensions it must have.

    Returns:
        a uint8 tensor of its own memory.

    Raises:
        RuntimeError: the file is no such idx file, truncated or altered.
    """
    return _parse(_content(path), path, dims)


def fetch_idx(urls: Sequence[str], path: str, md5: str, dims: int) -> None:
    """Download a gzipped idx file, check its content and put it, uncompressed, at `path`.

    The file appears complete or not at all.

    Args:
        urls: where to try, in order.
        path: of the new file.
        md5: checksum of the content, or of the file as it is published.
        dims: how many dimensions it must have.

    Raises:
        RuntimeError: nothing could be downloaded, or the content is not the expected one.
    """
    import hashlib
    import tempfile
    import urllib.request

    failures = []
    for url in urls:
        try:
            with urllib.request.urlopen(url, timeout=30) as response:
                packed = response.read()
            content = _unzip(packed, url)
        except (OSError, RuntimeError) as error:
            failures.append(f"{url}: {error}")
            continue
        found = [hashlib.md5(d, usedforsecurity=False).hexdigest() for d in (content, packed)]
        if md5 not in found:
            failures.append(f"{url}: md5 is {found[0]} (unpacked) or {found[1]}, expected {md5}")
            continue
        _parse(content, url, dims)
        folder = os.path.dirname(path)
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=os.path.basename(path))
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        return
    raise RuntimeError(f"download of {os.path.basename(path)} failed: " + "; ".join(failures))
