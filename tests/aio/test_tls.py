"""A connection that is to be encrypted is, or there is none."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import create_engine, make_url, text

from odac_db import AsyncDatabase, ConnectionFailed
from tests.fixtures.databases import LiveDatabase

STATUS = "SHOW SESSION STATUS LIKE 'Ssl_cipher'"


def offers_tls(url: str) -> bool:
    """By the word of PyMySQL, which uses what the server has."""
    engine = create_engine(make_url(url).difference_update_query(["ssl_disabled"]))
    with engine.connect() as conn:
        found = conn.execute(text(STATUS)).one().Value
    engine.dispose()
    return bool(found)


def test_what_is_asked_for_is_had_or_refused(mysql_database: LiveDatabase) -> None:
    url = make_url(mysql_database.url).update_query_dict({"ssl_check_hostname": "false"})

    async def cipher() -> str:
        async with await AsyncDatabase.open(url) as db:
            status = await db.execute(text(STATUS))
            return str(status.one().Value)

    if offers_tls(mysql_database.url):
        assert asyncio.run(cipher())
    else:
        with pytest.raises(ConnectionFailed):
            asyncio.run(cipher())
