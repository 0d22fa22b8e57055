"""Every public name, key, verb, option, error and hazard has its place in the documentation."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

import odac_db
from odac_db import (
    AsyncBuffer,
    AsyncBufferedRow,
    AsyncBufferedTable,
    AsyncDatabase,
    AsyncQuery,
    AsyncTable,
    AsyncTransaction,
    Buffer,
    BufferedRow,
    BufferedTable,
    BufferOptions,
    BufferStatus,
    Database,
    FlushResult,
    Query,
    Table,
    Transaction,
    errors,
)
from odac_db.cli.history import STYLES
from odac_db.dialects.mysql.features import _known as known_mysql
from odac_db.dialects.postgresql.features import OLDEST as OLDEST_POSTGRESQL
from odac_db.dialects.sqlite.features import OLDEST as OLDEST_SQLITE
from odac_db.migrate.files.rollback import RolledBack
from odac_db.migrate.ledger import HistoryEntry, RunStatus
from odac_db.migrate.orphans.restore import OrphanRun, RestoreResult
from odac_db.migrate.pull import PullResult
from odac_db.query.operators import OPERATORS
from odac_db.schema import declaration as d
from odac_db.schema.column_types import PORTABLE
from odac_db.schema.files import document
from odac_db.schema.files.check_tables import MAXIMUM_NAME, RESERVED
from odac_db.schema.plan import Finding, Operation, Plan, Progress, Report
from tests.docs.examples import called
from tests.docs.made import refreshed
from tests.docs.pages import DOCS, ROOT, prose, rows, sections, words

REFERENCE = DOCS / "reference"
FILES = (REFERENCE / "schema-files.md").read_text("utf-8")
COMMANDS = (REFERENCE / "cli.md").read_text("utf-8")
QUERIES = (REFERENCE / "queries.md").read_text("utf-8")
BUFFERS = (REFERENCE / "buffer.md").read_text("utf-8")
ASYNC = (REFERENCE / "async.md").read_text("utf-8")
API = (REFERENCE / "api.md").read_text("utf-8") + "\n" + QUERIES + "\n" + BUFFERS + "\n" + ASYNC


def first_words(text: str) -> list[str]:
    """What the first cells of a section's tables name."""
    return [word for row in rows(text) for word in words(row[0])]


KEYS = {
    "Table keys": d.TableFile,
    "Column keys": d.ColumnDeclaration,
    "Index keys": d.IndexDeclaration,
    "Index key keys": d.IndexKey,
    "Primary key keys": d.PrimaryKeyDeclaration,
    "Foreign key keys": d.ForeignKeyDeclaration,
    "Reference keys": d.ReferenceDeclaration,
    "Check keys": d.CheckDeclaration,
    "Exclusion keys": d.ExclusionDeclaration,
    "Exclusion element keys": d.ExclusionElement,
    "Generated keys": d.GeneratedDeclaration,
    "Identity keys": d.IdentityDeclaration,
    "Enum type keys": d.EnumDeclaration,
    "Types of their own": d.TypesFile,
}


def keys_of(struct: type) -> list[str]:
    return sorted(field.encode_name for field in msgspec.structs.fields(struct))


@pytest.mark.parametrize("heading", KEYS)
def test_keys_of_schema_files(heading: str) -> None:
    assert sorted(first_words(sections(FILES)[heading])) == keys_of(KEYS[heading])


def test_every_mapping_of_a_file_has_a_table() -> None:
    mappings = {
        one for one in vars(d).values() if inspect.isclass(one) and issubclass(one, d.Strict)
    }
    # Its two keys are in the tables of defaults.
    assert mappings - {d.Strict, d.DefaultDeclaration} == set(KEYS.values())
    assert set(keys_of(d.DefaultDeclaration)) <= set(first_words(sections(FILES)["Defaults"]))


def test_table_options() -> None:
    found = next(f for f in msgspec.structs.fields(d.TableFile) if f.name == "options")
    allowed = msgspec.inspect.type_info(found.type).key_type.values  # type: ignore[attr-defined]
    assert set(first_words(sections(FILES)["Options"])) == set(allowed)


def test_types_are_what_the_dialects_make_of_them() -> None:
    assert refreshed(FILES) == FILES


def test_limits_of_files() -> None:
    limits = sections(FILES)["Files and folders"]
    for said in (
        f"{document.MAXIMUM_BYTES >> 20} MiB",
        f"{document.MAXIMUM_DEPTH} deep",
        f"{document.MAXIMUM_VALUES:,} values",
        f"{MAXIMUM_NAME} characters",
        f"`{RESERVED}`",
    ):
        assert said in limits


