"""Which changes of a column can lose or refuse what rows hold. Data is not looked at. Pure."""

from __future__ import annotations

from odac_db.dialects.mysql.column_types import (
    BINARIES,
    BLOBS,
    CLOCKS,
    INTEGERS,
    STRINGS,
    TEMPORALS,
    TEXTS,
    ColumnType,
    column_type,
    enum_values,
)
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.schema.model import Column

_BYTES = {"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "bigint": 8}
_DIGITS = {"tinyint": 3, "smallint": 5, "mediumint": 8, "int": 10, "bigint": 20}
_SIZES = {"tiny": 255, "": 65_535, "medium": 16_777_215, "long": 4_294_967_295}
_WIDEST = ("utf8mb4", "utf16", "utf16le", "utf32", "gb18030")


def lossy(before: Column, after: Column, features: MySQLFeatures) -> str | None:
    """Why the change may lose values, or be refused for them; None when it never does."""
    if before.generated is None and after.generated is not None:
        return "its values are replaced by computed ones"
    if after.generated is not None:
        return None
    old = column_type(before.type, features.mariadb)
    new = column_type(after.type, features.mariadb)
    return _type_loss(old, new) or _character_loss(before, after, old, new)


def _type_loss(old: ColumnType, new: ColumnType) -> str | None:
    if old.text == new.text:
        return None
    if old.name in INTEGERS and new.name in INTEGERS:
        return _integer_loss(old, new)
    if old.name == new.name == "decimal" or (old.name in INTEGERS and new.name == "decimal"):
        return _decimal_loss(old, new)
    if old.name == "float" and new.name == "double" and not (old.unsigned < new.unsigned):
        return None if not new.arguments else _conversion(old, new)
    if old.name in INTEGERS and new.name == "double" and _BYTES[old.name] <= 4:
        return None if old.unsigned or not new.unsigned else "negative numbers do not fit"
    if old.name == new.name and old.name in ("enum", "set"):
        return _value_loss(old, new)
    if new.name in STRINGS - {"enum", "set"}:
        return _text_loss(old, new)
    if old.name in TEMPORALS and new.name in TEMPORALS:
        return _temporal_loss(old, new)
    if old.name in BINARIES | BLOBS and new.name in BINARIES | BLOBS:
        return _length_loss(capacity(old), capacity(new), "bytes")
    if old.name == new.name == "bit":
        return _length_loss(int(old.arguments[0]), int(new.arguments[0]), "bits")
    if old.name == "uuid" and new.name in BINARIES:
        return _length_loss(16, capacity(new), "bytes")
    return _conversion(old, new)


def _conversion(old: ColumnType, new: ColumnType) -> str:
    return f"not every {old.text} can be converted to {new.text}"


def _integer_loss(old: ColumnType, new: ColumnType) -> str | None:
    if _BYTES[new.name] < _BYTES[old.name]:
        return f"numbers beyond {new.text} do not fit"
    if new.unsigned and not old.unsigned:
        return "negative numbers do not fit"
    if old.unsigned and not new.unsigned and _BYTES[new.name] == _BYTES[old.name]:
        return f"numbers beyond {new.text} do not fit"
    return None


def _decimal_loss(old: ColumnType, new: ColumnType) -> str | None:
    precision, scale = map(int, new.arguments)
    if old.name in INTEGERS:
        whole, fraction = _DIGITS[old.name], 0
    else:
        whole, fraction = int(old.arguments[0]) - int(old.arguments[1]), int(old.arguments[1])
    if scale < fraction:
        return f"digits behind the point are rounded to {scale}"
    if precision - scale < whole:
        return f"numbers of more than {precision - scale} digits before the point do not fit"
    return "negative numbers do not fit" if new.unsigned and not old.unsigned else None


def _value_loss(old: ColumnType, new: ColumnType) -> str | None:
    kept = set(enum_values(new.text))
    gone = [value for value in enum_values(old.text) if value not in kept]
    return f"rows holding {', '.join(gone)} have no value left" if gone else None


def _text_loss(old: ColumnType, new: ColumnType) -> str | None:
    if old.name in STRINGS and old.name in TEXTS and new.name in TEXTS:
        return _length_loss(capacity(old), capacity(new), "bytes")
    if old.name in BINARIES | BLOBS or old.name == "bit":
        return _conversion(old, new)
    if old.name == "json" and new.name == "longtext":
        return None
    longest = _longest_text(old)
    if longest is None:
        return _conversion(old, new)
    if new.name == "char" and old.name in TEXTS | {"varchar"}:
        return "trailing blanks are cut"
    room = capacity(new) // (4 if new.name in TEXTS else 1)
    return _length_loss(longest, room, "characters")


def _longest_text(kind: ColumnType) -> int | None:
    """How many characters a value printed as text may need; None where nobody knows."""
    if kind.name in ("char", "varchar"):
        return int(kind.arguments[0])
    if kind.name in TEXTS:
        return capacity(kind)
    if kind.name in ("enum", "set"):
        lengths = [len(value) for value in enum_values(kind.text)]
        return max(lengths) if kind.name == "enum" else sum(lengths) + len(lengths) - 1
    if kind.name in INTEGERS:
        return _DIGITS[kind.name] + 1
    if kind.name == "decimal":
        return int(kind.arguments[0]) + 2
    fixed = {"date": 10, "time": 17, "datetime": 26, "timestamp": 26, "year": 4, "uuid": 36}
    return fixed.get(kind.name)


def capacity(kind: ColumnType) -> int:
    if kind.name.endswith(("text", "blob")):
        return _SIZES[kind.name[:-4]]
    return int(kind.arguments[0]) if kind.arguments else 255


def _length_loss(before: int, after: int, what: str) -> str | None:
    return f"values of more than {after} {what} do not fit" if after < before else None


def _temporal_loss(old: ColumnType, new: ColumnType) -> str | None:
    if old.name == new.name or (old.name == "timestamp" and new.name == "datetime"):
        if new.fraction < old.fraction:
            return f"fractions of a second are rounded to {new.fraction} digits"
        return None
    if old.name == "date" and new.name == "datetime":
        return None
    if old.name in CLOCKS and new.name == "date":
        return "the time of day is cut off"
    if old.name in CLOCKS and new.name == "time":
        return "the date is cut off"
    return _conversion(old, new)


def _character_loss(before: Column, after: Column, old: ColumnType, new: ColumnType) -> str | None:
    """Characters that the new character set lacks. An inherited one is not known here."""
    if old.name not in STRINGS or new.name not in STRINGS or after.collation is None:
        return None
    was = (before.collation or "").split("_")[0]
    is_ = after.collation.split("_")[0]
    if was == is_ or is_ in _WIDEST or was in ("ascii",):
        return None
    return f"characters that {is_} does not have are refused"
