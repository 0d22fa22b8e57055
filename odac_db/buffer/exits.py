"""The ends of a process that leave time for a last flush.

What ends without one, as by kill -9, loses nothing: the journal is adopted by another
process.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from typing import Any


def watch(close: Callable[[], None]) -> None:
    """Calls ``close`` at the end of multiprocessing's children, and makes SIGTERM an ordinary
    exit where nobody has said what it is to be."""
    utilities: Any = sys.modules.get("multiprocessing.util")
    if utilities is not None and _is_child():
        utilities.Finalize(None, close, exitpriority=0)  # they leave without atexit
    here = threading.current_thread() is threading.main_thread()
    if here and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminated)


def _is_child() -> bool:
    processes: Any = sys.modules.get("multiprocessing.process")
    return processes is not None and processes.parent_process() is not None


def _terminated(number: int, frame: object) -> None:  # noqa: ARG001
    """Leaves by way of ``finally`` and ``atexit``; a second signal ends at once."""
    signal.signal(number, signal.SIG_DFL)
    raise SystemExit(128 + number)
