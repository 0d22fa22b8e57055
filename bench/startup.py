"""How long it takes to start: ``odac-db --help`` and ``import odac_db`` beside the unavoidable.

Medians of fresh interpreters, taken in turn so that a busy moment hits all alike.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from statistics import median

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import click": ["-c", "import click"],
    "import sqlalchemy": ["-c", "import sqlalchemy"],
    "import odac_db": ["-c", "import odac_db"],
    "odac-db --help": ["-m", "odac_db.cli", "--help"],
    "odac-db plan --help": ["-m", "odac_db.cli", "plan", "--help"],
}


def seconds(arguments: list[str]) -> float:
    """The wall-clock time of one fresh interpreter."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def measured(rounds: int) -> dict[str, float]:
    """The median seconds of each command; the first round only warms the file cache."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(rounds + 1):
        for name, arguments in COMMANDS.items():
            taken = seconds(arguments)
            if number:
                times[name].append(taken)
    return {name: median(taken) for name, taken in times.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    medians = measured(parser.parse_args().rounds)
    bare, sqlalchemy = medians["python -c pass"], medians["import sqlalchemy"]
    print(f"{'':<22}{'median':>9}{'x pass':>9}{'x sqlalchemy':>14}")
    for name, taken in medians.items():
        print(f"{name:<22}{taken * 1000:>6.0f} ms{taken / bare:>9.1f}{taken / sqlalchemy:>14.2f}")


if __name__ == "__main__":
    main()
