"""Arguments, then the environment, then pyproject.toml; behaviours 45-49 of the predecessors."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from odac_db.cli.errors import UsageProblem
from odac_db.cli.settings import Settings, read_schema_folder, read_settings
from odac_db.cli.urls import url_from_parts


def settings_in(folder: Path, toml: str, **environment: str) -> Settings:
    (folder / "pyproject.toml").write_text(toml, encoding="utf-8")
    return read_settings(None, None, environment=environment, folder=folder)


FILE = '[tool.odac-db]\nurl = "mysql://file/app"\nschema = "tables"\n'


def test_an_argument_comes_first(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(FILE)
    environment = {"ODAC_DB_URL": "mysql://environment/app", "ODAC_DB_SCHEMA": "other"}
    found = read_settings("mysql://argument/app", "given", environment=environment, folder=tmp_path)
    assert (found.url, found.schema) == ("mysql://argument/app", Path("given"))


def test_then_the_environment(tmp_path: Path) -> None:
    found = settings_in(
        tmp_path, FILE, ODAC_DB_URL="mysql://environment/app", ODAC_DB_SCHEMA="other"
    )
    assert (found.url, found.schema) == ("mysql://environment/app", Path("other"))


def test_then_the_nearest_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(FILE)
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    found = read_settings(None, None, environment={}, folder=below)
    assert (found.url, found.schema) == ("mysql://file/app", tmp_path / "tables")


def test_a_relative_sqlite_file_is_beside_its_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.odac-db]\nurl = "sqlite:///dev.db"\n')
    below = tmp_path / "src"
    below.mkdir()
    found = read_settings(None, None, environment={}, folder=below)
    assert found.url == f"sqlite:///{tmp_path}/dev.db"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:////var/x.db"])
def test_other_sqlite_urls_stay(tmp_path: Path, url: str) -> None:
    assert settings_in(tmp_path, f'[tool.odac-db]\nurl = "{url}"\n').url == url


@pytest.mark.parametrize("key", ["filename", "database"])
def test_45_sqlite_from_filename_or_database(key: str) -> None:
    assert url_from_parts({"type": "sqlite", key: "app.db"}) == "sqlite:///app.db"


def test_46_the_host_is_127_0_0_1_if_left_out() -> None:
    assert url_from_parts({"type": "mysql", "database": "app"}) == "mysql://127.0.0.1/app"


def test_47_a_single_url_is_the_default_connection(tmp_path: Path) -> None:
    found = settings_in(tmp_path, FILE)
    assert dict(found.urls) == {"default": "mysql://file/app"}


def test_48_many_connections_keep_their_names(tmp_path: Path) -> None:
    toml = """
    [tool.odac-db]
    url = "mysql://one/app"
    [tool.odac-db.connections.analytics]
    url = "postgresql://two/app"
    [tool.odac-db.connections.archive]
    type = "sqlite"
    filename = "archive.db"
    """
    assert settings_in(tmp_path, toml).url == {
        "default": "mysql://one/app",
        "analytics": "postgresql://two/app",
        "archive": f"sqlite:///{tmp_path}/archive.db",
    }


@pytest.mark.parametrize(
    ("alias", "scheme"),
    [
        ("postgres", "postgresql"),
        ("pg", "postgresql"),
        ("postgresql", "postgresql"),
        ("sqlite", "sqlite"),
        ("sqlite3", "sqlite"),
        ("mysql", "mysql"),
        ("mariadb", "mariadb"),
    ],
)
def test_49_aliases_in_parts_and_in_urls(alias: str, scheme: str) -> None:
    assert url_from_parts({"dialect": alias, "database": "x"}).startswith(f"{scheme}://")
    found = read_settings(f"{alias}://h/x", None, environment={}, folder=Path("/"))
    assert found.url == f"{scheme}://h/x"


def test_parts_are_escaped_and_read_back_as_written() -> None:
    password = "p@ss:w/rd%?#[] é"
    parts = {
        "type": "pg",
        "host": "::1",
        "port": 5433,
        "user": "a@b",
        "password": password,
        "database": "my db",
    }
    url = make_url(url_from_parts(parts))
    assert (url.username, url.password, url.host) == ("a@b", password, "::1")
    assert (url.port, url.database) == (5433, "my db")


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ({"type": "oracle"}, "none of"),
        ({}, "none of"),
        ({"type": "pg", "pasword": "x"}, "pasword"),
        ({"type": "pg", "password": "x"}, "without a user"),
        ({"type": "pg", "port": "five"}, "not a number"),
        ({"type": "pg", "host": "/var/run"}, "socket"),
        ({"type": "sqlite"}, "filename"),
    ],
)
def test_parts_that_make_no_url_are_refused(parts: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        url_from_parts(parts)


def test_a_variable_is_filled_in_and_escaped_in_parts(tmp_path: Path) -> None:
    toml = '[tool.odac-db]\nurl = {type = "pg", user = "ada", password = "${PW}", database = "x"}\n'
    assert settings_in(tmp_path, toml, PW="a@b").url == "postgresql://ada:a%40b@127.0.0.1/x"


def test_a_missing_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="variable PW"):
        settings_in(tmp_path, '[tool.odac-db]\nurl = "mysql://ada:${PW}@h/x"\n')


def test_a_missing_variable_of_an_unused_url_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.odac-db]\nurl = "${MISSING}"\n')
    found = read_settings("sqlite://", None, environment={}, folder=tmp_path)
    assert found.url == "sqlite://"


def test_a_connection_has_a_variable_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "tables" / "eu-west").mkdir(parents=True)
    found = settings_in(
        tmp_path, FILE, ODAC_DB_URL_EU_WEST="mysql://eu/app", ODAC_DB_URL_LOGS="mysql://logs/app"
    )
    assert found.url == {
        "default": "mysql://file/app",
        "eu-west": "mysql://eu/app",
        "logs": "mysql://logs/app",
    }


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ('[tool.odac-db]\nurll = "x"\n', "no key 'urll'"),
        ("[tool.odac-db]\nurl = 5\n", "neither a url"),
        ('[tool.odac-db]\nurl = "x"\nschema = 5\n', "schema"),
        ("[tool.odac-db\n", "pyproject.toml"),
        ('[tool.odac-db]\nconnections = "x"\n', "connections"),
        ("[tool]\nodac-db = 5\n", "odac-db"),
    ],
)
def test_a_wrong_pyproject_is_refused_with_its_name(
    tmp_path: Path, toml: str, complaint: str
) -> None:
    with pytest.raises(UsageProblem, match=complaint):
        settings_in(tmp_path, toml)


def test_nothing_configured_says_where_to_configure(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"--url.*ODAC_DB_URL.*pyproject"):
        read_settings(None, None, environment={}, folder=tmp_path)
    with pytest.raises(UsageProblem, match=r"--schema.*ODAC_DB_SCHEMA.*pyproject"):
        read_schema_folder(None, environment={}, folder=tmp_path)


def test_a_url_without_a_scheme_is_refused() -> None:
    with pytest.raises(UsageProblem, match="://"):
        read_settings("app.db", None, environment={}, folder=Path("/"))


@pytest.mark.parametrize(
    "url", ["mysql://ada:s3cret", "mysql://ada:s3cret/app", "pg://a@h:s3cret/x"]
)
def test_a_port_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(UsageProblem, match="port") as refused:
        read_settings(url, None, environment={}, folder=Path("/"))
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["mysql://a:5@h:33/x", "postgresql://[::1]:5432/x", "mysql://h/x?a=b:c"]
)
def test_a_port_may_be_there_or_not(url: str) -> None:
    assert read_settings(url, None, environment={}, folder=Path("/")).url == url
