"""The examples of a page, run in order in one folder as its reader would run them.

- A block whose first line is a comment with a file name (``# schema/users.yaml``) is that
  file. JSON has no comments; its blocks are for reading.
- Other ``python`` blocks are executed, with one set of names for the page.
- ``console`` blocks are typed: lines after ``$`` are commands, the rest is what they print,
  stdout and stderr as they come. A command that fails is followed by ``$ echo $?``.

Run ids, times and durations differ from run to run and are compared as such. An id that
a page shows can be used in a later command of the page.

``python -m tests.docs.examples PAGE...`` writes what the commands print into the pages, and
the parts that ``made`` makes.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.docs.made import refreshed
from tests.docs.pages import ROOT, Block, blocks

FILE = re.compile(r"(?:#|--) (?P<name>[\w./-]+\.(?:ya?ml|toml|py|sql))\n")
_ID = r"\b(?=\w*[a-z])(?=\w*[A-Z])[A-Za-z0-9]{21}\b"
_CHANGING = (
    (re.compile(r"\d{4}-\d\d-\d\d([ T])\d\d:\d\d:\d\d(\.\d+)?"), r"2026-01-31\g<1>12:00:00"),
    (re.compile(r"\bin \d+\.\d\d s\b"), "in 0.02 s"),
)
_HIDDEN = re.compile(r"ODAC_DB_|FORCE_COLOR|TTY_")
_MODULE = "example"
_FIRST_ID = "V1StGXR8Z5jdHi6BxmyTA"


class Shell:
    """Runs the blocks of one page in ``folder``, which is the current one meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = 0
        # A module of its own, because SQLAlchemy looks annotations up there.
        sys.modules[_MODULE] = ModuleType(_MODULE)
        self.names: dict[str, Any] = vars(sys.modules[_MODULE])
        self._ids: dict[str, str] = {}

    def run(self, block: Block) -> str:
        """The block's text as it should be: with what its commands really print."""
        file = FILE.match(block.text)
        if file:
            self._write(file["name"], block.text)
        elif block.language == "python":
            exec(compile(block.text, "example", "exec"), self.names)  # noqa: S102
        elif block.language == "console":
            typed = commands(block)
            return "".join(map(self._typed, typed, [*typed[1:], ""]))
        return block.text

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if path.suffix == ".py":
            compile(text, name, "exec")

    def _typed(self, command: str, following: str) -> str:
        """The command and what it prints. One that fails must be followed by its exit code."""
        if command == "echo $?":
            return f"$ {command}\n{self.code}\n"
        real = command
        for actual, shown in self._ids.items():
            real = real.replace(shown, actual)
        words = shlex.split(real)
        if words[0] == "odac-db":
            self.code, printed = called(words[1:])
        else:
            self.code, printed = spawned(real)
        shown = self._steady(printed)
        assert not self.code or following == "echo $?", f"{command} fails: {self.code}\n{shown}"
        return f"$ {command}\n{shown}"

    def _steady(self, text: str) -> str:
        """The text with what differs from run to run replaced by what never does."""
        text = text.replace(str(self.folder), "/app")
        for pattern, replacement in _CHANGING:
            text = pattern.sub(replacement, text)
        return re.sub(_ID, lambda found: self._shown_id(found.group()), text)

    def _shown_id(self, actual: str) -> str:
        last = _FIRST_ID[-1]
        return self._ids.setdefault(actual, _FIRST_ID[:-1] + chr(ord(last) + len(self._ids)))


def commands(block: Block) -> list[str]:
    """The commands typed in a block; a trailing backslash goes on in the next line."""
    text = block.text.replace("\\\n", "\\\n\0")
    typed = [line[2:] for line in re.split(r"\n(?!\0)", text) if line.startswith("$ ")]
    return [line.replace("\0", "") for line in typed]


def called(arguments: list[str]) -> tuple[int, str]:
    """``odac-db`` in this process: its exit code and what it wrote."""
    from odac_db.cli.main import run  # noqa: PLC0415

    written = io.StringIO()
    code: str | int | None = 0
    with redirect_stdout(written), redirect_stderr(written):
        try:
            run(arguments)
        except SystemExit as ended:
            code = ended.code
    return int(code or 0), written.getvalue()


def spawned(command: str) -> tuple[int, str]:
    """A shell's command. ``python`` is this one, and finds the package."""
    python = shlex.quote(sys.executable)
    done = subprocess.run(
        ["/bin/sh", "-c", f'python() {{ {python} "$@"; }}\n{command}'],
        env={**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """The modules of the folder can be imported, and are forgotten again."""
    known = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", None)).startswith(str(folder)):
                del sys.modules[name]


def played(text: str, folder: Path) -> str:
    """The page's text as its examples come out in an empty folder."""
    shell = Shell(folder)
    before = {name: os.environ.pop(name) for name in list(os.environ) if _HIDDEN.match(name)}
    os.environ["COLUMNS"] = "80"
    pieces, end = [], 0
    try:
        with chdir(folder), importable(folder):
            for block in blocks(text):
                pieces += [text[end : block.start], shell.run(block)]
                end = block.end
    finally:
        os.environ.update(before)
    return "".join([*pieces, text[end:]])


def main(names: list[str]) -> None:
    """Rewrite the pages whose examples come out differently."""
    for name in names:
        page = Path(name)
        text = page.read_text("utf-8")
        with tempfile.TemporaryDirectory() as folder:
            result = played(refreshed(text), Path(folder).resolve())
        if result != text:
            page.write_text(result, "utf-8")
            print(f"{name}: rewritten")


if __name__ == "__main__":
    main(sys.argv[1:])
