"""UUIDs, bytes, JSON documents and arrays."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, LargeBinary, String, Uuid
from sqlalchemy.types import TypeEngine

from odac_db.dialects.values.checked import Checked


class Identifier(Checked):
    """``UUID``, sent as itself or as its text."""

    expected = "UUIDs (uuid.UUID, or their texts)"

    def __init__(self, place: str, *, as_text: bool) -> None:
        self.as_text = as_text
        super().__init__(place)

    def wired(self) -> TypeEngine[Any]:
        return String() if self.as_text else Uuid()

    def accepted(self, value: Any) -> Any:
        if not isinstance(value, UUID):
            try:
                value = UUID(value)
            except (TypeError, ValueError, AttributeError):
                raise self.refused(value, " of that form") from None
        return str(value) if self.as_text else value

    def returned(self, value: Any) -> Any:
        return value if isinstance(value, UUID) else UUID(value)


class Octets(Checked):
    """``bytes``."""

    expected = "bytes"

    def wired(self) -> TypeEngine[Any]:
        return LargeBinary()

    def accepted(self, value: Any) -> bytes:
        if isinstance(value, bytes | bytearray | memoryview):
            return bytes(value)
        raise self.refused(value)

    def returned(self, value: Any) -> Any:
        return bytes(value) if isinstance(value, bytearray | memoryview) else value


class Document(Checked):
    """JSON: ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool``. None is NULL."""

    expected = "what JSON can hold"

    def wired(self) -> TypeEngine[Any]:
        return JSON(none_as_null=True)

    def accepted(self, value: Any) -> Any:
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise self.refused(value, f": {error}") from None
        return value


class Arrays(Checked):
    """Lists of values of one kind. ``item`` is what looks at those that ``wire`` does not."""

    expected = "lists"

    def __init__(
        self, place: str, wire: TypeEngine[Any] | None = None, item: Checked | None = None
    ) -> None:
        super().__init__(place, wire)
        self.item = item

    def accepted(self, value: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise self.refused(value)
        return list(value) if self.item is None else [self._looked_at(one) for one in value]

    def _looked_at(self, value: Any) -> Any:
        if value is None or self.item is None:
            return value
        is_list = isinstance(value, list | tuple)
        return self.accepted(value) if is_list else self.item.accepted(value)
