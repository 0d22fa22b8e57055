"""The counters of ``bench/stale.py`` by Django, with django-cachalot and django-cacheops.

Both keep what they read in Redis. They are given what they support: reads and writes of the
ORM, ``transaction.atomic`` nested and rolled back; and pauses where they store and invalidate.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import django
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from bench.stale_site import NONSENSE, Plan, Undone, paused

_BACKENDS = {"postgresql": "postgresql", "mysql": "mysql", "sqlite": "sqlite3"}


def _configured(plan: Plan) -> None:
    backend = plan.url.get_backend_name()
    options: dict[str, Any] = {"transaction_mode": "IMMEDIATE"} if backend == "sqlite" else {}
    if backend == "mysql":
        import pymysql  # noqa: PLC0415 - only where it is the driver

        known: Any = pymysql
        known.version_info = (2, 2, 8, "final", 0)  # what Django asks mysqlclient for
        pymysql.install_as_MySQLdb()
    settings.configure(
        INSTALLED_APPS=["bench.stale_django", plan.system.removeprefix("django-")],
        USE_TZ=True,
        DATABASES={
            "default": {
                "ENGINE": f"django.db.backends.{_BACKENDS[backend]}",
                "NAME": plan.url.database,
                "HOST": plan.url.host or "",
                "PORT": str(plan.url.port or ""),
                "USER": plan.url.username or "",
                "PASSWORD": plan.url.password or "",
                "OPTIONS": options,
            }
        },
        CACHES={
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": plan.store,
            }
        },
        CACHALOT_TIMEOUT=60,
        CACHEOPS_REDIS=plan.store,
        CACHEOPS={"*.*": {"ops": "all", "timeout": 60}},
    )
    django.setup()


class Django:
    """Counters by the ORM; ``direct`` leaves the cache out."""

    errors: tuple[type[Exception], ...] = (DatabaseError, OSError)
    longest = 0.0

    def __init__(self, plan: Plan, *, mortality: float) -> None:
        _configured(plan)
        from bench.stale_django.models import Counter  # noqa: PLC0415 - it needs the settings

        self._counters: Any = Counter
        self._statements = self._hits = self._others = 0
        connection.execute_wrappers.append(self._noted)
        self._direct: Callable[[], AbstractContextManager[Any]] = nullcontext
        if plan.system == "django-cachalot":
            self._begin_cachalot(mortality)
        else:
            self._begin_cacheops(mortality)

    def _begin_cachalot(self, mortality: float) -> None:
        from cachalot.api import cachalot_disabled  # noqa: PLC0415 - it needs the settings
        from django.core.cache import caches  # noqa: PLC0415 - it needs the settings

        cache: Any = caches["default"]
        cache.set = paused(cache.set, 0.05, 0.0)
        cache.set_many = paused(cache.set_many, 0.3, mortality)
        self._direct = lambda: cachalot_disabled(all_queries=True)

    def _begin_cacheops(self, mortality: float) -> None:
        from cacheops import invalidation, query  # noqa: PLC0415 - it needs the settings

        query.cache_thing = paused(query.cache_thing, 0.05, 0.0)
        script = invalidation.load_script
        invalidation.load_script = lambda name, *rest: paused(script(name, *rest), 0.3, mortality)

    def _noted(self, execute: Any, *arguments: Any) -> Any:
        self._statements += 1
        return execute(*arguments)

    def read(self, counter: int, way: int, *, direct: bool) -> int:
        del way
        before = self._statements
        found = self._counters.objects.filter(id=counter)
        if direct and hasattr(found, "nocache"):
            found = found.nocache()
        with self._direct() if direct else nullcontext():
            value: int = next(iter(found)).value
        if not direct:
            hit = self._statements == before
            self._hits += hit
            self._others += not hit
        return value

    def write(self, counter: int) -> int:
        way = random.randrange(7)
        with transaction.atomic():
            row = self._fresh(counter)
            if way == 1:
                with suppress(Undone), transaction.atomic():
                    self._undone(self._fresh(counter))
            if way == 2:
                self._undone(row)
            row.value += 1
            row.save()
            value: int = row.value
        return value

    def _fresh(self, counter: int) -> Any:
        with self._direct():
            found = self._counters.objects.select_for_update().filter(id=counter)
            return next(iter(found.nocache() if hasattr(found, "nocache") else found))

    def _undone(self, row: Any) -> None:
        row.value = NONSENSE
        row.save()
        raise Undone

    def figures(self) -> tuple[int, int]:
        return self._hits, self._others
