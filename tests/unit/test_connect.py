"""URLs and engines, before anything is connected."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from sqlalchemy import make_url

from odac_db import ConnectionFailed, UnsupportedServer
from odac_db.dialects import tls
from odac_db.dialects.connect import engine_for_tasks, engine_of, masked_url


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


def test_options_of_tls_mean_for_tasks_what_they_mean_for_threads(tmp_path: Path) -> None:
    url = make_url("mysql+aiomysql://ada@db/app?charset=utf8mb4&ssl_disabled=true")
    assert tls.taken_out(url) == (make_url("mysql+aiomysql://ada@db/app?charset=utf8mb4"), None)
    authority = {"ssl_capath": str(tmp_path)}
    for query, mode, named in (
        (authority, ssl.CERT_REQUIRED, True),
        ({**authority, "ssl_check_hostname": "false"}, ssl.CERT_REQUIRED, False),
        ({"ssl_check_hostname": "false"}, ssl.CERT_NONE, False),
        ({"ssl_cipher": "HIGH"}, ssl.CERT_NONE, False),
    ):
        plain, context = tls.taken_out(url.update_query_dict(query))
        assert dict(plain.query) == {"charset": "utf8mb4"}
        assert context is not None
        assert (context.verify_mode, context.check_hostname) == (mode, named)


def test_files_of_tls_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConnectionFailed, match=r"ssl_ca=.*nowhere\.pem"):
        engine_for_tasks(f"mysql://ada:s3cret@db/app?ssl_ca={tmp_path}/nowhere.pem")
