"""Execution options, of which some make another question of the same statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_HARMLESS = frozenset(
    """
    autoflush compiled_cache insertmanyvalues_page_size isolation_level
    logging_token max_row_buffer populate_existing postgresql_deferrable postgresql_readonly
    preserve_rowcount stream_results yield_per
    """.split()
)


def meddling(options: Mapping[str, Any]) -> str:
    """Why a statement under these options is not cached; "" for ones that leave it as it is.

    ``schema_translate_map`` leads its names elsewhere and is in no key of SQLAlchemy's. An
    option that is not known may be one for a listener that writes the statement anew.
    """
    for name in options:
        if name not in _HARMLESS and (options[name] or name != "schema_translate_map"):
            return f"the execution option {name} may lead it elsewhere"
    return ""
