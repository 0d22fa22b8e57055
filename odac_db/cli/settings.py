"""Where the database and its schema files are: arguments, environment, pyproject.toml.

The first of these that says something about a connection decides it alone; a value is
looked at only if it is used, so a missing variable in pyproject.toml does not disturb a
command that was given its url.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from odac_db.cli.errors import UsageProblem
from odac_db.cli.masking import remember_password
from odac_db.cli.urls import absolute_url, checked_url, url_from_parts

DEFAULT = "default"
_URL_VARIABLE = "ODAC_DB_URL"
_SCHEMA_VARIABLE = "ODAC_DB_SCHEMA"
_BUFFER_VARIABLE = "ODAC_DB_BUFFER"
_REFERENCE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_CACHE_VARIABLE = "ODAC_DB_CACHE"
_KEYS = ("url", "schema", "cache", "buffer", "connections")


@dataclass(frozen=True)
class Models:
    """SQLAlchemy models by name, ``package.module:Base``, and the folder they are sought in."""

    reference: str
    folder: Path


@dataclass(frozen=True)
class Settings:
    """The url of each connection by name; the folder of the schema files, or the models."""

    urls: Mapping[str, str] = field(repr=False)
    schema: Path | Models | None = None

    @property
    def url(self) -> str | Mapping[str, str]:
        """What ``Database.open`` takes: one url, or several by connection name."""
        return self.urls[DEFAULT] if set(self.urls) == {DEFAULT} else self.urls

    def declared(self) -> Path | Models:
        """Where the schema is declared; ``UsageProblem`` when nobody said."""
        if self.schema is None:
            raise UsageProblem(
                "no schema folder: pass --schema DIR, set ODAC_DB_SCHEMA, "
                'or write schema = "DIR" under [tool.odac-db] in pyproject.toml'
            )
        return self.schema

    def schema_folder(self) -> Path:
        """The folder of the schema files, for what needs one; else ``UsageProblem``."""
        schema = self.declared()
        if isinstance(schema, Models):
            raise UsageProblem(
                f"{schema.reference} are models; this needs a folder of schema files: --schema DIR"
            )
        return schema


def read_settings(
    url: str | None,
    schema: str | None,
    *,
    environment: Mapping[str, str] = os.environ,
    folder: Path | None = None,
) -> Settings:
    """The settings that hold for a command run in ``folder`` (the current one).

    Raises ``UsageProblem`` when no connection has a url or a value cannot be used.
    """
    file = _Pyproject.nearest(folder or Path.cwd())
    found_schema = _schema(schema, environment, file, folder or Path())
    urls = _urls(url, environment, file, found_schema)
    if not urls:
        raise UsageProblem(
            "no database: pass --url URL, set ODAC_DB_URL, "
            'or write url = "..." under [tool.odac-db] in pyproject.toml'
        )
    for each in urls.values():
        remember_password(each)
    return Settings({name: checked_url(each) for name, each in urls.items()}, found_schema)


def read_schema_folder(
    schema: str | None,
    *,
    environment: Mapping[str, str] = os.environ,
    folder: Path | None = None,
) -> Path:
    """The schema folder alone, for commands that need no database."""
    file = _Pyproject.nearest(folder or Path.cwd())
    return Settings({}, _schema(schema, environment, file, folder or Path())).schema_folder()


def read_buffer_folder(
    buffer: str | None,
    *,
    environment: Mapping[str, str] = os.environ,
    folder: Path | None = None,
) -> Path | None:
    """The folder of the journals of buffered writes; None where nobody named one."""
    named = buffer or environment.get(_BUFFER_VARIABLE)
    if named:
        return Path(named)
    file = _Pyproject.nearest(folder or Path.cwd())
    written = file.text("buffer", environment)
    return file.folder / written if written else None


def read_cache_store(
    cache: str | None,
    *,
    environment: Mapping[str, str] = os.environ,
    folder: Path | None = None,
) -> str | None:
    """Where cached reads are kept; None where nobody said."""
    file = _Pyproject.nearest(folder or Path.cwd())
    named = cache or environment.get(_CACHE_VARIABLE) or file.text("cache", environment)
    if named:
        remember_password(named)
    return named or None


def _schema(
    argument: str | None, environment: Mapping[str, str], file: _Pyproject, here: Path
) -> Path | Models | None:
    named = argument or environment.get(_SCHEMA_VARIABLE)
    if named:
        return _models(named, Path(named), here) or Path(named)
    named = file.text("schema", environment)
    if not named:
        return None
    return _models(named, file.folder / named, file.folder) or file.folder / named


def _models(named: str, path: Path, folder: Path) -> Models | None:
    """The name read as ``package.module:Base``, unless there is such a folder."""
    if path.exists() or not _REFERENCE.fullmatch(named):
        return None
    return Models(named, folder)


def _urls(
    argument: str | None,
    environment: Mapping[str, str],
    file: _Pyproject,
    schema: Path | Models | None,
) -> dict[str, str]:
    urls: dict[str, str] = {}
    default = argument or environment.get(_URL_VARIABLE) or file.url(environment)
    if default:
        urls[DEFAULT] = default
    names = {*file.connections, *_sub_folders(schema)}
    for name in sorted(names - {DEFAULT}):
        found = environment.get(variable_of(name)) or file.connection_url(name, environment)
        if found:
            urls[name] = found
    claimed = {variable_of(name) for name in names}
    prefix = f"{_URL_VARIABLE}_"
    for variable, value in sorted(environment.items()):
        if variable.startswith(prefix) and variable not in claimed and value:
            urls.setdefault(variable.removeprefix(prefix).lower(), value)
    return urls


def variable_of(name: str) -> str:
    """The environment variable that holds a connection's url, such as ODAC_DB_URL_EU_WEST."""
    return f"{_URL_VARIABLE}_{re.sub(r'[^A-Za-z0-9]', '_', name).upper()}"


