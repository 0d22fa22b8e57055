"""Schema folders as the database opens them."""

from __future__ import annotations

from pathlib import Path

import pytest

from odac_db import Database, DeclarationError


def test_files_that_cannot_be_read_hide_no_fault_of_those_that_can(tmp_path: Path) -> None:
    (tmp_path / "dangling.yaml").symlink_to("nowhere.yaml")
    (tmp_path / "faulty.yaml").write_text("columns: {id: {tipe: integer}}\n")
    with pytest.raises(DeclarationError) as raised:
        Database.open("sqlite://", schema=tmp_path)
    files = {Path(problem.file).name for problem in raised.value.problems}
    assert files == {"dangling.yaml", "faulty.yaml"}
