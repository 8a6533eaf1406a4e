"""What is known of a backup before anything is restored; the restoring itself is tests/faults/test_backup.py."""

import hashlib

import pytest

from slo_portal import backup


def test_a_backup_of_a_newer_version_is_known_by_its_migrations():
    known = {("slo_portal", "0001_role"), ("auth", "0001_initial"), ("removed_app", "0001_initial")}
    assert backup.Contents([], known).newer == []
    assert backup.Contents([], {*known, ("slos", "9999_later")}).newer == ["slos.9999_later"]


def test_a_file_is_compared_with_the_checksum_beside_it(tmp_path):
    path = tmp_path / "portal.dump"
    path.write_bytes(b"all of it")
    with pytest.raises(backup.BackupError, match=r"portal\.dump\.sha256 cannot be read"):
        backup.verify(path)
    found = hashlib.sha256(b"all of it").hexdigest()
    backup.checksum(path).write_text(f"{found}  portal.dump\n")
    assert backup.verify(path) == found
    path.write_bytes(b"half of it")
    with pytest.raises(backup.BackupError, match="is damaged"):
        backup.verify(path)
