"""Secrets of channels at rest."""

import pytest

from alerts import secrets

CONFIG = {"url": "https://hooks.example.com/T0/B0/very-secret", "secret": "ü" * 20}
OLD, NEW = "old-key-" * 6, "new-key-" * 6


def test_what_is_kept_shows_nothing_and_can_be_read_again():
    sealed = secrets.seal(CONFIG)
    assert "secret" not in sealed
    assert "hooks" not in sealed
    assert secrets.seal(CONFIG) != sealed
    assert secrets.reveal(sealed) == CONFIG
    assert (secrets.seal({}), secrets.reveal(""), secrets.rotate("")) == ("", {}, "")


def test_after_a_change_of_the_key_the_old_one_still_reads_and_can_be_replaced(settings):
    settings.SECRET_KEY = OLD
    sealed = secrets.seal(CONFIG)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert secrets.reveal(sealed) == CONFIG
    rotated = secrets.rotate(sealed)
    settings.SECRET_KEY_FALLBACKS = []
    assert secrets.reveal(rotated) == CONFIG
    for act in (secrets.reveal, secrets.rotate):
        with pytest.raises(secrets.Unreadable, match="SECRET_KEY_FALLBACKS"):
            act(sealed)


@pytest.mark.parametrize("kept", ["nonsense", "gAAAAA", "ü"])
def test_what_was_damaged_is_unreadable(kept):
    with pytest.raises(secrets.Unreadable):
        secrets.reveal(kept)
