"""What a file holds: itself, the content of a .gz, or the members of a .zip. Nothing is unpacked to disk."""

import gzip
import io
import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO

from kpis.importers.records import STREAM_ERRORS, Broken, Unusable

FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".xes": "xes"}
ARCHIVES = (".gz", ".zip")
ENCRYPTED = 0x1
# What zipfile raises when the numbers in its directory make no sense, or a member needs what it cannot do.
ZIP_ERRORS = (*STREAM_ERRORS, ValueError, RuntimeError, NotImplementedError, OverflowError, struct.error)
BUFFER = 1 << 16


@dataclass(frozen=True, slots=True)
class Member:
    """One readable file: its name inside the archive ("" for a file by itself), its format and its bytes."""

    name: str
    format: str
    stream: BinaryIO


def members(raw: BinaryIO, name: str, format: str | None) -> Iterator[Member | Broken]:
    """The files in `raw`, called `name`. `format` holds for all; None: by each name's ending. Raises Unusable."""
    suffix = PurePath(name).suffix.lower()
    if suffix == ".zip":
        yield from _zip(raw, format)
    elif suffix == ".gz":
        stem = PurePath(name).stem
        if raw.read(2) != b"\x1f\x8b":
            raise Unusable(f"{name} ends in .gz but is not a gzip file.")
        raw.seek(0)
        stream = io.BufferedReader(gzip.GzipFile(fileobj=raw), BUFFER)
        yield Member("", format or _format(stem), stream)
    else:
        yield Member("", format or _format(name), raw)


def _format(name: str) -> str:
    suffix = PurePath(name).suffix.lower()
    if suffix in ARCHIVES:
        raise Unusable(f"{name} is an archive in an archive: unpack it once.")
    if suffix not in FORMATS:
        raise Unusable(
            f"{name}: the ending does not tell the format. Known: {', '.join(FORMATS)}; or say `format` in the mapping."
        )
    return FORMATS[suffix]


def _zip(raw: BinaryIO, format: str | None) -> Iterator[Member | Broken]:
    try:
        archive = zipfile.ZipFile(raw)
    except ZIP_ERRORS as error:
        raise Unusable(f"Not a complete zip file: {error}. Fetch it again, or pack it again.") from None
    entries = [entry for entry in archive.infolist() if not re.match(r".*/$|__MACOSX/|$", entry.filename)]
    if not entries:
        raise Unusable("The zip file holds no file.")
    for entry in entries:
        try:
            yield _member(archive, entry, format)
        except Unusable as error:
            # One member that cannot be used does not stop the others.
            if len(entries) == 1:
                raise
            yield Broken(entry.filename, 1, str(error))


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, format: str | None) -> Member:
    if entry.flag_bits & ENCRYPTED:
        raise Unusable(f"{entry.filename} is encrypted: pack it without a password.")
    if PurePath(entry.filename).suffix.lower() in ARCHIVES:
        raise Unusable(f"{entry.filename} is an archive in an archive: unpack it once.")
    format = format or _format(entry.filename)
    try:
        stream = io.BufferedReader(archive.open(entry), BUFFER)  # type: ignore[type-var]
    except ZIP_ERRORS as error:
        raise Unusable(f"{entry.filename} cannot be unpacked: {error}.") from None
    return Member(entry.filename, format, stream)
