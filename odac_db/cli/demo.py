"""``odac-db demo``: the tour, on an SQLite database of its own in a temporary folder.

Every step types one command, runs it in this process exactly as the shell would, shows
what it answers, and then looks into the database whether it is as the story says.
"""

from __future__ import annotations

import io
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import click

from odac_db.cli import options
from odac_db.cli.errors import DONE, FAILED

_FILES = Path(__file__).parent / "demo_schema"
_CONFIGURATION = """\
[tool.odac-db]
url = "sqlite:///shop.db"
schema = "schema"
"""


class DemoFailed(Exception):
    """The story did not go as told, which is a fault of odac-db."""


@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Play in this new folder and leave it there.",
)
@options.as_json
def demo(*, keep: Path | None, as_json: bool) -> int:
    """Show the whole way once: create, change, plan, migrate, restore, pull. Needs no server."""
    with _folder(keep) as folder, chdir(folder), _own_settings():
        stage = Stage(quiet=as_json)
        try:
            _play(stage)
        except DemoFailed as failure:
            print(f"error: {failure}", file=sys.stderr)
            return FAILED
    stage.end(keep)
    return DONE


def _play(stage: Stage) -> None:
    from odac_db.cli.demo_story import story

    _write("pyproject.toml", _CONFIGURATION)
    story(stage)


class Stage:
    """Where the steps are shown, or with ``quiet`` collected for ``--json``."""

    def __init__(self, *, quiet: bool) -> None:
        from odac_db.cli.output import Output

        self._quiet = quiet
        self._output = Output()
        self._steps: list[dict[str, Any]] = []

    def say(self, text: str) -> None:
        """A sentence of narration."""
        if self._quiet:
            self._steps.append({"narration": text})
        else:
            self._output.line()
            self._output.line((text, "italic"))

    def lay_out(self, files: str) -> None:
        """Put these prepared schema files into ``schema``, over those of the same name."""
        for source in sorted((_FILES / files).iterdir()):
            _write(f"schema/{source.name}", source.read_text(encoding="utf-8"))

    def edit(self, file: str, before: str, after: str) -> None:
        """Replace one text in a file, and show that it was done."""
        content = Path(file).read_text(encoding="utf-8")
        if content.count(before) != 1:
            raise DemoFailed(f"{file} does not hold {before!r} once")
        _write(file, content.replace(before, after))
        self._note({"edited": file, "before": before, "after": after})
        if not self._quiet:
            self._output.line((f"  {file}", "dim"))
            self._output.line((f"  - {before.strip()}", "red"))
            self._output.line((f"  + {after.strip()}", "green"))

    def run(self, *arguments: str, expect: int = DONE) -> str:
        """Run a command as typed; what it wrote on stdout. Raises DemoFailed for another exit."""
        from odac_db.cli.main import answer

        typed = shlex.join(["odac-db", *arguments])
        shown = io.StringIO()
        if self._quiet:
            with redirect_stdout(shown):
                code = answer(arguments)
        else:
            self._output.line(("$ ", "dim"), (typed, "bold cyan"))
            with redirect_stdout(Copied(sys.stdout, shown)):
                code = answer(arguments)
            self._output.line((f"exit code {code}", "dim"))
        self._note({"command": typed, "exit_code": code, "output": shown.getvalue()})
        if code != expect:
            raise DemoFailed(f"`{typed}` ended with {code}, not {expect}")
        return shown.getvalue()

    def end(self, kept: Path | None) -> None:
        """The last words."""
        if self._quiet:
            self._output.json({"steps": self._steps})
            return
        self._output.line()
        if kept is None:
            self._output.line(
                "That was all; the folder is gone. ", ("--keep DIR", "bold"), " keeps it."
            )
        else:
            self._output.line(f"That was all; it is in {kept}.")

    def _note(self, facts: dict[str, Any]) -> None:
        if self._quiet:
            self._steps[-1].setdefault("actions", []).append(facts)


class Copied(io.TextIOBase):
    """Writes to a stream and keeps a copy; a terminal behind it stays a terminal."""

    def __init__(self, stream: Any, copy: io.StringIO) -> None:
        self._stream = stream
        self._copy = copy

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self._stream.encoding)

    def write(self, text: str) -> int:
        self._copy.write(text)
        return int(self._stream.write(text))

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return bool(self._stream.isatty())

    def fileno(self) -> int:
        return int(self._stream.fileno())


def _write(name: str, text: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep
        return
    folder = Path(tempfile.mkdtemp(prefix="odac-db-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _own_settings() -> Iterator[None]:
    """No variable of the caller's may lead the demo to a database of theirs."""
    names = [name for name in os.environ if name.startswith(("ODAC_DB_URL", "ODAC_DB_SCHEMA"))]
    hidden = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(hidden)
