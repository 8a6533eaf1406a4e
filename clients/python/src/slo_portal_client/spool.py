"""Messages that wait on disk: what was written survives the process, and whoever comes next sends it.

A folder of segments, each a file of lines that is only ever added to: a checksum, a space, and a record or, in digits,
up to where all before was sent. A line that was not written to its end, or was changed, is passed over. The lock on a
segment says that its process lives; one without a lock is taken over by the next process that looks.
"""

import contextlib
import fcntl
import itertools
import logging
import os
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slo_portal_client.memory import Chunk

SEGMENTS = 8  # of the whole; as much is lost at once when there is no more room
log = logging.getLogger("slo_portal_client")
_numbers = itertools.count()


def framed(content: bytes) -> bytes:
    return b"%08x %b\n" % (zlib.crc32(content), content)


def lines(text: bytes) -> Iterator[tuple[bytes | None, int]]:
    """The content of each whole line, None for a broken one, and how long the line is."""
    for line in text.split(b"\n")[:-1]:
        content = line[9:]
        yield (content if framed(content) == line + b"\n" else None), len(line) + 1


@dataclass(eq=False)
class Segment:
    path: Path
    file: int
    size: int = 0
    read: int = 0  # all before was sent
    waiting: int = 0  # records from there on
    taken: int = 0  # of these, what is being sent

    def close(self) -> None:
        os.close(self.file)

    def remove(self) -> None:
        with contextlib.suppress(OSError):
            self.path.unlink()
        self.close()


class Spool:
    """A store of up to `limit` bytes for this process, in a folder that several may share."""

    def __init__(self, folder: Path, limit: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder, self.limit = folder, limit
        self.segments: list[Segment] = []  # oldest first
        self.tail: Segment | None = None  # the one that is written to; the last

    def append(self, record: bytes) -> int:
        line = framed(record)
        tail = self.tail
        if tail is None or tail.size + len(line) > self.limit // SEGMENTS:
            tail = self._begin()
        dropped = self._make_room(len(line))
        self._write(tail, line)
        tail.waiting += 1
        return dropped

    def _begin(self) -> Segment:
        """Locked before it has the name by which others look for it."""
        name = f"{time.time_ns():020}-{os.getpid()}-{next(_numbers)}"
        new = self.folder / f"{name}.new"
        file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            new.rename(path := self.folder / f"{name}.spool")
        except OSError:
            os.close(file)
            raise
        self.tail = Segment(path, file)
        self.segments.append(self.tail)
        return self.tail

    def _make_room(self, size: int) -> int:
        dropped = 0
        while len(self.segments) > 1 and sum(segment.size for segment in self.segments) + size > self.limit:
            oldest = self.segments.pop(0)
            dropped += oldest.waiting - oldest.taken  # the sender still has what is taken
            oldest.remove()
        return dropped

    def _write(self, segment: Segment, line: bytes) -> None:
        count = os.write(segment.file, line)
        if count != len(line):
            os.ftruncate(segment.file, segment.size)
            raise OSError(f"only {count} of {len(line)} bytes could be written to {segment.path}")
        segment.size += count

    def take(self, count: int, size: int) -> Chunk | None:
        """`size` is at least that of the longest line."""
        while self.segments:
            segment = self.segments[0]
            chunk = self._read(segment, count, size)
            if chunk.records:
                segment.taken = len(chunk.records)
                return chunk
            if chunk.end == segment.read:
                self._finish(segment)
            segment.read = chunk.end
        return None

    def _read(self, segment: Segment, count: int, size: int) -> Chunk:
        records: list[bytes] = []
        end = segment.read
        for content, length in lines(os.pread(segment.file, min(size, segment.size - end), end)):
            if len(records) == count:
                break
            end += length
            if content is not None and not content.isdigit():
                records.append(content)
        return Chunk(records, end, segment)

    def done(self, chunk: Chunk) -> None:
        segment = chunk.place
        if not isinstance(segment, Segment) or segment not in self.segments:
            return  # dropped meanwhile
        segment.read, segment.taken = chunk.end, 0
        segment.waiting -= len(chunk.records)
        if not segment.waiting:
            self._finish(segment)
        else:
            with contextlib.suppress(OSError):  # it will be sent once more, which changes nothing
                self._write(segment, framed(b"%d" % chunk.end))

    def _finish(self, segment: Segment) -> None:
        self.segments.remove(segment)
        if segment is self.tail:
            self.tail = None
        segment.remove()

    def adopt(self) -> tuple[int, int]:
        """Take over what processes that are gone have left; how many records these are, and how many were dropped."""
        found = [segment for path in sorted(self.folder.glob("*.spool")) if (segment := self._orphan(path))]
        self.segments[:0] = found
        for segment in [segment for segment in found if not segment.waiting]:
            self._finish(segment)
        return sum(segment.waiting for segment in found), self._make_room(0)

    def _orphan(self, path: Path) -> Segment | None:
        try:
            file = os.open(path, os.O_RDWR | os.O_APPEND)
        except OSError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file).st_nlink:
                return scanned(path, file)
        except OSError:  # its process lives
            pass
        os.close(file)
        return None

    def close(self) -> None:
        for segment in self.segments:
            segment.close()
        self.segments, self.tail = [], None

    @property
    def waiting(self) -> int:
        return sum(segment.waiting for segment in self.segments)


def scanned(path: Path, file: int) -> Segment:
    """A segment as its lines say that it is."""
    segment, starts, broken = Segment(path, file), [], 0
    for content, length in lines(os.pread(file, os.fstat(file).st_size, 0)):
        if content is None:
            broken += 1
        elif content.isdigit():
            segment.read = min(int(content), segment.size)
        else:
            starts.append(segment.size)
        segment.size += length
    segment.waiting = sum(start >= segment.read for start in starts)
    if broken:
        log.warning("%s: passed over %d broken lines", path, broken)
    return segment
