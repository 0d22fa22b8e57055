"""A file's two ways, up and down, as functions of an open transaction."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

from odac_db.dialects.base import Dialect
from odac_db.dialects.script import ScriptFault
from odac_db.errors import DeclarationError, MigrationFileFailed, Problem
from odac_db.schema.files.migrations import MigrationFile
from odac_db.transactions import Transaction

Way = Callable[[Transaction], object]


@dataclass(frozen=True)
class Program:
    """What a file does; ``down`` is None if it cannot be taken back."""

    file: MigrationFile
    up: Way
    down: Way | None


def loaded(files: Sequence[MigrationFile], dialect: Dialect) -> list[Program]:
    """The programs of all files: Python files are executed, their functions are not yet called.

    Raises DeclarationError for all files that cannot be used, and MigrationFileFailed for
    one that raises while it is executed.
    """
    programs: list[Program] = []
    problems: list[Problem] = []
    for file in files:
        try:
            made = _python(file) if file.name.endswith(".py") else _sql(file, dialect)
            programs.append(made)
        except DeclarationError as error:
            problems += error.problems
    if problems:
        raise DeclarationError(problems)
    return programs


def _fault(file: MigrationFile, line: int, message: str) -> DeclarationError:
    return DeclarationError([Problem(file.path, line, 1, message)])


def _python(file: MigrationFile) -> Program:
    module = ModuleType(f"odac_db_migration_{file.name.removesuffix('.py')}")
    module.__file__ = file.path
    sys.modules[module.__name__] = module  # where dataclasses and pickle look a module up
    try:
        exec(compile(file.content, file.path, "exec"), vars(module))  # noqa: S102
    except SyntaxError as error:
        raise _fault(file, error.lineno or 1, f"{error.msg}") from error
    except Exception as error:
        raise MigrationFileFailed(file.path, f"{type(error).__name__}: {error}") from error
    up, down = getattr(module, "up", None), getattr(module, "down", None)
    if up is None:
        raise _fault(file, 1, "there is no function up(db)")
    for way in (up, down):
        if way is not None and (not callable(way) or inspect.iscoroutinefunction(way)):
            raise _fault(file, 1, "up and down are plain functions: def up(db)")
    return Program(file, up, down)


def _sql(file: MigrationFile, dialect: Dialect) -> Program:
    try:
        text = file.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _fault(file, 1, "the file is not UTF-8") from error
    try:
        script = dialect.script(text)
    except ScriptFault as fault:
        raise _fault(file, fault.line, fault.message) from fault
    down = None if script.down is None else _executing(script.down)
    return Program(file, _executing(script.up), down)


def _executing(statements: Sequence[str]) -> Way:
    def execute(db: Transaction) -> None:
        for sql in statements:
            # Without the option the drivers take a % in the text for a placeholder.
            db.connection.exec_driver_sql(sql, execution_options={"no_parameters": True})

    return execute
