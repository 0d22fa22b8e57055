"""Every example of the documentation does what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.examples import played
from tests.docs.pages import blocks, name_of, pages

RUNNING = ("console", "python")


def examples() -> list[Path]:
    return [
        page
        for page in pages()
        if any(block.language in RUNNING for block in blocks(page.read_text("utf-8")))
    ]


@pytest.mark.parametrize("page", examples(), ids=name_of)
def test_examples(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = page.read_text("utf-8")
    assert played(text, tmp_path.resolve()) == text


def test_every_block_has_a_language() -> None:
    bare = [name_of(p) for p in pages() for b in blocks(p.read_text("utf-8")) if not b.language]
    assert bare == []
