"""How long operations have been waiting, told by looks at how far everything is written. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from odac_db.buffer.flusher import Targets

MOST = 64
"""Looks that are kept; of more, every second one is let go."""


@dataclass
class Ages:
    """``since``: nothing that came before has been waiting any more, as far as is known."""

    since: float
    _looks: list[tuple[float, Targets]] = field(default_factory=list)

    def look(self, now: float, ends: Targets) -> None:
        """Notes how far everything is written at this moment."""
        if len(self._looks) >= MOST:
            del self._looks[1::2]
        self._looks.append((now, ends))

    def applied(self, now: float, reached: Callable[[Targets], bool], pending: int) -> None:
        """Moves ``since`` to the last look at which everything written is applied by now."""
        if not pending:
            self._looks.clear()
            self.since = now
        while self._looks and reached(self._looks[0][1]):
            self.since = self._looks.pop(0)[0]
