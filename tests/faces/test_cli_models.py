"""``--schema package.module:Base``: SQLAlchemy models are the schema."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faces.command import odac_db

MODELS = """
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

class Base(DeclarativeBase): pass

class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(20))

metadata = Base.metadata
mapper = Base.registry
url = "sqlite:///app.db"

class Settings:
    metadata = Base.metadata
"""
URL = ("--url", "sqlite:///app.db")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "models.py").write_text(MODELS)
    (package / "broken.py").write_text("import os\n\nBase = undefined\n")
    (package / "leaving.py").write_text("raise SystemExit(3)\n")
    (package / "needy.py").write_text("import not_installed_at_all\n")
    return tmp_path


@pytest.mark.parametrize("name", ["Base", "metadata", "mapper", "Settings.metadata"])
def test_models_are_a_schema(folder: Path, name: str) -> None:
    schema = ("--schema", f"shop.models:{name}")
    assert odac_db("check", *URL, *schema, cwd=folder).code == 3
    plan = odac_db("plan", *URL, *schema, "--json", cwd=folder)
    assert [each["kind"] for each in plan.json["operations"]] == ["create_table"]
    done = odac_db("migrate", *URL, *schema, cwd=folder)
    assert done.code == 0, done.err
    assert odac_db("check", *URL, *schema, cwd=folder).code == 0
    assert odac_db("status", *URL, *schema, cwd=folder).code == 0


def test_from_the_environment_and_from_pyproject(folder: Path) -> None:
    answer = odac_db("migrate", *URL, cwd=folder, ODAC_DB_SCHEMA="shop.models:Base")
    assert answer.code == 0, answer.err
    (folder / "pyproject.toml").write_text('[tool.odac-db]\nschema = "shop.models:Base"\n')
    below = folder / "below"
    below.mkdir()
    answer = odac_db("check", "--url", "sqlite:///../app.db", cwd=below)
    assert answer.code == 0, answer.err


def test_a_folder_of_that_name_wins(folder: Path) -> None:
    schema = folder / "shop.models:Base"
    schema.mkdir()
    (schema / "notes.yaml").write_text("columns: {id: {type: increments}}\n")
    plan = odac_db("plan", *URL, "--schema", schema.name, "--json", cwd=folder)
    assert [each["table"] for each in plan.json["operations"]] == ["notes"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shop.modls:Base", "shop.modls:Base: there is no module 'shop.modls' (looked in "),
        ("shopp:Base", "shopp:Base: there is no module 'shopp' (looked in "),
        ("shop.broken:Base", "module 'shop.broken' does not import: NameError: name 'undefined'"),
        ("shop.leaving:Base", "module 'shop.leaving' does not import: SystemExit: 3 ("),
        (
            "shop.needy:Base",
            "module 'shop.needy' does not import: ModuleNotFoundError: No module named "
            "'not_installed_at_all'",
        ),
        (
            "shop.models:Bsae",
            "shop.models:Bsae: module 'shop.models' has no 'Bsae'; did you mean 'Base'?",
        ),
        ("shop.models:url", "shop.models:url is a str; the schema is a MetaData, a declarative"),
        ("shop.models:Base.nothing", "shop.models:Base.nothing: it has no 'nothing'"),
    ],
)
def test_what_is_no_schema_is_an_error(folder: Path, name: str, message: str) -> None:
    answer = odac_db("plan", *URL, "--schema", name, cwd=folder)
    assert answer.code == 1
    assert answer.out == ""
    assert answer.err.startswith(f"error: {message}")
    assert "Traceback" not in answer.err
    assert not (folder / "app.db").exists()


def test_the_line_that_does_not_import_is_named(folder: Path) -> None:
    answer = odac_db("plan", *URL, "--schema", "shop.broken:Base", cwd=folder)
    assert f"{Path('shop', 'broken.py')}:3)" in answer.err


@pytest.mark.parametrize("verb", ["pull", "fmt"])
def test_models_are_not_written(folder: Path, verb: str) -> None:
    url = URL if verb == "pull" else ()
    answer = odac_db(verb, *url, "--schema", "shop.models:Base", cwd=folder)
    assert answer.code == 2
    assert "a folder of schema files" in answer.err
