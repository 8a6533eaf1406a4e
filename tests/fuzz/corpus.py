"""What nobody should send: texts for every place that takes one, and JSON for every field that takes a value."""

# ruff: noqa: RUF001 - characters that look like others are what some of it is about

import json
from collections.abc import Iterator
from urllib.parse import quote_from_bytes

LONG = (200, 201, 1_000, 2_001, 4_000)
DIGITS = (9, 10, 18, 19, 20, 39, 310, 4_301)

INJECTIONS = [
    "'", '"', "`", "\\", "\\'", "''", "';--", "' OR '1'='1", "' OR 1=1 --", '" OR ""="', "') OR ('a'='a", "1 OR 1=1",
    "1; DROP TABLE kpis_invoicemetric", "'; DROP TABLE accounts_user; --", "' UNION SELECT NULL, version() --",
    "1 UNION ALL SELECT usename, passwd FROM pg_shadow", "'; SELECT pg_sleep(30); --", "1)); SELECT pg_sleep(30)--",
    "'||(SELECT current_user)||'", "$$;SELECT 1;$$", "/**/", "-- ", "%", "%%", "_", "%_%", "%' --", "\\%",
    "E'\\x41'", "{}", "{0}", "{0.__class__.__mro__}", "%s", "%d", "%n%n%n%n", "%(organization)s", "%1$s", "$1", ":1",
    "?", "@@version", "{{7*7}}", "{{ settings.SECRET_KEY }}", "{% debug %}", "{% load l10n %}", "${7*7}", "#{7*7}",
    "<%= 7*7 %>", "${jndi:ldap://127.0.0.1/x}", "$(id)", "`id`", "|id", ";id", "&& id", "\n id", "a;b",
    "!ruby/object:Kernel", "!!python/object/apply:os.system [id]", "gASVBwAAAAAAAACMA2FiY5Qu", "*)(uid=*))(|(uid=*",
    "__proto__", "constructor", "__class__", "pk__in", "organization__slug", "user__password__startswith",
    "vendor__regex", "-created_at", "random()", "<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>",
    "javascript:alert(1)", "'><svg/onload=alert(1)>", "<a href='//evil.example'>x</a>", "<!--", "]]>",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY y SYSTEM 'file:///x'>]>", "<!channel>", "<http://evil.example|ok>",
    "&amp;", "&#0;", "\\u0000", "\\x00", "%00", "%2500", "%0d%0a", "+", "%2B",
]  # fmt: skip

CONTROLS = [
    "\0", "a\0", "\0a", "a\0b", "\x01", "\x07", "\x08", "\t", "\n", "\r", "\r\n", "\x0b", "\x0c", "\x1b[2J", "\x1f",
    " ", "  ", " a", "a ", "\x7f", "\x80", "\x85", "\x9f", "\xa0", "\xad", "a\r\nSet-Cookie: x=1", "a\r\n\r\n<html>",
    "a\nX-Evil: 1", "a\r\nBcc: x@evil.example", "a\u2028b", "a\u2029b", "\v\f",
]  # fmt: skip

CHARACTERS = [
    "\ud800", "\udfff", "a\ud83d", "\ude00a", "\ude00\ud83d", "\ufffe", "\uffff", "\ufffd", "\ufeff", "\ufeffa",
    "\u200b", "\u200d", "\u2060", "\u202e", "\u202eabc", "\u2066\u2069", "\u061c", "\u0301", "e\u0301", "\u00e9",
    "\u1e9e", "\u0130", "\u0131", "ﬁ", "Å", "\u212b", "ｆｕｌｌ", "１２", "١٢", "۳", "²", "½",
    "Ⅷ", "一", "日本語", "\u0639\u0631\u0628",
    "\u05e2\u05d1", "ไทย", "ॐ", "😀", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "🇩🇪", "🏳️‍🌈", "\U0010ffff", "\U000e0001", "\U0001f3fb", "Ａ＝１",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚", "\u0915\u094d\u0937", "ǅ", "ß", "ſ", "Ünïcödé", "İstanbul", "ΑΒΓς", "\ue000", "\ufdfa",
    "a" + "\u0301" * 100, "\u202e" * 50,
]  # fmt: skip

FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(1)", "=cmd|' /C calc'!A0", "=HYPERLINK(\"http://evil.example\",\"x\")", "\t=1+1",
    "\r=1+1", "\n=1+1", " =1+1", "＝1+1", "＋1", "－1", "＠A1", "|x", "%x", "'=1", '"=1"', "=1,2", '",=1', ";=1", "=\0",
    "−1",
]  # fmt: skip

NUMBERS = [
    "0", "-0", "00", "01", "+1", "-1", "1.0", "1.", ".5", "1,5", "1_000", "1e3", "1E400", "-1e400", "1e-400",
    "1e999999999", "0x10", "0b1", "0o7", "1/2", "1 2", " 1", "1 ", "NaN", "nan", "sNaN", "-NaN", "Infinity", "-inf",
    "inf", "1j", "²", "٣", "2147483647", "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808",
    "-9223372036854775809", "18446744073709551616", "0.1", "0.000000000000000000001", "0.1234567",
    "99999999999999.99", "500", "501", "365", "366", "true", "True", "false", "yes", "on", "null", "None",
    "undefined", "[]", "{}", "[object Object]", *("9" * number for number in DIGITS), "-" + "9" * 400,
    "0." + "9" * 400, "1e" + "9" * 20,
]  # fmt: skip

MOMENTS = [
    "0000-00-00", "0001-01-01", "0001-01-01T00:00:00+23:59", "1582-10-10", "1899-12-31", "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00Z", "1999-12-31", "1999-12-31T23:59:59.999999Z", "2000-01-01", "2000-01-01T00:00:00Z",
    "2000-01-01T00:00:00+14:00", "2026-02-29", "2024-02-29", "2100-02-29", "2026-02-30", "2026-04-31", "2026-00-10",
    "2026-13-01", "2026-01-00", "2026-11-32", "2026-3-1", "20261110", "2026-W46-2", "2026-314", "11/10/2026",
    "10.11.2026", "2026-03-29T02:30:00", "2026-10-25T02:30:00+02:00", "2026-11-10", "2026-11-10T24:00:00Z",
    "2026-11-10T23:59:60Z", "2016-12-31T23:59:60Z", "2026-11-10T25:00:00Z", "2026-11-10T12:60:00Z", "2026-11-10T12Z",
    "2026-11-10T12:00Z", "2026-11-10T12:00:00", "2026-11-10T12:00:00z", "2026-11-10 12:00:00Z",
    "2026-11-10T12:00:00+00:60", "2026-11-10T12:00:00+24:00", "2026-11-10T12:00:00-23:59",
    "2026-11-10T12:00:00.1234567Z", "2026-11-10T12:00:00,5Z", "2026-11-10T12:00:00+0100",
    "2026-11-10T12:00:00 01:00", "2026-11-10T12:00:00[Europe/Berlin]", "2026-11-10T12:00:00 UTC", "2199-12-31",
    "2200-01-01", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-23:59", "10000-01-01", "-2026-01-01",
    "+002026-01-01", "2038-01-19T03:14:08Z", "1762776000", "1762776000000", "now", "today", "yesterday", "infinity",
    "-infinity", "epoch", "P1D", "now()", "２０２６-１１-１０",
]  # fmt: skip

PATHS = [
    ".", "..", "../", "../../etc/passwd", "..\\..\\x", "....//", "/", "//", "///", "\\", "/etc/passwd", "C:\\x",
    "\\\\x\\y", "file:///etc/passwd", "http://evil.example", "//evil.example", "/\\evil.example",
    "https:evil.example", "a/b", "a/", "/a", "a//b", "a/../b", "%2e%2e%2f", "..%2f", "..%c0%af", "~", "*", "?", "#",
    "#a", "a?b=c", "a#b", "a&b=c", "a=b", "a;b=c", "con", "nul", ".htaccess", "index.php", "metrics", "dashboard",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "{00000000-0000-0000-0000-000000000000}", "00000000000000000000000000000000",
    "urn:uuid:00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-00000000000g", "localhost",
    "127.0.0.1", "http://169.254.169.254/", "[::1]", "0x7f.1", "localhost:5432",
]  # fmt: skip

