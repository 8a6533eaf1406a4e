"""Files of strangers, read record by record in bounded memory. Pure: knows no database.

    translator = read_mapping("bpic2019", INVOICE)      # or OwnNames(INVOICE)
    with path.open("rb") as raw:
        for record in read_records(raw, path.name, translator): ...

A record is a Row (a message for ingestion), Broken (with line number and reason) or Skipped.
"""

from collections.abc import Iterator
from typing import BinaryIO

from kpis.importers.containers import Member, members
from kpis.importers.csvfile import read_csv
from kpis.importers.grouping import by_case
from kpis.importers.jsonfile import read_json, read_json_lines
from kpis.importers.mapping import FieldMap, OwnNames, Translator
from kpis.importers.mappingfile import delivered, parse_mapping, read_mapping
from kpis.importers.records import BadValue, Broken, Item, Record, Row, Skipped, Unusable, find
from kpis.importers.xes import read_xes

__all__ = [
    "Broken",
    "FieldMap",
    "OwnNames",
    "Record",
    "Row",
    "Skipped",
    "Translator",
    "Unusable",
    "delivered",
    "parse_mapping",
    "read_mapping",
    "read_records",
]


def read_records(raw: BinaryIO, name: str, translator: Translator) -> Iterator[Record]:
    """Every record of the file `raw`, called `name`.

    The ending of the name tells the container, and the format where the mapping does not.
    Raises Unusable before the first record when nothing can be read.
    """
    for item in _grouped(_items(raw, name, translator), translator):
        if isinstance(item, Broken):
            yield item
            continue
        try:
            yield translator.translate(item)
        except BadValue as error:
            yield Broken(item.file, item.line, str(error), item.raw)


def _grouped(items: Iterator[Item | Broken], translator: Translator) -> Iterator[Item | Broken]:
    events = translator.layout.events
    if events is None or events.case is None or not isinstance(translator, FieldMap):
        return items
    name = events.case
    return by_case(items, lambda item: _text(translator.reading.known(find(item.scopes, name))), translator.kept())


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _items(raw: BinaryIO, name: str, translator: Translator) -> Iterator[Item | Broken]:
    for member in members(raw, name, translator.layout.format):
        if isinstance(member, Broken):
            yield member
            continue
        try:
            yield from _read(member, translator)
        except Unusable as error:
            # One member of an archive that cannot be used does not stop the others.
            if not member.name:
                raise
            yield Broken(member.name, 1, str(error))


def _read(member: Member, translator: Translator) -> Iterator[Item | Broken]:
    layout = translator.layout
    if layout.events and not layout.events.case and member.format != "xes":
        raise Unusable(
            f"The mapping's `events` name no `case`: only XES keeps its events by case, this is {member.format}."
        )
    if member.format == "csv":
        return read_csv(
            member.stream, member.name, translator.check_header, delimiter=layout.delimiter, encoding=layout.encoding
        )
    if member.format == "jsonl":
        return read_json_lines(member.stream, member.name, layout.records)
    if member.format == "json":
        return read_json(member.stream, member.name, layout.records)
    if isinstance(translator, OwnNames):
        raise Unusable("An XES log has its own names for everything: give a mapping (--mapping).")
    return read_xes(member.stream, member.name)
