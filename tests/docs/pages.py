"""The documentation as data: its pages, their fenced blocks, headings and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^```(?P<language>[\w{}+-]*)[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^(#+) (.+?)\s*$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block: its language, its text, and where the text starts and ends."""

    language: str
    text: str
    start: int
    end: int


def pages() -> list[Path]:
    """Every page, the README and the changelog included."""
    built = DOCS / "_build"
    found = sorted(page for page in DOCS.rglob("*.md") if not page.is_relative_to(built))
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *found]


def name_of(page: Path) -> str:
    """``docs/guarantees.md``."""
    return page.relative_to(ROOT).as_posix()


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    fences = list(_FENCE.finditer(text))
    for opening, closing in zip(fences[::2], fences[1::2], strict=True):
        assert not closing["language"], f"a fence is not closed before {closing.group()}"
        start, end = opening.end() + 1, closing.start()
        yield Block(opening["language"], text[start:end], start, end)


def prose(text: str) -> str:
    """The page without its fenced blocks; every other character keeps its place."""
    for block in blocks(text):
        blank = re.sub(r"[^\n]", " ", block.text)
        text = text[: block.start] + blank + text[block.end :]
    return text


def sections(text: str) -> dict[str, str]:
    """Each heading, without backticks, and what stands below it up to the next heading."""
    found = list(_HEADING.finditer(prose(text)))
    ends = [*(heading.start() for heading in found[1:]), len(text)]
    return {
        heading[2].replace("`", ""): text[heading.end() : end]
        for heading, end in zip(found, ends, strict=True)
    }


def rows(text: str) -> list[list[str]]:
    """The rows of the tables in a text, without their heads, cells stripped of backticks."""
    lines = [line.strip() for line in text.splitlines()]
    found = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if not line.startswith("|") or _is_rule(line) or _is_rule(following):
            continue
        cells = line.strip("|").replace("\\|", "\0").split("|")
        found.append([cell.strip().replace("\0", "|") for cell in cells])
    return found


def _is_rule(line: str) -> bool:
    """Whether the line parts a table's head from its rows."""
    return line.startswith("|-")


def words(cell: str) -> list[str]:
    """The texts in backticks of a table's cell."""
    return re.findall(r"`([^`]+)`", cell)
