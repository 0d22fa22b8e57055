"""Behaviours 45-49 and 52: connections. 50, 51 and that part of 52 are about ClickHouse,
which is not one of our servers.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from odac_db import Database, UnsupportedServer
from odac_db.cli.settings import read_settings
from odac_db.cli.urls import checked_url, url_from_parts
from tests.behaviours.steps import Application, table

THINGS = table({"id": "increments"})


@pytest.mark.parametrize("key", ["filename", "database"])
def test_b45_sqlite_is_a_file_named_by_filename_or_database(tmp_path: Path, key: str) -> None:
    """One without either is an error: a file nobody named would be a database nobody finds."""
    path = tmp_path / "app.db"
    with Database.open(url_from_parts({"type": "sqlite3", key: str(path)})) as db:
        assert db.engine.url.database == str(path)
    with pytest.raises(ValueError, match="filename"):
        url_from_parts({"type": "sqlite"})


def test_b46_the_host_is_this_one_unless_said() -> None:
    parts = {"type": "postgresql", "user": "ada", "password": "p@ss/w:rd", "database": "app"}
    with Database.open(url_from_parts(parts)) as db:
        url = db.engine.url
        assert (url.host, url.username, url.password) == ("127.0.0.1", "ada", "p@ss/w:rd")
    assert "@db.example:5433/" in url_from_parts(parts | {"host": "db.example", "port": 5433})


def settings(folder: Path, section: str) -> dict[str, str]:
    (folder / "pyproject.toml").write_text(f"[tool.odac-db]\n{section}\n")
    return dict(read_settings(None, None, environment={}, folder=folder).urls)


def test_b47_a_single_connection_is_the_default(tmp_path: Path) -> None:
    assert list(settings(tmp_path, 'url = "sqlite:///app.db"')) == ["default"]
    with Database.open("sqlite://") as db:
        assert list(db.connections) == ["default"]
        assert db["default"] is db


def test_b48_several_connections_have_their_names(tmp_path: Path) -> None:
    section = (
        "[tool.odac-db.connections]\n"
        'default = {type = "sqlite", filename = "app.db"}\n'
        'analytics = "postgresql://127.0.0.1/numbers"'
    )
    urls = settings(tmp_path, section)
    assert set(urls) == {"default", "analytics"}
    with Database.open(urls) as db:
        assert db["analytics"].engine.url.database == "numbers"
        with pytest.raises(KeyError, match="analytics"):
            db["nowhere"]


@pytest.mark.parametrize(
    ("alias", "backend"),
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
def test_b49_other_names_of_servers(alias: str, backend: str) -> None:
    assert checked_url(f"{alias}:///x").startswith(backend)
    with Database.open(checked_url(f"{alias}:///x")) as db:
        assert db.engine.url.get_backend_name() == backend


def test_b49_an_unknown_server_is_refused() -> None:
    """odac takes every other name for MySQL."""
    with pytest.raises(UnsupportedServer, match="oracle"):
        Database.open("oracle://127.0.0.1/x")


def test_b52_connections_to_different_servers_are_migrated_together(
    app: Application, tmp_path: Path
) -> None:
    app.declare(things=THINGS)
    (app.folder / "local").mkdir()
    (app.folder / "local" / "notes.yaml").write_text("columns: {id: {type: increments}}\n")
    urls = {"default": app.database.url, "local": f"sqlite:///{tmp_path / 'local.db'}"}
    with Database.open(urls, schema=app.folder, migrate=True) as db:
        for name, made in (("default", "things"), ("local", "notes")):
            report = db[name].report
            assert report is not None
            assert [op.name for op in report.applied] == [made]
            assert db[name].plan().in_sync
    assert app.tables() == {"things"}