@pytest.mark.parametrize("page", ["README.md", "docs/reference/errors.md"])
def test_oldest_servers(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    assert f"PostgreSQL {OLDEST_POSTGRESQL}, MySQL 8.0, MariaDB 10.6, SQLite 3.37" in text
    assert OLDEST_SQLITE == (3, 37)
    for version, refused in (("7.4.99", "MySQL 8.0"), ("5.5.5-10.5.20-MariaDB", "MariaDB 10.6")):
        with pytest.raises(errors.UnsupportedServer, match=refused):
            known_mysql(version, "d", {}, {})


def test_public_names() -> None:
    named = re.findall(r"^## `(\w+)`$", API, re.MULTILINE)
    others = {"ConnectionFailed", *words(sections(API)["Errors"])}
    assert {*named, *others} == set(odac_db.__all__)


def public(owner: type) -> set[str]:
    return {name for name in vars(owner) if not name.startswith("_")}


ALL_OWNERS = [Database, Transaction, Query, Table, Buffer, BufferedTable, BufferedRow]
OWNERS = pytest.mark.parametrize("owner", ALL_OWNERS, ids=lambda o: o.__name__)


def inherited(owner: type) -> set[str]:
    """Its own public names, and those of private classes it is made from."""
    above = {name for base in owner.__mro__[1:] if base in ALL_OWNERS for name in dir(base)}
    return {name for name in dir(owner) if not name.startswith("_")} - above


@OWNERS
def test_methods(owner: type) -> None:
    documented = {name for name in sections(API) if name.startswith(f"{owner.__name__}.")}
    assert documented == {f"{owner.__name__}.{name}" for name in inherited(owner)}


@OWNERS
def test_parameters(owner: type) -> None:
    found = sections(API)
    lacking = [
        f"{name}: {parameter}"
        for name in inherited(owner)
        if inspect.isroutine(getattr(owner, name))
        for parameter in inspect.signature(getattr(owner, name)).parameters
        if parameter != "self" and parameter not in found[f"{owner.__name__}.{name}"]
    ]
    assert lacking == []


AWAITED = [
    AsyncDatabase,
    AsyncTransaction,
    AsyncQuery,
    AsyncTable,
    AsyncBuffer,
    AsyncBufferedTable,
    AsyncBufferedRow,
]


@pytest.mark.parametrize("owner", AWAITED, ids=lambda o: o.__name__)
def test_names_for_asyncio(owner: type) -> None:
    above = {name for base in owner.__mro__[1:] if base in AWAITED for name in dir(base)}
    names = {name for name in dir(owner) if not name.startswith("_")} - above
    attributes = {"name", "engine", "report"} if owner is AsyncDatabase else set()
    listed = first_words(sections(ASYNC)[owner.__name__])
    assert sorted(listed) == sorted(names | attributes)


RECORDS_OF_API = [
    Plan,
    Operation,
    Finding,
    Report,
    Progress,
    BufferOptions,
    FlushResult,
    BufferStatus,
]


@pytest.mark.parametrize("record", RECORDS_OF_API, ids=lambda r: r.__name__)
def test_attributes_of_records(record: type) -> None:
    methods = {name for name in public(record) if name not in record.__struct_fields__}  # type: ignore[attr-defined]
    expected = {*record.__struct_fields__, *methods}  # type: ignore[attr-defined]
    assert set(first_words(sections(API)[record.__name__])) == expected


def test_errors() -> None:
    documented = re.findall(r"^## `(\w+)`$", (REFERENCE / "errors.md").read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(errors.__all__)
    assert set(errors.__all__) - {"Problem"} <= set(odac_db.__all__)


def test_operators() -> None:
    assert first_words(sections(QUERIES)["Operators"]) == list(OPERATORS)


def test_every_portable_type_has_its_values() -> None:
    assert sorted(first_words(sections(QUERIES)["Values"])) == sorted(PORTABLE)


def hazard_codes() -> set[str]:
    """The first argument of every ``Hazard(...)`` in the package."""
    found: set[str] = set()
    for file in (ROOT / "odac_db").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Hazard":
                code = node.args[0]
                assert isinstance(code, ast.Constant), f"{file}: a hazard's code is a plain text"
                found.add(str(code.value))
    return found


def test_hazards() -> None:
    pages = {page.stem for page in (REFERENCE / "hazards").glob("*.md")} - {"index"}
    assert pages == hazard_codes()
    index = (REFERENCE / "hazards/index.md").read_text("utf-8")
    assert {row[0].partition("]")[0].strip("[") for row in rows(prose(index))} == pages
    tests = (ROOT / "tests/online/test_hazards.py").read_text("utf-8")
    assert {code for code in pages if f"def test_{code}(" not in tests} == set()


def wide_help(monkeypatch: pytest.MonkeyPatch, *verb: str) -> str:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("TERMINAL_WIDTH", "300")
    code, text = called([*verb, "--help"])
    assert code == 0
    return text


def test_verbs(monkeypatch: pytest.MonkeyPatch) -> None:
    def listed(*verb: str) -> list[str]:
        commands = wide_help(monkeypatch, *verb).partition("Commands:\n")[2]
        return re.findall(r"^  ([\w-]+)  ", commands, re.MULTILINE)

    groups = ("orphans", "buffer", "cache")
    verbs = {f"odac-db {verb}" for verb in set(listed()) - set(groups)}
    verbs |= {f"odac-db {group} {verb}" for group in groups for verb in listed(group)}
    assert {name for name in sections(COMMANDS) if name.startswith("odac-db ")} == verbs


@pytest.mark.parametrize("name", [n for n in sections(COMMANDS) if n.startswith("odac-db ")])
def test_options(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = wide_help(monkeypatch, *name.split()[1:]).partition("Options:\n")[2]
    offered = re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE)
    assert first_words(sections(COMMANDS)[name]) == [one for one in offered if one != "--help"]


def json_keys(heading: str) -> list[str]:
    return first_words(sections(COMMANDS)[heading])


def test_json_of_plans_and_reports() -> None:
    operation = Operation(change=None, kind="", table="", name="", summary="")  # type: ignore[arg-type]
    assert json_keys("JSON of plan and check") == list(Plan().to_json())
    assert json_keys("JSON of an operation") == list(operation.to_json())
    assert json_keys("JSON of a finding") == list(Finding(kind="nulls", message="").to_json())
    assert json_keys("JSON of migrate") == list(Report().to_json())


RECORDS = {
    "JSON of rollback": RolledBack,
    "JSON of pull": PullResult,
    "JSON of history": HistoryEntry,
    "JSON of orphans list": OrphanRun,
    "JSON of orphans restore": RestoreResult,
}


@pytest.mark.parametrize("heading", RECORDS)
def test_json_of_records(heading: str) -> None:
    record: Any = RECORDS[heading]
    assert json_keys(heading) == list(record.__struct_fields__)


@pytest.mark.parametrize("verb", ["status", "fmt"])
def test_json_of_other_verbs(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "schema").mkdir()
    monkeypatch.chdir(tmp_path)
    place = ["--schema", "schema"] + (["--url", "sqlite://"] if verb == "status" else [])
    code, text = called([verb, *place, "--json"])
    assert code == 0
    assert json_keys(f"JSON of {verb}") == list(msgspec.json.decode(text))


def test_statuses_of_runs() -> None:
    known = get_args(RunStatus)
    assert first_words(sections(COMMANDS)["Status of a run"]) == list(known)
    assert set(words(sections(API)["Database.history"])) >= set(known)
    assert set(STYLES) == set(known)


def test_variables_of_the_environment() -> None:
    used = {
        name
        for file in (ROOT / "odac_db").rglob("*.py")
        for name in re.findall(r"""["'](ODAC_DB_[A-Z]+)["']""", file.read_text("utf-8"))
    }
    documented = set(first_words(sections(COMMANDS)["Configuration"]))
    assert documented == {*used, "ODAC_DB_URL_NAME"}


def test_dependencies() -> None:
    """Each earns its place in a sentence."""
    import tomllib  # noqa: PLC0415

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    optional = ("postgresql", "mysql", "redis", "prometheus", "async")
    wanted = [*project["dependencies"], *(one for name in optional for one in extras[name])]
    names = [re.split(r"[\[<>=,]", one)[0] for one in wanted]
    text = (DOCS / "explanation/architecture.md").read_text("utf-8")
    assert first_words(sections(text)["Dependencies"]) == names


FAMILIES = {
    "PostgreSQL": "postgresql",
    "MySQL and MariaDB": "mysql",
    "SQLite": "sqlite",
}


@pytest.mark.parametrize("heading", FAMILIES)
def test_unsupported_kinds_exist(heading: str) -> None:
    folder = ROOT / "odac_db/dialects" / FAMILIES[heading]
    code = "".join(file.read_text("utf-8") for file in sorted(folder.glob("*.py")))
    section = sections((DOCS / "not-supported.md").read_text("utf-8"))[heading]
    from_the_server = {"view", "system view", "sequence", "function", "procedure"}
    known = from_the_server if heading == "MySQL and MariaDB" else set()
    unknown = [
        k for k in first_words(section) if k not in known and not re.search(f"['\"]{k}['\"]", code)
    ]
    assert unknown == []


NOTED = {
    "PostgreSQL": r"""SELECT '([a-z ]+)',|(?:WHEN '\w'|ELSE) THEN '([a-z ]+)'|"([a-z ]+)"\),$""",
    "MySQL and MariaDB": r"""\.note\("([a-z ]+)"|Unsupported\(kind="([a-z ]+)\"""",
    "SQLite": r"""(?:kind=|[A-Z] = )"([a-z ]+)\"""",
}
DETAILS = {"full", "nothing", "auto_increment"}


@pytest.mark.parametrize("heading", FAMILIES)
def test_unsupported_kinds_are_documented(heading: str) -> None:
    folder = ROOT / "odac_db/dialects" / FAMILIES[heading]
    names = ("catalog_unsupported.py", "introspect.py", "leftovers.py")
    code = "\n".join((folder / n).read_text("utf-8") for n in names if (folder / n).exists())
    found = re.findall(NOTED[heading], code, re.MULTILINE)
    kinds = {"".join(groups) for groups in found} - DETAILS
    section = sections((DOCS / "not-supported.md").read_text("utf-8"))[heading]
    assert len(kinds) > 4
    assert kinds - set(first_words(section)) == set()