def _sub_folders(schema: Path | Models | None) -> list[str]:
    if not isinstance(schema, Path) or not schema.is_dir():
        return []
    return [item.name for item in schema.iterdir() if item.is_dir() and item.name[0] not in "._"]


@dataclass(frozen=True)
class _Pyproject:
    """The ``[tool.odac-db]`` of one pyproject.toml; empty when there is none."""

    path: Path
    values: Mapping[str, Any]

    @classmethod
    def nearest(cls, start: Path) -> _Pyproject:
        for folder in (start, *start.parents):
            path = folder / "pyproject.toml"
            if path.is_file():
                return cls(path, _odac_section(path))
        return cls(start / "pyproject.toml", {})

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def connections(self) -> Mapping[str, Any]:
        found = self.values.get("connections", {})
        if not isinstance(found, dict):
            raise UsageProblem(f"{self.path}: connections is not a table of connections")
        return found

    def text(self, key: str, environment: Mapping[str, str]) -> str | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise UsageProblem(f"{self.path}: [tool.odac-db] {key} is not a text")
        return self._filled(value, key, environment)

    def url(self, environment: Mapping[str, str]) -> str | None:
        value = self.values.get("url")
        if value is None:
            return self.connection_url(DEFAULT, environment)
        return self._url_from(value, "url", environment)

    def connection_url(self, name: str, environment: Mapping[str, str]) -> str | None:
        value = self.connections.get(name)
        if isinstance(value, dict):
            value = value.get("url", value)
        return self._url_from(value, f"connections.{name}", environment) if value else None

    def _url_from(self, value: Any, key: str, environment: Mapping[str, str]) -> str:
        def fill(text: str) -> str:
            return self._filled(text, key, environment)

        if isinstance(value, str):
            return absolute_url(fill(value), self.folder)
        if isinstance(value, dict):
            return self._from_parts(value, key, fill)
        raise UsageProblem(f"{self.path}: {key} is neither a url nor its parts")

    def _from_parts(self, parts: Mapping[str, Any], key: str, fill: Callable[[str], str]) -> str:
        filled = {k: fill(v) if isinstance(v, str) else v for k, v in parts.items()}
        try:
            return absolute_url(url_from_parts(filled), self.folder)
        except ValueError as error:
            raise UsageProblem(f"{self.path}: {key}: {error}") from None

    def _filled(self, text: str, key: str, environment: Mapping[str, str]) -> str:
        """``${NAME}`` replaced from the environment; an unset name is an error, not a blank."""

        def value_of(found: re.Match[str]) -> str:
            name = found.group(1)
            if name not in environment:
                raise UsageProblem(
                    f"{self.path}: {key} needs the environment variable {name}, which is not set"
                )
            return environment[name]

        return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", value_of, text)


def _odac_section(path: Path) -> Mapping[str, Any]:
    import tomllib

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path}: {error}") from None
    section = content.get("tool", {}).get("odac-db", {})
    if not isinstance(section, dict):
        raise UsageProblem(f"{path}: [tool.odac-db] is not a table")
    unknown = sorted(set(section) - set(_KEYS))
    if unknown:
        raise UsageProblem(
            f"{path}: [tool.odac-db] has no key {unknown[0]!r}; it has {', '.join(_KEYS)}"
        )
    return section
