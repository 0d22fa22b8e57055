"""Passwords taken out of text before anyone sees it.

``masked`` hides more than it must rather than less: a URL whose parts cannot be told
apart loses everything behind the user's name.
"""

from __future__ import annotations

import re

MASK = "***"

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://\S+")
_KEYS = r"(?:ssl)?pass(?:word|wd|phrase)?|pwd|secret|token"
_QUERY_SECRET = re.compile(rf"[?&;](?:{_KEYS})=", re.IGNORECASE)
_BARE_SECRET = re.compile(
    rf"""(?P<key>\b(?:{_KEYS})=)(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\S+)""",
    re.IGNORECASE,
)
_QUOTED_SECRET = re.compile(
    rf"""(?P<key>(?P<q>['"])(?:{_KEYS})(?P=q):\s*)(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")""",
    re.IGNORECASE,
)
_SHORTEST_SECRET = 3

_known_secrets: set[str] = set()


def masked(text: str) -> str:
    """``text`` without the passwords in it.

    Hides what stands in the password's place of any URL and of any ``password=``, and
    every password of a URL given to ``remember_password`` wherever it turns up.
    """
    hidden = _URL.sub(lambda found: _masked_url(found.group()), text)
    hidden = _BARE_SECRET.sub(rf"\g<key>{MASK}", hidden)
    hidden = _QUOTED_SECRET.sub(rf"\g<key>{MASK}", hidden)
    for secret in sorted(_known_secrets, key=len, reverse=True):
        hidden = hidden.replace(secret, MASK)
    return hidden


def _masked_url(url: str) -> str:
    scheme, _, rest = url.partition("://")
    query = _QUERY_SECRET.search(rest)
    front, back = (rest[: query.end()], MASK) if query else (rest, "")
    if "@" in front:
        front = _masked_userinfo(front)
    elif "@" in rest and ":" in front.partition("/")[0]:
        return f"{scheme}://{front.partition(':')[0]}:{MASK}"
    return f"{scheme}://{front}{back}"


def _masked_userinfo(front: str) -> str:
    userinfo, _, host = front.rpartition("@")
    user, colon, _ = userinfo.partition(":")
    if not colon or "/" in user:
        return front
    return f"{user}:{MASK}@{host}"


def remember_password(url: str) -> None:
    """From here on ``masked`` also hides this URL's password where it stands alone.

    A password that equals another part of the URL, or is shorter than three characters,
    is only hidden inside URLs: hiding every "postgres" would leave no message readable.
    """
    from urllib.parse import parse_qsl, unquote

    _, _, rest = url.partition("://")
    userinfo, _, place = rest.rpartition("@")
    user, _, password = userinfo.partition(":")
    _, _, query = rest.partition("?")
    secrets = {password, unquote(password)}
    for key, value in parse_qsl(query):
        if re.fullmatch(_KEYS, key, re.IGNORECASE):
            secrets.add(value)
    others = {unquote(user), *re.split(r"[:/?&=]", place)}
    _known_secrets.update(s for s in secrets - others if len(s) >= _SHORTEST_SECRET)
