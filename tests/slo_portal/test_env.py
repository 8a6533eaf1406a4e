"""Settings from the environment: what works, and the named problem of what cannot."""

import stat

import pytest

from slo_portal import env

LONG_KEY = "k3y-0123456789-abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(autouse=True)
def problems(monkeypatch):
    """The problems of this test alone."""
    found: list[env.Problem] = []
    monkeypatch.setattr(env, "problems", found)
    return found


def codes(problems):
    return [problem.code for problem in problems]


@pytest.mark.parametrize(("value", "means"), [("true", True), ("1", True), ("On", True), ("no", False), ("0", False)])
def test_a_flag_is_read(monkeypatch, problems, value, means):
    monkeypatch.setenv("METRICS_ENABLED", value)
    assert env.flag("METRICS_ENABLED", not means) is means
    assert problems == []


@pytest.mark.parametrize("default", [True, False])
def test_an_empty_flag_is_left_out(monkeypatch, problems, default):
    monkeypatch.setenv("METRICS_ENABLED", "")
    assert env.flag("METRICS_ENABLED", default) is default
    assert problems == []


@pytest.mark.parametrize("default", [True, False])
def test_a_flag_that_says_neither_is_named_and_stays_at_its_default(monkeypatch, problems, default):
    monkeypatch.setenv("METRICS_ENABLED", "maybe")
    assert env.flag("METRICS_ENABLED", default) is default
    assert codes(problems) == ["E001"]
    assert "METRICS_ENABLED" in problems[0].message


@pytest.mark.parametrize("value", ["0", "65536", "-1", "80a", "8e3", "٣", "9" * 5000])
def test_a_number_out_of_range_is_named(monkeypatch, problems, value):
    monkeypatch.setenv("PORT", value)
    assert env.number("PORT", 8000, 1, 65535) == 8000
    assert codes(problems) == ["E002"]
    assert "PORT" in problems[0].message
    assert "65535" in problems[0].hint


@pytest.mark.parametrize(("value", "means"), [("1", 1), ("65535", 65535), ("", 8000), (" 80 ", 80)])
def test_a_number_is_read(monkeypatch, problems, value, means):
    monkeypatch.setenv("PORT", value)
    assert env.number("PORT", 8000, 1, 65535) == means
    assert problems == []


def test_words_are_split_at_commas(monkeypatch):
    monkeypatch.setenv("ALLOWED_HOSTS", "a.example, b.example,")
    assert env.words("ALLOWED_HOSTS", ["x"]) == ["a.example", "b.example"]
    monkeypatch.delenv("ALLOWED_HOSTS")
    assert env.words("ALLOWED_HOSTS", ["x"]) == ["x"]


def test_a_data_directory_that_is_a_file_is_named(monkeypatch, problems, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file"))
    env._data_dir()
    assert codes(problems) == ["E003"]


def test_a_data_directory_is_made(monkeypatch, problems, tmp_path):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "new" / "one"))
    assert env._data_dir().is_dir()
    assert problems == []


@pytest.mark.parametrize("key", ["short", "a" * 60, "django-insecure-" + LONG_KEY])
def test_a_secret_key_that_can_be_guessed_is_named(monkeypatch, problems, key, tmp_path):
    monkeypatch.setenv("SECRET_KEY", key)
    env.secret_key(tmp_path)
    assert codes(problems) == ["E004"]


def test_a_good_secret_key_is_taken(monkeypatch, problems, tmp_path):
    monkeypatch.setenv("SECRET_KEY", LONG_KEY)
    assert env.secret_key(tmp_path) == LONG_KEY
    assert problems == []


def test_without_one_a_secret_key_is_made_once_for_its_owner_only(monkeypatch, tmp_path):
    monkeypatch.delenv("SECRET_KEY")
    key = env.secret_key(tmp_path)
    assert len(key) >= 50
    assert env.secret_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_a_secret_key_that_cannot_be_kept_is_named(monkeypatch, problems, tmp_path):
    monkeypatch.delenv("SECRET_KEY")
    (tmp_path / "secret-key").mkdir()
    assert env.secret_key(tmp_path)
    assert codes(problems) == ["E005"]


BROKEN_DATABASES = [
    "mysql://u:p@h/db", "sqlite:///db", "nonsense", "postgresql://", "postgresql://host", "postgresql://h:99x/db",
    "postgresql://h:99999999/db", "postgresql://[::1/db", "http://h/db", f"postgresql://{'h' * 64}.example/db",
]  # fmt: skip


@pytest.mark.parametrize("url", BROKEN_DATABASES)
def test_a_broken_database_address_is_named_and_never_stands_for_another_database(problems, url):
    config = env.database(url)
    assert codes(problems) == ["E006"]
    assert config["HOST"].endswith(".invalid")


def test_a_database_address_is_read_with_its_options(problems):
    config = env.database("postgresql://user:p%40ss@db.example:5433/slo?sslmode=require")
    assert problems == []
    named = [config[key] for key in ("HOST", "PORT", "USER", "PASSWORD", "NAME")]
    assert named == ["db.example", 5433, "user", "p@ss", "slo"]
    assert config["OPTIONS"] == {"connect_timeout": 2, "sslmode": "require"}


def test_a_database_address_may_name_the_folder_of_a_socket(problems):
    assert env.database("postgresql://user@%2Frun%2Fpostgresql/slo")["HOST"] == "/run/postgresql"
    assert problems == []


def test_without_an_address_the_portals_own_database_is_meant(problems):
    assert env.database("")["HOST"] == str(env.socket_dir())
    assert problems == []


@pytest.mark.parametrize("url", ["foo", "redis://", "http://h", "redis://h:99999999/0", "redis://h:x/0", "amqp://h"])
def test_a_broken_broker_address_is_named_and_never_stands_for_another_broker(problems, url):
    assert ".invalid" in env.broker(url)
    assert codes(problems) == ["E007"]


@pytest.mark.parametrize("url", ["redis://h", "rediss://:p@h:6380/1", "redis+socket:///run/v.sock?virtual_host=1"])
def test_a_broker_address_is_taken_as_it_is(problems, url):
    assert env.broker(url) == url
    assert problems == []


def test_sockets_live_in_the_data_directory(tmp_path):
    assert env.socket_dir(tmp_path) == tmp_path / "run"


@pytest.mark.parametrize("name", ["d" * 90, "with space", "with,comma", "ümlaut", "50%"])
def test_sockets_of_a_deep_or_odd_data_directory_have_a_short_plain_address(tmp_path, name):
    folder = env.socket_dir(tmp_path / name)
    assert tmp_path not in folder.parents
    assert env.SOCKET_FOLDER.fullmatch(str(folder))
    assert folder != env.socket_dir(tmp_path / (name + "x"))


def test_a_socket_may_lie_in_a_long_folder():
    folder = "/srv/" + "a-folder-with-a-name-that-is-longer-than-a-host-may-be/" + "x" * 20
    assert env.database(f"postgresql://me@{folder.replace('/', '%2F')}/slo")["HOST"] == folder
    assert not [problem for problem in env.problems if problem.code == "E006"]