HEADERS = [
    "Bearer", "Bearer ", "bearer x", "Bearer x y", "Basic YTpi", "Bearer slo_", "Bearer slo_00000000",
    "Bearer " + "x" * 4_000, "Token x", "Bearer \u00e9", 'W/"x"', '"x"', 'W/"', '"', '"x', "*", "*, *",
    'W/"a", "b", c', "text/html", "*/*", "*/*;q=0", "text/*;q=2", "application/json;q=x",
    "application/json; indent=4", "application/json; charset=utf-7", "text/csv", ";;;", ",", ",,,", "=", "a=b; c",
    "multipart/form-data", "multipart/form-data; boundary=", "application/x-ndjson",
    "application/json; charset=idna", "a; b*=bogus''x", "gzip", "chunked", "bytes=0-", "bytes=-1", "identity;q=0",
    "100-continue", "PUT", "DELETE", "127.0.0.1, 10.0.0.1", "unknown", "for=127.0.0.1", "https",
    "sessionid=x; csrftoken=y", "a" * 64,
]  # fmt: skip

TEXTS = list(
    dict.fromkeys(
        ["", *INJECTIONS, *CONTROLS, *CHARACTERS, *FORMULAS, *NUMBERS, *MOMENTS, *PATHS, *HEADERS]
        + ["x" * length for length in LONG]
        + ["ü" * length for length in LONG]
        + ["😀" * 201, "=" * 1_000, "[" * 1_000, "{" * 1_000, "(" * 1_000, "%" * 1_000, "../" * 300, "a b " * 500]
    )
)

VALUES = [  # JSON that is not a text; some of it is none
    b"null", b"true", b"false", b"0", b"-0", b"1", b"-1", b"0.5", b"1.5", b"-0.0", b"1e3", b"1e400", b"-1e400",
    b"1e-400", b"2147483648", b"9223372036854775808", b"-9223372036854775809", b"9" * 400, b"9" * 5_000,
    b"0." + b"9" * 5_000, b"1e99999999999999999999", b"NaN", b"-Infinity", b"Infinity", b"01", b"+1", b".5", b"1.",
    b"0x10", b"1_000", b"True", b"None", b"undefined", b"[]", b"{}", b"[[]]", b"[null]", b"[1, 2]", b'["a"]',
    b'{"a": 1}', b'{"a": null}', b'{"": ""}', b'{"a": {}}', b'{"a": "b", "a": "c"}', b'{"__proto__": {}}',
    b'{"$ne": null}', b'{"\\u0000": "a"}', b'{"a": "\\u0000"}', b'{"\\ud800": "a"}', b'{"a": "\\udfff"}',
    b"[" * 33 + b"]" * 33, b"[" * 500 + b"]" * 500, b'{"a":' * 200 + b"1" + b"}" * 200, b"[" * 10_000,
    b"[" + b"1," * 2_000 + b"1]", b"{" + b",".join(b'"k%d":"v"' % n for n in range(1_000)) + b"}", b'"\\u0000"',
    b'"\\ud800"', b'"\\q"', b'"\\u12"', b'"unfinished', b"'single'", b"/* */ 1", b"// 1", b"", b" ", b"1 2", b"{",
    b"}", b"[1,]", b'{"a":1,}', b'{"a" 1}', b"\xff\xfe", b'"\xed\xa0\x80"', b'"\xc3"', b"\xef\xbb\xbf1", b'"a\tb"',
    b'"a\nb"', b'"\x00"', b"\x00",
]  # fmt: skip


def literals() -> Iterator[bytes]:
    """Every literal as JSON."""
    yield from (json.dumps(text).encode() for text in TEXTS)
    yield from VALUES


def in_address(text: str) -> str:
    """A text as a part of an address; what is no character as the bytes that UTF-8 would have for it."""
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="")


def in_header_of(text: str) -> str:
    """A text as a server hands a header over: each byte a character, and none that ends a header."""
    sent = text.encode("utf-8", "surrogatepass").decode("latin-1")
    return sent.translate({0: "%00", 10: " ", 13: " "}).strip()
