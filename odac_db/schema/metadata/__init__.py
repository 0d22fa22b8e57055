"""SQLAlchemy metadata as declarations. Only here does ``schema`` know SQLAlchemy."""

from odac_db.schema.metadata.read import declarations_of

__all__ = ["declarations_of"]
