"""Schema folders as the database opens them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from odac_db import Database, DeclarationError, OdacDbError


def test_files_that_cannot_be_read_hide_no_fault_of_those_that_can(tmp_path: Path) -> None:
    (tmp_path / "dangling.yaml").symlink_to("nowhere.yaml")
    (tmp_path / "faulty.yaml").write_text("columns: {id: {tipe: integer}}\n")
    with pytest.raises(DeclarationError) as raised:
        Database.open("sqlite://", schema=tmp_path)
    files = {Path(problem.file).name for problem in raised.value.problems}
    assert files == {"dangling.yaml", "faulty.yaml"}


def test_a_sub_folder_without_schema_files_is_no_connection(tmp_path: Path) -> None:
    (tmp_path / "things.yaml").write_text("columns: {id: {type: increments}}\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "schema.svg").write_text("<svg/>")
    with Database.open("sqlite://", schema=tmp_path, migrate=True) as db:
        assert list(db.connections) == ["default"]
        assert db.plan().in_sync


def test_a_connection_whose_last_file_went_declares_nothing(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    urls = {"default": "sqlite://", "logs": "sqlite://"}
    with Database.open(urls, schema=tmp_path, migrate=True) as db:
        assert db["logs"].plan().in_sync


@pytest.mark.parametrize("url", [None, 42, {}, {"default": None}, ["sqlite://"], b"sqlite://"])
def test_what_is_no_url_is_refused_with_what_it_should_be(url: Any) -> None:
    with pytest.raises(OdacDbError, match="URL"):
        Database.open(url)


@pytest.mark.parametrize("schema", [42, ["posts.yaml"], b"schema", object, {"posts": {}}])
def test_what_is_no_schema_is_refused_with_what_it_should_be(schema: Any) -> None:
    with pytest.raises(OdacDbError, match="a folder of schema files, a SQLAlchemy MetaData"):
        Database.open("sqlite://", schema=schema)


def test_a_url_of_sqlalchemy_is_a_url(tmp_path: Path) -> None:
    url = make_url(f"sqlite:///{tmp_path / 'app.db'}")
    with Database.open(url) as one, Database.open({"default": url}) as other:
        assert one.engine.url == other.engine.url == url


def test_a_sub_folder_of_data_migrations_alone_needs_a_url(tmp_path: Path) -> None:
    (tmp_path / "logs" / "migrations").mkdir(parents=True)
    with pytest.raises(OdacDbError, match="has files for logs, but no URL"):
        Database.open("sqlite://", schema=tmp_path)
