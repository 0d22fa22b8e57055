"""Rows as they are handed out: immutable, by attribute, by name and by position."""

from __future__ import annotations

from collections import namedtuple
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from odac_db.query.names import unknown


class Row(tuple[Any, ...]):
    """One row: ``row.title``, ``row["title"]``, ``row[0]``, ``row._asdict()``.

    It is a tuple of its values, equal to any tuple of the same ones, and cannot be changed.
    Names that a tuple has of its own (``count``, ``index``) are the columns' here. What is
    inside a JSON value can be changed, as anywhere, and that changes nothing but itself.
    """

    __slots__ = ()
    _fields: ClassVar[tuple[str, ...]] = ()
    _places: ClassVar[dict[str, int]] = {}

    if TYPE_CHECKING:
        count: Any
        index: Any

        def __getattribute__(self, name: str) -> Any: ...

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            try:
                key = self._places[key]
            except KeyError:
                raise KeyError(str(unknown("the row has no column", key, self._fields))) from None
        return tuple.__getitem__(self, key)

    def __getattr__(self, name: str) -> Any:
        raise unknown("the row has no column", name, self._fields)

    def _asdict(self) -> dict[str, Any]:
        """A new ``dict`` of the row."""
        return dict(zip(self._fields, self, strict=True))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
        return f"Row({values})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restored, (self._fields, tuple(self)))


@lru_cache(maxsize=1024)
def row_class(names: tuple[str, ...]) -> type[Row]:
    """The class of rows with these columns; made once."""
    places = {name: place for place, name in enumerate(names)}
    # The quickest descriptors there are come with a namedtuple.
    source = namedtuple("_Source", [f"c{place}" for place in range(len(names))])  # type: ignore[misc]
    own = {"__slots__": (), "_fields": names, "_places": places}
    attributes = {name: vars(source)[f"c{place}"] for name, place in places.items()}
    reserved = {name for name in attributes if name.startswith("_")}
    attributes = {name: value for name, value in attributes.items() if name not in reserved}
    return type("Row", (Row,), {**attributes, **own})


def _restored(names: tuple[str, ...], values: tuple[Any, ...]) -> Row:
    return row_class(names)(values)
