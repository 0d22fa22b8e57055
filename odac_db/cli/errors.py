"""What an exception becomes for whoever typed the command: an exit code and a message.

0 done and in sync, 1 failed, 2 wrong usage, 3 not in sync. A broken pipe and Ctrl-C end
as they do for other commands, with 128 + the signal's number.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from click.exceptions import Exit

from odac_db.cli.masking import masked

DONE = 0
FAILED = 1
USAGE = 2
NOT_IN_SYNC = 3
INTERRUPTED = 130
BROKEN_PIPE = 141


class UsageProblem(Exception):
    """The command lacks something that only the caller can give."""


def guarded(verb: Callable[..., int]) -> Callable[..., None]:
    """The verb as a command: its answer is the exit code, its exceptions are messages."""

    @wraps(verb)
    def command(**options: Any) -> None:
        try:
            code = verb(**options)
            sys.stdout.flush()
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            code = INTERRUPTED
        except BrokenPipeError:
            code = _closed_output()
        except Exception as error:
            code = exit_code(error)
            report_error(error, as_json=bool(options.get("as_json")))
        raise Exit(code)

    return command


def _closed_output() -> int:
    """Python flushes stdout once more at exit; it must find somewhere to put it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def exit_code(error: BaseException) -> int:
    """2 for what the caller left out, 1 for everything else."""
    return USAGE if isinstance(error, UsageProblem) else FAILED


def report_error(error: Exception, *, as_json: bool) -> None:
    """Print the message on stderr and, for ``--json``, an error object on stdout."""
    text = message_of(error)
    if os.environ.get("ODAC_DB_DEBUG"):
        import traceback

        print(masked("".join(traceback.format_exception(error))), file=sys.stderr, end="")
    print(f"error: {text}", file=sys.stderr)
    if as_json:
        print(json.dumps({"error": facts_of(error)}, indent=2, ensure_ascii=False))


def message_of(error: Exception) -> str:
    """What happened and what to do next, without a password and without a traceback."""
    text = _message(error)
    notes = getattr(error, "__notes__", ())
    return masked("\n".join([text, *notes]))


def facts_of(error: Exception) -> dict[str, Any]:
    """The error as ``--json`` prints it: its class, its message and its own attributes."""
    from odac_db.errors import DeclarationError

    facts: dict[str, Any] = {"type": type(error).__name__, "message": message_of(error)}
    if isinstance(error, DeclarationError):
        facts["problems"] = [
            {
                "file": problem.file,
                "line": problem.line,
                "column": problem.column,
                "message": masked(problem.message),
            }
            for problem in error.problems
        ]
    return facts


def _message(error: Exception) -> str:
    from odac_db.errors import OdacDbError

    if isinstance(error, (OdacDbError, UsageProblem)):
        return str(error) or (type(error).__doc__ or type(error).__name__).strip()
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return _sqlalchemy_message(error) or _unexpected(error)


def _sqlalchemy_message(error: Exception) -> str | None:
    """The driver's own words; None for what does not come from SQLAlchemy."""
    sqlalchemy_errors = sys.modules.get("sqlalchemy.exc")
    if sqlalchemy_errors is None:
        return None
    if isinstance(error, sqlalchemy_errors.DBAPIError):
        return str(error.orig)
    return str(error) if isinstance(error, sqlalchemy_errors.SQLAlchemyError) else None


def _unexpected(error: Exception) -> str:
    return (
        f"unexpected {type(error).__name__}: {error}\n"
        "this is a fault of odac-db; set ODAC_DB_DEBUG=1 for the traceback"
    )
