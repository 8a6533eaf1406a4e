"""What waits on disk outlives its process, keeps its order and its limit, and is never sent broken."""

from pathlib import Path
from random import Random

import pytest
from slo_portal_client.spool import SEGMENTS, Spool

LARGE = 100_000


def everything(spool: Spool, count: int = 7) -> list[bytes]:
    """Take all, piece by piece."""
    found: list[bytes] = []
    for _ in range(10_000):
        chunk = spool.take(count, 1000)
        if chunk is None:
            break
        assert 0 < len(chunk.records) <= count
        found += chunk.records
        spool.done(chunk)
    return found


def records(count: int, start: int = 0) -> list[bytes]:
    return [f"invoices {n} {{}}".encode() for n in range(start, start + count)]


def filled(folder: Path, given: list[bytes], limit: int = LARGE) -> Spool:
    spool = Spool(folder, limit)
    assert sum(spool.append(record) for record in given) == 0
    return spool


def reopened(folder: Path, limit: int = LARGE) -> Spool:
    spool = Spool(folder, limit)
    spool.adopt()
    return spool


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool"))


def test_all_comes_back_in_order_and_nothing_stays_behind(tmp_path):
    spool = filled(tmp_path, records(2000))
    assert len(files(tmp_path)) > 3
    assert everything(spool) == records(2000)
    assert (spool.waiting, files(tmp_path)) == (0, [])
    spool.close()


def test_a_spool_goes_on_where_another_has_ended(tmp_path):
    first = filled(tmp_path, records(2000))
    for _ in range(100):
        first.done(first.take(7, 1000))
    first.close()
    second = filled(tmp_path, records(100, start=2000))
    assert second.adopt() == (1300, 0)
    assert everything(second) == records(1400, start=700)
    assert files(tmp_path) == []
    second.close()


def test_nobody_takes_what_a_living_one_holds(tmp_path):
    living = filled(tmp_path, records(10))
    other = filled(tmp_path, records(5, start=10))
    assert other.adopt() == (0, 0)
    assert everything(other) == records(5, start=10)
    living.close()
    assert other.adopt() == (10, 0)
    other.close()


def test_what_was_not_written_to_its_end_is_passed_over(tmp_path):
    filled(tmp_path, records(3)).close()
    [path] = files(tmp_path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        spool = reopened(tmp_path)
        ends = [0, *(n for n, byte in enumerate(whole, start=1) if byte == ord("\n"))]
        assert everything(spool) == records(3)[: sum(end <= length for end in ends) - 1]
        spool.close()
        path.write_bytes(b"")
    path.unlink()


def test_a_changed_line_is_never_sent_and_the_others_are(tmp_path, caplog):
    random = Random(1)
    for _ in range(100):
        filled(tmp_path, records(20)).close()
        [path] = files(tmp_path)
        content = bytearray(path.read_bytes())
        for _ in range(3):
            content[random.randrange(len(content))] = random.randrange(256)
        path.write_bytes(content)
        spool = reopened(tmp_path)
        found = everything(spool)
        spool.close()
        assert [record for record in found if record not in records(20)] == []
        assert len(found) >= 14
        assert files(tmp_path) == []
    assert "broken lines" in caplog.text


def test_a_file_of_others_is_left_alone_or_passed_over(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "1.spool").write_bytes(b"\0" * 5000 + b"\n" + b"garbage\n" * 10)
    spool = reopened(tmp_path)
    assert everything(spool) == []
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    spool.close()


def test_the_limit_holds_and_the_oldest_go_first(tmp_path):
    spool = Spool(tmp_path, 20_000)
    dropped = 0
    for record in records(5000):
        dropped += spool.append(record)
        assert sum(path.stat().st_size for path in files(tmp_path)) <= 20_000
    assert spool.waiting == 5000 - dropped
    assert sum(path.stat().st_size for path in files(tmp_path)) > 20_000 * (1 - 2 / SEGMENTS)
    assert everything(spool) == records(5000)[dropped:]
    spool.close()


def test_what_is_being_sent_is_not_counted_as_dropped(tmp_path):
    spool = filled(tmp_path, records(10))
    spool.limit = 2000
    chunk = spool.take(7, 1000)
    dropped = sum(spool.append(record) for record in records(500, start=10))
    spool.done(chunk)
    assert dropped + spool.waiting == 503
    assert everything(spool) == records(510)[7 + dropped :]
    spool.close()


def test_what_is_adopted_counts_towards_the_limit(tmp_path):
    filled(tmp_path, records(3000)).close()
    spool = Spool(tmp_path, 20_000)
    found, dropped = spool.adopt()
    assert found == 3000
    assert 0 < dropped < 3000
    assert everything(spool) == records(3000)[dropped:]
    spool.close()


def test_others_on_the_machine_cannot_read_it(tmp_path):
    spool = filled(tmp_path / "new", records(1))
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    assert files(tmp_path / "new")[0].stat().st_mode & 0o077 == 0
    spool.close()


@pytest.mark.parametrize("done", [0, 1, 6, 7, 20])
def test_to_what_was_sent_nothing_is_added_when_the_process_ends(tmp_path, done):
    spool = filled(tmp_path, records(20))
    for _ in range(done):
        spool.done(spool.take(1, 1000))
    spool.close()
    again = reopened(tmp_path)
    assert everything(again) == records(20)[done:]
    again.close()
