"""The zip container of a checkpoint: a writer that streams, a reader that checks everything.

Records are stored, never compressed, and each record's bytes start at a multiple of 64, so that a
file can be mapped into memory and its tensors used in place. The writer knows every size and CRC
before it writes a header: it needs no seek and works on pipes and sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import (  # type: ignore[attr-defined, unused-ignore]
        Buffer,
        Callable,
    )

ALIGNMENT = 64
_PADDING_ID = 0x4246  # "FB": the extra field PyTorch pads with
_MAX_32 = 0xFFFFFFFF
_CHUNK = 1 << 24


def _crc32() -> Callable[[Buffer, int], int]:
    """The module's own checksum where the processor has an instruction for it, else zlib's."""
    import zlib

    from pygrad import _C

    native: Any = _C
    return getattr(native, "crc32", zlib.crc32)


class ZipWriter:
    """Writes stored, aligned records to `file` under the folder `prefix`.

    Args:
        file: has ``write(bytes-like)``; may be a pipe.
        prefix: the folder that all records of the archive share.
    """

    def __init__(self, file: BinaryIO, prefix: str) -> None:
        self._file: Any = file  # its write() may return None, whatever BinaryIO promises
        self._prefix = prefix
        self._position = 0
        self._entries: list[tuple[bytes, int, int, int]] = []  # name, crc, size, header offset

    def _write(self, data: Buffer) -> None:
        view = memoryview(data)
        done = 0
        while done < view.nbytes:  # a raw (unbuffered) file may write less than it was given
            chunk = view[done : done + _CHUNK]
            count = self._file.write(chunk)
            done += chunk.nbytes if count is None else count
            if count == 0:
                raise OSError("save(): the file accepts no more bytes")
        self._position += done

    def record(self, name: str, data: Buffer) -> None:
        """Appends one record."""
        import struct

        view = memoryview(data).cast("B")
        crc, size, offset = _crc32()(view, 0), view.nbytes, self._position
        path = f"{self._prefix}/{name}".encode()
        extra = b""
        if size >= _MAX_32:  # zip64: the sizes move to an extra field
            extra = struct.pack("<HHQQ", 1, 16, size, size)
        start = offset + 30 + len(path) + len(extra) + 4
        padding = -start % ALIGNMENT
        extra += struct.pack("<HH", _PADDING_ID, padding) + b"Z" * padding
        shown = min(size, _MAX_32)
        self._write(
            struct.pack(
                "<IHHHHHIIIHH",
                0x04034B50, 45, 0x0800, 0, 0, 0x21, crc, shown, shown, len(path), len(extra),
            )
            + path
            + extra
        )  # fmt: skip
        self._write(view)
        self._entries.append((path, crc, size, offset))

    def close(self) -> None:
        """Writes the directory; the underlying file stays open."""
        import struct

        start = self._position
        directory = bytearray()
        for path, crc, size, offset in self._entries:
            wide = b""
            if size >= _MAX_32:
                wide += struct.pack("<QQ", size, size)
            if offset >= _MAX_32:
                wide += struct.pack("<Q", offset)
            extra = struct.pack("<HH", 1, len(wide)) + wide if wide else b""
            shown = min(size, _MAX_32)
            directory += struct.pack(
                "<IHHHHHHIIIHHHHHII",
                0x02014B50, 45, 45, 0x0800, 0, 0, 0x21, crc, shown, shown,
                len(path), len(extra), 0, 0, 0, 0, min(offset, _MAX_32),
            )  # fmt: skip
            directory += path + extra
        count, size = len(self._entries), len(directory)
        end = start + size
        if count >= 0xFFFF or start >= _MAX_32 or size >= _MAX_32:
            directory += struct.pack(
                "<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, size, start
            )
            directory += struct.pack("<IIQI", 0x07064B50, 0, end, 1)
        shown_count = min(count, 0xFFFF)
        directory += struct.pack(
            "<IHHHHIIH",
            0x06054B50, 0, 0, shown_count, shown_count,
            min(size, _MAX_32), min(start, _MAX_32), 0,
        )  # fmt: skip
        self._write(directory)


class ZipReader:
    """The records of a checkpoint archive.

    Every record is checked against the length of the file before memory is taken for it, and
    against its CRC after it has been read.

    Args:
        file: seekable, opened for reading bytes.

    Raises:
        RuntimeError: the archive is damaged, or is no checkpoint.
    """

    def __init__(self, file: BinaryIO) -> None:
        import zipfile

        self._file = file
        self._length = file.seek(0, 2)
        file.seek(0)
        try:
            with zipfile.ZipFile(file) as archive:
                entries = archive.infolist()
        except Exception as error:
            raise RuntimeError(
                f"load(): the zip archive is truncated or damaged: {error}"
            ) from error
        self._records: dict[str, Any] = {}
        prefix: str | None = None
        for entry in entries:
            head, slash, name = entry.filename.partition("/")
            if not slash:
                head, name = "", entry.filename
            if prefix is None:
                prefix = head
            if head == prefix:
                if name in self._records:
                    raise RuntimeError(f"load(): record '{name}' occurs twice in the archive")
                self._records[name] = entry

    def __contains__(self, name: str) -> bool:
        return name in self._records

    def names(self) -> list[str]:
        """The records' names, without the archive's folder."""
        return list(self._records)

    def size(self, name: str) -> int:
        """The length of a record in bytes."""
        return int(self._entry(name).file_size)

    def _entry(self, name: str) -> Any:
        entry = self._records.get(name)
        if entry is None:
            raise RuntimeError(f"load(): the archive has no record '{name}'; the file is damaged")
        return entry

    def offset(self, name: str) -> int:
        """Where a record's bytes start in the file, after checking that all of them are there."""
        import struct

        entry = self._entry(name)
        if (
            entry.compress_type != 0
            or entry.flag_bits & 1
            or entry.compress_size != entry.file_size
        ):
            raise RuntimeError(
                f"load(): record '{name}' is compressed or encrypted; a checkpoint's records are "
                "stored as they are"
            )
        if not 0 <= entry.header_offset < self._length:
            raise RuntimeError(f"load(): record '{name}' lies outside the file; it is damaged")
        self._file.seek(entry.header_offset)
        header = self._file.read(30)
        if len(header) != 30 or header[:4] != b"PK\3\4":
            raise RuntimeError(f"load(): record '{name}' has no header; the file is damaged")
        name_length, extra_length = struct.unpack_from("<HH", header, 26)
        start = int(entry.header_offset) + 30 + int(name_length) + int(extra_length)
        if start + entry.file_size > self._length:
            raise RuntimeError(
                f"load(): record '{name}' ends at byte {start + entry.file_size}, but the file has "
                f"{self._length}; it is truncated"
            )
        return start

    def read_into(self, name: str, target: memoryview) -> None:
        """Reads a record of exactly ``target.nbytes`` bytes and checks its CRC."""
        checksum = _crc32()
        entry = self._entry(name)
        self._file.seek(self.offset(name))
        readinto = getattr(self._file, "readinto", None)
        done, crc = 0, 0
        while done < target.nbytes:
            chunk = target[done : done + _CHUNK]
            if readinto is not None:
                count = readinto(chunk) or 0
            else:
                data = self._file.read(chunk.nbytes)
                count = len(data)
                chunk[:count] = data
            if count == 0:
                raise RuntimeError(f"load(): record '{name}' is truncated")
            crc = checksum(chunk[:count], crc)
            done += count
        if crc != entry.CRC:
            raise RuntimeError(
                f"load(): record '{name}' does not match its checksum; the file is damaged"
            )

    def read(self, name: str) -> bytes:
        """A whole record."""
        self.offset(name)  # refuses a size that the file does not have, before memory is taken
        data = bytearray(self.size(name))
        self.read_into(name, memoryview(data))
        return bytes(data)
