"""What is typed: help, verbs and options that there are not, Ctrl-C before a verb begins."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import click
import pytest

from odac_db.cli import main
from tests.unit.conftest import Answer


def test_ctrl_c_before_the_verb_exits_130(
    odac_db: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: click.Context) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main.app, "invoke", interrupted)
    answer = odac_db("migrate")
    assert (answer.code, answer.out, answer.err) == (130, "", "\ninterrupted\n")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("nosuch", "'nosuch'"),
        ("--nosuch", "--nosuch"),
        ("plan --nosuch", "--nosuch"),
        ("plan --url", "--url"),
        ("plan --big-table 0", "x>=1"),
        ("migrate --table-lock-timeout 0", "x>=0.001"),
        ("check more", "more"),
        ("orphans restore", "'RUN'"),
    ],
)
def test_wrong_usage_exits_2(odac_db: Callable[..., Answer], typed: str, message: str) -> None:
    answer = odac_db(*typed.split())
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err


@pytest.mark.parametrize("typed", [["--help"], ["plan", "--help"]])
def test_help_imports_neither_sqlalchemy_nor_tables(typed: list[str]) -> None:
    code = (
        "import sys\n"
        "from odac_db.cli import main\n"
        f"try:\n    main.run({typed})\n"
        "except SystemExit: pass\n"
        "heavy = {'sqlalchemy', 'rich', 'msgspec', 'pydantic', 'yaml', 'odac_db.database'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "migrate" in done.stdout


def test_help_names_every_verb_in_order(odac_db: Callable[..., Answer]) -> None:
    listed = re.findall(r"^  ([\w-]+)  ", odac_db("--help").out.partition("Commands:")[2], re.M)
    verbs = "migrate plan check status rollback pull fmt json-schema history demo"
    assert listed == [*verbs.split(), "orphans", "buffer", "cache"]
    assert odac_db("-h") == odac_db("--help")


@pytest.mark.parametrize("typed", [(), ("orphans",), ("buffer",), ("cache",)], ids=str)
def test_no_verb_is_wrong_usage(odac_db: Callable[..., Answer], typed: tuple[str, ...]) -> None:
    answer = odac_db(*typed)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == odac_db(*typed, "--help").out


def every_verb(group: click.Group = main.app) -> Iterator[click.Command]:
    for one in group.commands.values():
        if isinstance(one, click.Group):
            yield from every_verb(one)
        else:
            yield one


@pytest.mark.parametrize("verb", list(every_verb()), ids=lambda verb: verb.name)
def test_a_verb_takes_the_options_it_has(verb: click.Command) -> None:
    assert verb.callback is not None
    taken = inspect.signature(verb.callback).parameters
    assert [option.name for option in verb.params] == list(taken)
