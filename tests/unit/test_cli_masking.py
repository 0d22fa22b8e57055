"""No password in anything that is printed."""

from __future__ import annotations

import pytest

from odac_db.cli import masking
from odac_db.cli.errors import UsageProblem
from odac_db.cli.masking import masked, remember_password
from odac_db.cli.settings import read_settings


@pytest.fixture(autouse=True)
def _no_secret_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_known_secrets", set())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:s3cret@db/app", "postgresql://ada:***@db/app"),
        (
            "postgresql+psycopg://ada:s3c%40ret@db:5432/app",
            "postgresql+psycopg://ada:***@db:5432/app",
        ),
        ("mysql://ada:s3c:ret@db/app", "mysql://ada:***@db/app"),
        ("mysql://ada:s3c/ret@db/app", "mysql://ada:***@db/app"),
        ("mysql://ada:s3c@ret@db/app", "mysql://ada:***@db/app"),
        ("mysql://ada:s3c%ret?x#y@db/app", "mysql://ada:***@db/app"),
        ("mysql://:s3cret@db/app", "mysql://:***@db/app"),
        ("redis://:s3cret@cache:6379/0", "redis://:***@cache:6379/0"),
        ("postgresql://ada@corp:s3cret@db/app", "postgresql://ada@corp:***@db/app"),
        (
            "postgresql://db/app?user=ada&password=s3cret",
            "postgresql://db/app?user=ada&password=***",
        ),
        ("postgresql://db:5432/app?password=s3c@ret", "postgresql://db:***"),
        (
            "postgresql://ada:pw1@db/app?password=s3c@ret",
            "postgresql://ada:***@db/app?password=***",
        ),
        ("postgresql://ada:a?password=s3c@db/app", "postgresql://ada:***"),
        ("postgresql://ada@db/app", "postgresql://ada@db/app"),
        ("postgresql://db:5432/app", "postgresql://db:5432/app"),
        ("sqlite:///folder/a:b@c.db", "sqlite:///folder/a:b@c.db"),
    ],
)
def test_the_password_of_a_url_is_masked_and_the_rest_stays(url: str, shown: str) -> None:
    assert masked(f"cannot open {url} today") == f"cannot open {shown} today"


@pytest.mark.parametrize(
    "text",
    [
        "conninfo: host=db user=ada password=s3cret dbname=app",
        "conninfo: host=db password='s3cret with \\' quote' dbname=app",
        "{'user': 'ada', 'password': 's3cret', 'host': 'db'}",
        '{"sslpassword": "s3cret"}',
        "two urls: mysql://a:s3cret@h/x and postgresql://b:s3cret@h/y",
        "'mysql://a:s3cret@h/x'",
    ],
)
def test_passwords_in_driver_messages_are_masked(text: str) -> None:
    assert "s3cret" not in masked(text)


def test_a_column_named_password_is_not_a_password() -> None:
    text = 'ALTER TABLE "users" ADD "password" varchar(60); u.yaml:3:1: password: no type'
    assert masked(text) == text


def test_a_known_password_is_masked_wherever_it_stands() -> None:
    remember_password("postgresql://ada:h%40rd%2Fpass@db/app?sslpassword=inner+one")
    said = masked("bad: h@rd/pass, h%40rd%2Fpass, inner one")
    assert said == "bad: ***, ***, ***"


def test_a_password_like_the_user_leaves_messages_readable() -> None:
    remember_password("postgresql://postgres:postgres@db/postgres")
    assert masked('role "postgres" does not exist') == 'role "postgres" does not exist'


@pytest.mark.parametrize("password", ["p@ss", "p@ss:w/rd%", "p@ss?word", "a@b?c/d"])
def test_an_unescaped_at_sign_is_refused_before_it_can_leak(password: str) -> None:
    with pytest.raises(UsageProblem) as refused:
        read_settings(f"postgresql://ada:{password}@db/app", None, environment={})
    assert password not in str(refused.value)
    assert "%40" in str(refused.value)


@pytest.mark.parametrize("password", ["p%40ss", "p:ss", "p/ss", "p%25ss", "p#ss", "p?ss"])
def test_other_passwords_are_taken_as_they_are(password: str) -> None:
    url = f"postgresql://ada:{password}@db/app?sslmode=require"
    assert read_settings(url, None, environment={}).url == url


def test_settings_do_not_show_their_urls() -> None:
    settings = read_settings("postgresql://ada:s3cret@db/app", None, environment={})
    assert "s3cret" not in repr(settings)
