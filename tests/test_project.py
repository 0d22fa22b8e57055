"""The project's own rules: lint, types, layers, sizes, words, and what is shipped."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from odac_db.schema.declaration import DIALECTS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "odac_db"
FUNCTION_LINES = 40
FILE_LINES = 300

Function = ast.FunctionDef | ast.AsyncFunctionDef


def run(*arguments: str) -> str:
    """Run this Python here; what it prints is the failure."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done.stdout


def sources(*folders: Path) -> list[tuple[Path, ast.Module]]:
    files = sorted(file for folder in folders for file in folder.rglob("*.py"))
    return [(file.relative_to(ROOT), ast.parse(file.read_text("utf-8"))) for file in files]


def functions(tree: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def docstrings(tree: ast.Module) -> set[ast.expr]:
    """Strings that stand alone as statements: docstrings, of attributes too."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def code_lines(function: Function) -> int:
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None and first.end_lineno is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def test_lint() -> None:
    run("-m", "ruff", "check", ".")


def test_format() -> None:
    run("-m", "ruff", "format", "--check", ".")


def test_types() -> None:
    run("-m", "mypy")


def test_layers() -> None:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    assert "0 broken" in run("-c", command)


def test_functions_fit_a_screen() -> None:
    long = [
        f"{file}:{function.lineno} {function.name} has {code_lines(function)} lines"
        for file, tree in sources(PACKAGE, ROOT / "tests", ROOT / "bench")
        for function in functions(tree)
        if code_lines(function) > FUNCTION_LINES
    ]
    assert long == []


def test_files_are_short() -> None:
    counted = [
        (file.relative_to(ROOT), len(file.read_text("utf-8").splitlines()))
        for file in PACKAGE.rglob("*.py")
    ]
    assert [f"{file} has {lines} lines" for file, lines in counted if lines > FILE_LINES] == []


# Where a server's name is a word of the language (files, metadata) or of the user (cli).
NAMES_ALLOWED = ("dialects", "cli", "schema/declaration.py", "schema/metadata")


def spellings(tree: ast.Module) -> set[ast.expr]:
    """The servers' names in SQLAlchemy's ``with_variant``: how a type is spelt, no decision."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {
        argument
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "with_variant"
        for argument in call.args
    }


def names_a_server(node: ast.AST) -> bool:
    names = rf"({'|'.join(DIALECTS)}|postgres)([:+].*)?"
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(names, node.value, re.I) is not None
    )


def test_servers_are_named_by_dialects_only() -> None:
    allowed = [Path("odac_db", name) for name in NAMES_ALLOWED]
    named = [
        f"{file}:{node.lineno}"
        for file, tree in sources(PACKAGE)
        if not any(file.is_relative_to(place) for place in allowed)
        for node in set(ast.walk(tree)) - docstrings(tree) - spellings(tree)
        if names_a_server(node) and isinstance(node, ast.Constant)
    ]
    assert named == []


def test_names_of_servers_are_found() -> None:
    found = [names_a_server(ast.Constant(text)) for text in ("mysql", "PostgreSQL", "mysql+x://")]
    assert found == [True, True, True]
    assert not names_a_server(ast.Constant("the mysql server"))


FORBIDDEN_IN_TESTS = {"sleep", "skip", "skipif", "xfail", "importorskip", "SkipTest"}


def test_tests_neither_wait_nor_look_away() -> None:
    """No sleep that makes a race pass, no skip that hides a gap."""
    found = [
        f"{file}:{node.lineno} {node.attr}"
        for file, tree in sources(ROOT / "tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_IN_TESTS
    ]
    imported = [
        f"{file}:{node.lineno} {name.name}"
        for file, tree in sources(ROOT / "tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if name.name in FORBIDDEN_IN_TESTS
    ]
    assert found + imported == []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run("-m", "hatchling", "build", "-d", str(folder))
    return folder


def test_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "odac_db/py.typed" in names
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"odac_db"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    in_tree = {str(file.relative_to(ROOT)) for file in PACKAGE.rglob("*.py")}
    assert in_tree <= set(names)


def test_source_distribution_builds_the_package(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"odac_db/py.typed", "pyproject.toml", "README.md", "LICENSE"} <= names
    assert not [name for name in names if name.startswith(("tests", "bench", "docs"))]
