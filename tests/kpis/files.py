"""Small files for the tests of the import, and what reading them gives."""

import gzip
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from kpis.importers import Broken, OwnNames, Record, Row, Translator, parse_mapping, read_records
from kpis.messages import EXCEPTION, INVOICE

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
OWN = OwnNames(INVOICE)

XES = """<?xml version="1.0" encoding="utf-8"?>
<log xmlns="http://www.xes-standard.org/">
  <string key="creator" value="test"/>
  {traces}
</log>"""
TRACE = '<trace><string key="concept:name" value="{name}"/>{events}</trace>'
EVENT = '<event><string key="concept:name" value="{0}"/><date key="time:timestamp" value="{1}"/></event>'


def read(name: str, content: bytes | str, translator: Translator = OWN) -> list[Record]:
    data = content.encode() if isinstance(content, str) else content
    return list(read_records(io.BytesIO(data), name, translator))


def rows(records: list[Record]) -> list[dict[str, object]]:
    return [record.fields for record in records if isinstance(record, Row)]


def broken(records: list[Record]) -> list[tuple[int, str]]:
    return [(record.line, record.reason) for record in records if isinstance(record, Broken)]


def mapped(name: str, content: bytes | str, mapping: str) -> list[Record]:
    return read(name, content, parse_mapping(mapping, EXCEPTION if "kind: exception" in mapping else INVOICE))


def trace(name: str, *events: tuple[str, str]) -> str:
    return TRACE.format(name=name, events="".join(EVENT.format(*event) for event in events))


def xes(*traces: str) -> str:
    return XES.format(traces="\n".join(traces))


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def gzipped(content: bytes | str) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return gzip.compress(data, mtime=0)  # the same in every process: it names a test case
