"""A running migrate shown on stderr: which operation of how many, its rows, the time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

from odac_db.cli.text import printable
from odac_db.schema.plan import Progress


@contextmanager
def shown_progress(console: Console | None = None) -> Iterator[Callable[[Progress], None]]:
    """A listener for ``Database.migrate`` that draws on a terminal and is silent elsewhere.

    Drawing begins with the first step, so a migrate with nothing to do shows nothing.
    """
    if console is None and not sys.stderr.isatty():
        yield _silent
        return
    drawing = _Drawing(console or Console(stderr=True, highlight=False, markup=False))
    try:
        yield drawing.show
    finally:
        drawing.bars.stop()


def _silent(_: Progress) -> None:
    return None


def _said(progress: Progress) -> str:
    if not progress.waits_for:
        return progress.summary
    return f"{progress.summary}, waits for {progress.waits_for[0]}"


class _Drawing:
    """One bar for the operations and, while rows are counted, one for the rows."""

    def __init__(self, console: Console) -> None:
        self.bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._steps: TaskID | None = None
        self._rows: TaskID | None = None
        self._position = 0

    def show(self, progress: Progress) -> None:
        """Move the bars to where the migrate is."""
        if self._steps is None:
            self.bars.start()
            self._steps = self.bars.add_task("", total=progress.total)
        self.bars.update(
            self._steps,
            description=printable(_said(progress)),
            completed=max(progress.position - 1, 0),
            total=progress.total,
        )
        self._show_rows(progress)

    def _show_rows(self, progress: Progress) -> None:
        if self._rows is not None and self._position != progress.position:
            self.bars.remove_task(self._rows)
            self._rows = None
        self._position = progress.position
        if not progress.rows_done and not progress.rows_total:
            return
        if self._rows is None:
            self._rows = self.bars.add_task("  rows", total=progress.rows_total)
        self.bars.update(self._rows, completed=progress.rows_done, total=progress.rows_total)
