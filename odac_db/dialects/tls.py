"""TLS for aiomysql, which takes a context where PyMySQL takes the options of a URL.

aiomysql goes on without TLS where the server has none: whoever asked for it is told instead.
"""

from __future__ import annotations

import ssl
from typing import Any

from sqlalchemy import URL

from odac_db.errors import ConnectionFailed

_OPTIONS = ("ssl_ca", "ssl_capath", "ssl_cert", "ssl_key", "ssl_cipher", "ssl_check_hostname")
_NO = ("0", "false", "no", "off")


def taken_out(url: URL) -> tuple[URL, ssl.SSLContext | None]:
    """The URL without its options for TLS, and the context that they come to; None without any.

    They mean what they mean to PyMySQL: without an authority the server is not verified.
    Raises ConnectionFailed for a file that cannot be used.
    """
    given = {name: str(url.query[name]) for name in _OPTIONS if name in url.query}
    plain = url.difference_update_query([*_OPTIONS, "ssl_disabled"])
    if not given:
        return plain, None
    try:
        return plain, _context(given)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(f"{name}={given[name]}" for name in _OPTIONS[:4] if name in given)
        raise ConnectionFailed(f"the files for TLS cannot be used ({files}): {error}") from error


def _context(given: dict[str, str]) -> ssl.SSLContext:
    file, folder = given.get("ssl_ca"), given.get("ssl_capath")
    context = ssl.create_default_context(cafile=file, capath=folder)
    # The certificates that MySQL makes for itself lack what Python 3.13 is strict about.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    is_verified = bool(file or folder)
    named = given.get("ssl_check_hostname", "true").casefold() not in _NO
    context.check_hostname = is_verified and named
    context.verify_mode = ssl.CERT_REQUIRED if is_verified else ssl.CERT_NONE
    if "ssl_cert" in given:
        context.load_cert_chain(given["ssl_cert"], given.get("ssl_key"))
    if "ssl_cipher" in given:
        context.set_ciphers(given["ssl_cipher"])
    return context


def require(connection: Any, _: object) -> None:
    """Called with each new connection. Raises ConnectionFailed for one that is not encrypted."""
    cursor = connection.cursor()
    try:
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        found = cursor.fetchone()
    finally:
        cursor.close()
    if not found or not found[1]:
        raise ConnectionFailed(
            "the server does not encrypt the connection, which ssl_ options of the URL ask for"
        )
