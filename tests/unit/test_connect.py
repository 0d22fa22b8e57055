"""URLs and engines, before anything is connected."""

from __future__ import annotations

import pytest

from odac_db import UnsupportedServer
from odac_db.dialects.connect import engine_of, masked_url


@pytest.mark.parametrize(
    ("url", "instead"),
    [
        ("postgresql+asyncpg://ada:s3cret@db/app", "postgresql+psycopg://"),
        ("mysql+aiomysql://ada:s3cret@db/app", "mysql+pymysql://"),
        ("mariadb+asyncmy://ada:s3cret@db/app", "mariadb+pymysql://"),
        ("sqlite+aiosqlite:///app.db", "sqlite://"),
    ],
)
def test_an_asynchronous_driver_is_refused_with_the_one_to_take(url: str, instead: str) -> None:
    with pytest.raises(UnsupportedServer, match="asynchronous") as refused:
        engine_of(url)
    assert instead in str(refused.value)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:s3cret@db/app",
        "postgresql://db/app?user=ada&password=s3cret",
        "mysql://ada@db/app?passwd=s3cret",
        "postgresql://ada@db/app?sslpassword=s3cret",
    ],
)
def test_no_password_of_a_url_is_shown_wherever_it_stands(url: str) -> None:
    assert "s3cret" not in masked_url(engine_of(url))
