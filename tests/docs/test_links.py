"""Links lead somewhere, and the documentation speaks of the project alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import name_of, pages, prose

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_TARGET = re.compile(r"^\(([\w-]+)\)=$", re.MULTILINE)


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = prose(page.read_text("utf-8"))
    headings = re.findall(r"^#+ (.+?)\s*$", text, re.MULTILINE)
    return {*map(slug, headings), *_TARGET.findall(text)}


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links(page: Path) -> None:
    broken = []
    for link in _LINK.findall(prose(page.read_text("utf-8"))):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_is_reached() -> None:
    reached = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in pages()
        for link in _LINK.findall(page.read_text("utf-8"))
    }
    listed = [page for page in pages() if page.parts[-1] not in ("README.md", "index.md")]
    assert [name_of(page) for page in listed if page.resolve() not in reached] == []


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_no_machine_is_spoken_of(page: Path) -> None:
    text = page.read_text("utf-8")
    assert re.findall(r"/home/\w+|/Users/\w+|/root\b|/work/|/tmp/\w+", text) == []
