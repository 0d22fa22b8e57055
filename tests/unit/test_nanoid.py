"""nanoid: size, alphabet, evenness, and which declared columns are nanoids."""

from __future__ import annotations

import string
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import odac_db
from odac_db.ids import nanoid, nanoid_columns
from odac_db.schema.declaration import (
    ColumnDeclaration,
    Declarations,
    Source,
    TableDeclaration,
    TableFile,
)

ALPHABET = set(string.ascii_letters + string.digits)


def test_is_21_letters_and_digits() -> None:
    ids = [nanoid() for _ in range(2000)]
    assert {len(one) for one in ids} == {21}
    assert set("".join(ids)) == ALPHABET
    assert len(set(ids)) == 2000


@pytest.mark.parametrize("size", [1, 2, 7, 62, 255, 4096])
def test_has_the_size_asked_for(size: int) -> None:
    text = nanoid(size)
    assert len(text) == size
    assert set(text) <= ALPHABET


@pytest.mark.parametrize("size", [0, -1])
def test_a42_refuses_a_size_below_one(size: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        nanoid(size)


@pytest.mark.parametrize("size", [True, 2.0, "21", None])
def test_refuses_what_is_no_number(size: Any) -> None:
    with pytest.raises(TypeError, match="whole number"):
        nanoid(size)


def test_a42_every_character_is_equally_likely() -> None:
    drawn = 310_000
    counts = Counter(nanoid(drawn))
    expected = drawn / 62
    chi_squared = sum((counts[letter] - expected) ** 2 / expected for letter in ALPHABET)
    # 61 degrees of freedom: above 140 by chance once in 10^8 runs; folding 62 and 63
    # onto two characters would give about 10,000.
    assert chi_squared < 140


def test_all_bytes_that_pick_no_letter_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([b"\xff" * 64, b"\x3e\x3f" * 64])
    monkeypatch.setattr("os.urandom", lambda size: next(draws, b"\x00" * size))
    assert nanoid(5) == "AAAAA"


def _declared(**tables: dict[str, ColumnDeclaration]) -> Declarations:
    return Declarations(
        tables={
            name: TableDeclaration(
                name=name, body=TableFile(columns=columns), source=Source(file=f"{name}.yaml")
            )
            for name, columns in tables.items()
        }
    )


def test_names_the_nanoid_columns_of_each_table() -> None:
    declarations = _declared(
        posts={
            "id": ColumnDeclaration(type="nanoid", primary=True),
            "share": ColumnDeclaration(type="nanoid", length=8),
            "title": ColumnDeclaration(type="string"),
        },
        logs={"id": ColumnDeclaration(type="increments")},
        tags={"id": ColumnDeclaration(type={"postgresql": "nanoid", "mysql": "nanoid"})},
    )
    assert nanoid_columns(declarations) == {"posts": {"id": 21, "share": 8}, "tags": {"id": 21}}


def test_foreign_keys_are_not_filled() -> None:
    """Their values are a parent's."""
    declarations = _declared(
        posts={
            "id": ColumnDeclaration(type="nanoid", primary=True),
            "author_id": ColumnDeclaration(type="nanoid", references="users.id"),
        }
    )
    assert nanoid_columns(declarations) == {"posts": {"id": 21}}


def test_is_a_function_whatever_was_imported_before() -> None:
    """No module of the package may have the name of something public."""
    import_module("odac_db.ids")
    import_module("odac_db.migrate.run")
    assert callable(odac_db.nanoid)
    homes = {path.stem for path in Path(odac_db.__file__).parent.iterdir()}
    assert homes.isdisjoint(odac_db.__all__)


def test_no_tables_no_columns() -> None:
    assert nanoid_columns(Declarations()) == {}
