"""What a server makes of declared tables: the answer of ``Dialect.canonicalize``."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from odac_db.schema.model import Table

__all__ = ["Canonical"]


class Canonical(msgspec.Struct, frozen=True, kw_only=True):
    """Tables as a server would store them, by name. One that it refuses is not among them.

    ``refused`` says in the server's words why, where the statement that meets such a refusal
    comes too late because those before it stand.
    """

    tables: Mapping[str, Table]
    refused: Mapping[str, str] = {}
