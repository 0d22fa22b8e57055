"""``--schema package.module:Base``: SQLAlchemy models instead of a folder of files."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from odac_db.cli.settings import Models
from odac_db.errors import OdacDbError


class ModelsNotFound(OdacDbError):
    """The SQLAlchemy models that were named as the schema cannot be had."""


def loaded(models: Models) -> Any:
    """The ``MetaData``, declarative base or registry; its module is imported for it.

    The folder that the name counts from is on ``sys.path``, as other tools have it. Raises
    ModelsNotFound saying what is wrong with the name or with the module.
    """
    module_name, _, path = models.reference.partition(":")
    found: Any = _module(module_name, models)
    for attribute in path.split("."):
        if not hasattr(found, attribute):
            raise ModelsNotFound(_lacking(found, attribute, models))
        found = getattr(found, attribute)
    from sqlalchemy import MetaData

    if not isinstance(getattr(found, "metadata", found), MetaData):
        raise ModelsNotFound(
            f"{models.reference} is {_article(type(found).__name__)}; the schema is a MetaData, "
            "a declarative base or a registry"
        )
    return found


def _module(name: str, models: Models) -> ModuleType:
    folder = str(models.folder.absolute())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            message = f"{models.reference}: there is no module {error.name!r} (looked in {folder})"
            raise ModelsNotFound(message) from error
        raise ModelsNotFound(_failed(name, error)) from error
    except (Exception, SystemExit) as error:
        raise ModelsNotFound(_failed(name, error)) from error


def _failed(name: str, error: BaseException) -> str:
    """Why the module does not import, and the line of it that says so."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "importlib" not in frame.filename and frame.filename != __file__
    ]
    where = f" ({Path(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return f"module {name!r} does not import: {type(error).__name__}: {error}{where}"


def _lacking(owner: object, attribute: str, models: Models) -> str:
    from odac_db.schema.files.validate import nearest

    known = [name for name in dir(owner) if not name.startswith("_")]
    what = f"module {owner.__name__!r}" if isinstance(owner, ModuleType) else "it"
    return f"{models.reference}: {what} has no {attribute!r}{nearest(attribute, known)}"


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
