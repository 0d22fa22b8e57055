"""The counters as a Django application has them."""

from __future__ import annotations

from django.db import models


class Counter(models.Model):  # type: ignore[misc]  # Django has no types
    """A row of the table that ``bench/stale_site.py`` makes."""

    id = models.IntegerField(primary_key=True)
    value = models.IntegerField()

    class Meta:
        db_table = "stale_counters"
        managed = False
