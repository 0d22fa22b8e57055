"""Declared default values as the server prints them back.

The rules are ``get_const_expr`` in the server's ruleutils.c: digits stand alone, everything
else is quoted and labelled with its type, ``'x'::text``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from odac_db.dialects.postgresql.column_types import base, element, is_array, label
from odac_db.dialects.postgresql.naming import literal

CLOCKS = {
    "now()": "now()",
    "current_timestamp": "CURRENT_TIMESTAMP",
    "current_timestamp()": "CURRENT_TIMESTAMP",
}
INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
NUMBERS = {*INTEGERS, "numeric", "real", "double precision"}
_TRUTHS = {"true": True, "t": True, "yes": True, "on": True, "1": True}
_TRUTHS |= {"false": False, "f": False, "no": False, "off": False, "0": False}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_BARE_ELEMENT = re.compile(r"""[^\s{}",\\]+""")


class NotAValue(ValueError):
    """A declared default that is no value of its column's type."""


def default(value: Any, type_: str) -> str:
    """SQL for a value as default of a column. Raises NotAValue where it cannot be one."""
    if is_array(type_):
        text = value if isinstance(value, str) else array(value, element(type_))
        return f"{literal(text)}::{label(type_)}"
    if base(type_) in NUMBERS:
        return _number(value, base(type_))
    if type_ == "boolean":
        return "true" if _truth(value) else "false"
    return f"{literal(_text(value, type_))}::{label(type_)}"


def _number(value: Any, plain: str) -> str:
    text = _digits(value, plain)
    if text is None:
        return f"{literal(str(value))}::{plain}"
    if re.fullmatch(r"\d+", text):
        size = int(text)
        if size < 2**31:
            return text
        return f"'{text}'::{'bigint' if size < 2**63 else 'numeric'}"
    if re.fullmatch(r"-\d+", text):
        size = int(text)
        kind = "integer" if size >= -(2**31) else "bigint" if size >= -(2**63) else "numeric"
        return f"'{text}'::{kind}"
    return text if text[0].isdigit() else f"'{text}'::numeric"


def _digits(value: Any, plain: str) -> str | None:
    """The number in plain digits; None for NaN and the infinities."""
    if isinstance(value, bool):
        value = int(value)
    text = repr(value) if isinstance(value, float) else str(value).strip()
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        if plain in INTEGERS:
            raise NotAValue(f"{value} is not a number of type {plain}")
        return None
    if not _NUMBER.fullmatch(text):
        raise NotAValue(f"{value!r} is not a number")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise NotAValue(f"{value!r} is not a number") from None
    if plain in INTEGERS:
        return _whole(number, value, plain)
    digits = f"{number:f}"
    # The server prints a numeric constant that has no fraction like an integer's.
    return digits.removeprefix("-") if not number and digits.startswith("-") else digits


def _whole(number: Decimal, value: Any, plain: str) -> str:
    if number != number.to_integral_value():
        raise NotAValue(f"{value!r} is not a whole number")
    if not -INTEGERS[plain] <= number < INTEGERS[plain]:
        raise NotAValue(f"{value!r} is out of range of {plain}")
    return str(int(number))


def _truth(value: Any) -> bool:
    found = _TRUTHS.get(str(value).strip().lower())
    if found is None:
        raise NotAValue(f"{value!r} is not true or false")
    return found


def _text(value: Any, type_: str) -> str:
    """What stands between the quotes."""
    if type_ in ("json", "jsonb"):
        return _json(value, sort=type_ == "jsonb")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        raise NotAValue(f"a value of type {type_} is not a list or mapping")
    text = str(value)
    if type_ == "uuid":
        return text.lower()
    if type_ == "bytea" and "\\" not in text:
        return "\\x" + text.encode().hex()
    return text


def _json(value: Any, *, sort: bool) -> str:
    """JSON text; jsonb's own spelling where that is certain (no fractions)."""
    if isinstance(value, str):
        try:
            text: str = value
            value = json.loads(text)
        except ValueError:
            raise NotAValue(f"{value!r} is not JSON: quote a JSON string twice") from None
        if not sort or re.search(r"\d[.eE]|\\u", text):
            return text
    elif not sort:
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(_ordered(value), ensure_ascii=False)


def _ordered(value: Any) -> Any:
    """Keys as jsonb keeps them: shorter ones first, then by bytes."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return {key: _ordered(value[key]) for key in keys}
    if isinstance(value, list):
        return [_ordered(item) for item in value]
    return value


def array(values: Sequence[Any], type_: str) -> str:
    """The text of an array as ``array_out`` writes it."""
    if not isinstance(values, list | tuple):
        raise NotAValue(f"{values!r} is not a list")
    return "{" + ",".join(_element(value, type_) for value in values) + "}"


def _element(value: Any, type_: str) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return array(value, type_)
    if type_ == "boolean":
        return "t" if _truth(value) else "f"
    if base(type_) in NUMBERS:
        return _digits(value, base(type_)) or str(value)
    text = _text(value, type_)
    if _BARE_ELEMENT.fullmatch(text) and text.lower() != "null":
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
