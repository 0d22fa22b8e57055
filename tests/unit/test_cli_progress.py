"""A running migrate on a terminal, and silence elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from odac_db.cli.progress import shown_progress
from odac_db.schema.plan import Progress


def test_nothing_is_drawn_where_stderr_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with shown_progress() as progress:
        progress(Progress(position=1, total=1, summary="t.x"))
    assert capfd.readouterr() == ("", "")


def test_operations_and_rows_are_drawn_and_gone_at_the_end() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with shown_progress(console) as progress:
        progress(Progress(position=1, total=2, summary="t.x \x1b[2J"))
        progress(Progress(position=2, total=2, summary="clean", rows_done=500, rows_total=2000))
        progress(Progress(position=2, total=2, summary="clean", rows_done=700, rows_total=2000))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "clean" in text
    assert "700/2000" in text
    assert "1/2" in text
    assert text.endswith("\x1b[2K")
    assert "t.x \x1b[2J" not in text


def test_nothing_is_drawn_before_the_first_step() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with shown_progress(console):
        pass
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == ""
