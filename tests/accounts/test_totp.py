"""Codes from an app, by the test values of RFC 6238 (its SHA-1 ones, the last six digits)."""

import base64
from datetime import UTC, datetime

import pytest

from accounts import totp

SECRET = base64.b32encode(b"12345678901234567890").decode()
VALUES = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}


@pytest.mark.parametrize(("second", "code"), [*VALUES.items(), (20000000000, "353130")])
def test_the_codes_are_those_of_the_standard(second, code):
    assert totp.matching_step(SECRET, code, datetime.fromtimestamp(second, UTC)) == second // 30


@pytest.mark.parametrize(("apart", "fits"), [(-31, False), (-30, True), (0, True), (59, True), (60, False)])
def test_the_clocks_may_be_one_step_apart(apart, fits):
    at = datetime.fromtimestamp(1111111110 + apart, UTC)
    assert (totp.matching_step(SECRET, "050471", at) is not None) == fits


@pytest.mark.parametrize(
    "code", ["", "0", "05047", "0504711", "050472", "a50471", "\u0660\u0665\u0660\u0664\u0667\u0661", "\0" * 6]
)
def test_what_is_no_code_does_not_fit(code):
    assert totp.matching_step(SECRET, code, datetime.fromtimestamp(1111111111, UTC)) is None


def test_secrets_and_recovery_codes_are_never_the_same():
    assert len({totp.new_secret() for _ in range(50)}) == 50
    codes = totp.new_recovery_codes()
    assert len(set(codes)) == 10
    assert {totp.plain(f" {code.upper()} ") for code in codes} == {code.replace("-", "") for code in codes}


def test_the_picture_is_an_svg_without_styles_and_scripts():
    picture = totp.qr(totp.uri(SECRET, "vera & co <x>", "SLO portal"))
    assert picture.startswith("<svg ")
    assert "style=" not in picture
    assert "script" not in picture
