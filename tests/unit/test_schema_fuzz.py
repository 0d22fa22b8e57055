"""Whatever stands in a schema file, reading it ends in declarations or in DeclarationError."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odac_db.errors import DeclarationError
from odac_db.schema.files import read_folder
from odac_db.schema.files.fmt import format_file
from tests.unit.test_schema_fmt import NEW_YAML, OLD_JSON, OLD_TOML, OLD_YAML

TEXTS = {"t.yaml": (OLD_YAML, NEW_YAML), "t.json": (OLD_JSON,), "t.toml": (OLD_TOML,)}
SCRAPS = ["", "{", "}", "[", "]", ":", ",", "null", "1e9", "- ", "\n", "\t", '"', "'", "&a ", "*a",
          "!x ", "<<: ", "---\n", "#", "\\", "true", "columns", "é", "\x07", "[[", "=", ".",
          "nan"]  # fmt: skip


@st.composite
def mangled(draw: st.DrawFn, texts: tuple[str, ...]) -> bytes:
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 12))
        text = text[:start] + draw(st.sampled_from(SCRAPS)) + text[end:]
    return text.encode() + draw(st.binary(max_size=1))


@pytest.mark.parametrize("name", TEXTS)
@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_mangled_file_is_read_or_refused(name: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data.draw(mangled(TEXTS[name])))
        with contextlib.suppress(DeclarationError):
            format_file(path)
        try:
            read_folder(folder)
        except DeclarationError as error:
            assert all(p.line >= 1 and p.column >= 1 for p in error.problems)  # noqa: PT017
