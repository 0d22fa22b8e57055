"""Are cached reads ever stale? Writers and readers as processes, and somebody who breaks things.

    python bench/stale.py --url sqlite:////tmp/stale.db --store redis-server --seconds 60

Writers increment counters in five ways (Core, ORM, text, a cascade, a savepoint that undoes
half), roll back every seventh time after having written nonsense, pause at random between the
steps of the protocol, and are killed with ``kill -9``. Redis is emptied, and killed and started
again with the data of the beginning (``--store redis-server``: a server of this run alone; with
a URL that is only played). Readers read the same counters cached and directly. Every commit and
every read is logged with the machine's monotonic clock, and judged afterwards:

B_stale: a cached read returned less than what a read that had ended before it began had seen.
A_stale: it returned less than what a writer had been told to be committed before it began.
dirty: it returned what was never committed, or a transaction did not see its own writes.
divergent_keys: counters for which the cache has another value than the database at the end.
longest_commit: of all; what is promised stands on its being less than ``--commit-within``.

``--mutant NAME`` breaks the protocol in one way, to show that this program finds it;
``--mutants`` does so with all of them after the run. ``--compare`` runs, after it, what all
systems offer (the ORM's transactions, savepoints and rollbacks; writers are killed, Redis is
not) with odac-db, uncached, and with django-cachalot and django-cacheops.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from bench.mutants import IN_REDIS, MUTANTS
from bench.stale_judge import (
    CACHED,
    COMMITTED,
    DIRECT,
    OVERLOOKED,
    Log,
    Verdict,
    figures_of,
    judged,
    longest_of,
)
from bench.stale_nemesis import Nemesis, OwnRedis, SharedRedis
from bench.stale_site import (
    Odac,
    Overlooked,
    Plan,
    System,
    Undone,
    prepared,
)

COMPARED = ("odac-db", "uncached", "django-cachalot", "django-cacheops")
MUTANT_TRIES = 8
SHORT = 0.6  # seconds


def system_of(plan: Plan, *, mortality: float) -> System:
    if plan.system.startswith("django"):
        from bench.stale_others import Django  # noqa: PLC0415 - extra `bench`

        return Django(plan, mortality=mortality)
    return Odac(plan, mortality=mortality)


def reads(plan: Plan) -> None:
    system, log = system_of(plan, mortality=0.0), Log(plan.directory, "reads")
    while time.monotonic() < plan.until:
        counter, way = random.randrange(plan.counters), random.randrange(4)
        for _ in range(random.randrange(100)):
            direct = random.random() < 0.05
            begun = time.monotonic_ns()
            try:
                found = system.read(counter, way, direct=direct)
            except system.errors:
                continue
            log.write(DIRECT if direct else CACHED, counter, found, begun)
    hits, others = system.figures()
    process = multiprocessing.current_process().pid
    Path(plan.directory, f"figures-{process}").write_text(f"{hits} {others}")


def writes(plan: Plan) -> None:
    system, log = system_of(plan, mortality=plan.mortality), Log(plan.directory, "writes")
    while time.monotonic() < plan.until:
        time.sleep(random.random() * 0.06)
        counter = random.randrange(plan.counters)
        begun = time.monotonic_ns()
        try:
            value = system.write(counter)
        except Overlooked:
            log.write(OVERLOOKED, counter, 0, begun)
            continue
        except Undone:
            continue
        except system.errors:
            continue
        log.write(COMMITTED, counter, value, begun)
        process = multiprocessing.current_process().pid
        Path(plan.directory, f"longest-{process}").write_text(str(system.longest))


def divergent(plan: Plan) -> int:
    """Questions that the cache answers otherwise than the database, when all is quiet."""
    time.sleep(2 * plan.within)
    system = system_of(plan, mortality=0.0)
    wrong = 0
    for counter in range(plan.counters):
        for way in range(4):
            kept = system.read(counter, way, direct=False)
            wrong += kept != system.read(counter, way, direct=True)
    return wrong


@dataclass(frozen=True)
class Run:
    """What the command line says of every run."""

    url: str
    store: str
    seconds: float
    readers: int
    writers: int
    every: float
    within: float = 3.0
    near: bool = False

    def played(self, *, system: str = "odac-db", mutant: str | None = None, plain: bool) -> Verdict:
        """One run, judged and told. Its Redis and its tables are new."""
        url = make_url(self.url)
        prepared(url)
        if system.startswith("django"):
            importlib.import_module("bench.stale_others")  # once, and not in every process
        server = server_of(self.store)
        with tempfile.TemporaryDirectory() as directory:
            plan = Plan(
                url,
                server.url if server is not None else "memory",
                directory,
                time.monotonic() + self.seconds,
                self.within,
                system,
                mutant,
                0.01 / self.every if self.every else 0.0,
                plain,
                self.near,
            )
            nemesis = self._acted(plan, server)
            verdict = judged(directory)
            verdict.divergent = in_a_process(divergent, plan)
            verdict.longest = longest_of(directory)
            hits, others = figures_of(directory)
        if server is not None:
            server.close()
        self._told(plan, verdict, nemesis, hits / max(1, hits + others))
        return verdict

    def _acted(self, plan: Plan, server: OwnRedis | SharedRedis | None) -> Nemesis:
        writing = [started(writes, plan) for _ in range(self.writers)]
        nemesis = Nemesis(plan, server, writing, lambda: started(writes, plan), self.every)
        reading = [started(reads, plan) for _ in range(self.readers)]
        if self.every:
            nemesis.run()
        for process in [*reading, *nemesis.writers]:
            process.join()
        return nemesis

    def _told(self, plan: Plan, verdict: Verdict, nemesis: Nemesis, rate: float) -> None:
        store = "memory" if plan.store == "memory" else "redis near" if plan.near else "redis"
        if plan.system == "uncached":
            store = "no store"
        print(
            f"{plan.url.get_backend_name()} {store} {plan.system} {plan.mutant or 'strict'}: "
            f"reads={verdict.reads} commits={verdict.commits} "
            f"B_stale={verdict.b_stale} A_stale={verdict.a_stale} "
            f"dirty={verdict.dirty} divergent_keys={verdict.divergent} "
            f"hit_rate={rate:.1%} reads_per_second={verdict.reads / self.seconds:.0f} "
            f"longest_commit={verdict.longest:.2f}s "
            f"kills={nemesis.kills} flushes={nemesis.flushes} restarts={nemesis.restarts}",
            flush=True,
        )

    def caught(self, mutant: str, seconds: float) -> bool:
        """Whether what it breaks is seen; it has a few tries, since only chance shows it.

        What only the loss of Redis shows needs it to be lost often. Tokens are short, or most of
        the time nobody could store anything after a kill.
        """
        often = 0.1 if mutant in IN_REDIS else 0.5
        shorter = replace(self, seconds=seconds, every=often, within=SHORT)
        tries = (shorter.played(mutant=mutant, plain=False) for _ in range(MUTANT_TRIES))
        return any(verdict.is_wrong for verdict in tries)


def server_of(store: str) -> OwnRedis | SharedRedis | None:
    if store == "memory":
        return None
    return SharedRedis(store) if "://" in store else OwnRedis(store)


def started(work: Callable[[Plan], Any], plan: Plan) -> Any:
    process = multiprocessing.get_context("fork").Process(target=work, args=(plan,))
    process.start()
    return process


def in_a_process(work: Callable[[Plan], int], plan: Plan) -> int:
    """Its answer; what it imports and breaks is its own."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(work, (plan,))


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--url", default=f"sqlite:///{tempfile.gettempdir()}/stale.db")
    options.add_argument("--store", default="memory", help="memory, a URL, or a redis-server")
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--readers", type=int, default=3)
    options.add_argument("--writers", type=int, default=2)
    options.add_argument("--every", type=float, default=1.0, help="seconds between kills, 0: none")
    options.add_argument("--commit-within", type=float, default=3.0, help="seconds")
    options.add_argument("--near", action="store_true", help="with copies in the processes")
    options.add_argument("--mutant", choices=sorted(MUTANTS))
    options.add_argument("--mutants", action="store_true", help="all of them, after the run")
    options.add_argument("--mutant-seconds", type=float, default=4)
    options.add_argument("--compare", action="store_true", help="with others, after the run")
    given = options.parse_args()
    run = Run(
        given.url,
        given.store,
        given.seconds,
        given.readers,
        given.writers,
        given.every,
        given.commit_within,
        given.near,
    )
    wrong = run.played(mutant=given.mutant, plain=False).is_wrong
    if given.compare:
        slower = replace(run, every=run.every * 5)  # some of them take long to start
        verdicts = [slower.played(system=system, plain=True) for system in COMPARED]
        wrong = wrong or any(verdict.is_wrong for verdict in verdicts[:2])
    if given.mutants:
        known = [name for name in MUTANTS if given.store != "memory" or name not in IN_REDIS]
        missed = [name for name in known if not run.caught(name, given.mutant_seconds)]
        print(f"mutants: {len(known) - len(missed)} of {len(known)} caught {' '.join(missed)}")
        wrong = wrong or bool(missed)
    sys.exit(wrong)


if __name__ == "__main__":
    main()
