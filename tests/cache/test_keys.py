"""Keys: a million random ones are told apart, and where their hashes are not, nobody is given
another's rows."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from xxhash import xxh3_128_hexdigest

from odac_db.cache.key import Key
from odac_db.cache.protocol import Entry
from odac_db.cache.redis_store import RedisStore
from odac_db.cache.rows import Rows
from odac_db.cache.tags import exact

Dose = Callable[[int, int], int]
TABLES = ("*", "t")
VALUES: list[Callable[[random.Random], Any]] = [
    lambda chance: chance.randrange(-3, 3),
    lambda chance: chance.getrandbits(80) - 2**79,
    lambda chance: bool(chance.getrandbits(1)),
    lambda chance: float(chance.randrange(-3, 3)),
    lambda chance: chance.random(),
    lambda chance: str(chance.randrange(-3, 3)),
    lambda chance: chance.randbytes(chance.randrange(4)).decode("latin-1"),
    lambda chance: chance.randbytes(chance.randrange(4)),
    lambda chance: Decimal(chance.randrange(-300, 300)).scaleb(-chance.randrange(3)),
    lambda chance: UUID(int=chance.getrandbits(128)),
    lambda chance: dt.date(2026, 1, 1 + chance.randrange(28)),
    lambda chance: dt.datetime.fromtimestamp(chance.randrange(10**9), dt.UTC),
    lambda chance: dt.timedelta(chance.randrange(10)),
    lambda chance: [chance.randrange(3)],
    lambda _: None,
]


def parameters(chance: random.Random) -> tuple[Any, ...]:
    return tuple(chance.choice(VALUES)(chance) for _ in range(chance.randrange(5)))


def told(values: Any) -> Any:
    """What two parameters have in common only if they are the same, in value and class."""
    return [(type(one).__name__, repr(one)) for one in values]


def key_of(chance: random.Random) -> tuple[Key, str]:
    """A random key, and what it is the key of."""
    head, values = b"SELECT %d" % chance.randrange(50), parameters(chance)
    params = exact(values)
    return Key(head, head + params, params), repr((head, told(values)))


@pytest.mark.torture
def test_random_keys_have_material_and_hashes_of_their_own(dose: Dose) -> None:
    chance = random.Random(4)
    materials: dict[bytes, str] = {}
    hashes: dict[str, bytes] = {}
    for _ in range(dose(20_000, 1_000_000)):
        key, asked = key_of(chance)
        digest = xxh3_128_hexdigest(key.material)
        assert materials.setdefault(key.material, asked) == asked
        assert hashes.setdefault(digest, key.material) == key.material
    assert len(materials) == len(hashes) == len({*materials.values()}) > 1000


@pytest.mark.torture
def test_nobody_is_given_the_rows_of_a_key_with_the_same_hash(redis_url: str, dose: Dose) -> None:
    """A digest of one byte: nearly every key collides with others all the time."""
    store = RedisStore(
        redis_url,
        "keys",
        token_seconds=60.0,
        quarantine_seconds=0.0,
        timeout=5.0,
        digest=lambda material: xxh3_128_hexdigest(material)[:2],
    )
    stamps = store.settle(TABLES)
    assert stamps is not None
    chance = random.Random(5)
    lost = found = 0
    recent: list[tuple[Key, str]] = []
    for _ in range(dose(1500, 1_000_000)):
        key, asked = key_of(chance)
        store.fill(key, TABLES, Entry(stamps, Rows(("asked",), ((asked,),))), 60)
        recent = [*recent[-20:], (key, asked)]
        other, wanted = chance.choice(recent)
        seen = store.look(other, TABLES)
        if seen.entry is None:
            lost += 1
            continue
        found += 1
        assert seen.entry.rows.rows == ((wanted,),)
    store.close()
    assert min(lost, found) > 20
