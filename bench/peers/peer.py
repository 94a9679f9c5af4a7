"""What the peers share: the workload they are given, and how they tell what they deliver.

A peer is a program of its own: `PEER WORKLOAD [--out DIR]`. It prints JSON Lines as `sheaf run
--json` does: `ready` once Python and its libraries are loaded, `batch` once rows of every table are
there, and `completed` with the rows of each table. With --out it also writes the rows as Parquet
files, by which bench/digest.py compares contenders.
"""

import argparse
import json
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow
import pyarrow.parquet


def say(event: str, **more) -> None:
    print(json.dumps({"event": event, **more}), flush=True)


class Delivery:
    """Takes the rows that a peer delivers, from one thread a table."""

    def __init__(self, names: Iterable[str], out: Path | None):
        self._rows = dict.fromkeys(names, 0)
        self._out = out
        self._writers: dict[str, pyarrow.parquet.ParquetWriter] = {}
        self._waited_for = set(self._rows)
        self._lock = threading.Lock()

    def add(self, name: str, rows: int, to_arrow: Callable[[], pyarrow.Table]) -> None:
        """Some rows of a table; they are only converted where they are written."""
        self._rows[name] += rows
        if name in self._waited_for:
            with self._lock:
                self._waited_for.remove(name)
                if not self._waited_for:
                    say("batch", index=0)
        if self._out:
            self._write(name, to_arrow())

    def _write(self, name: str, table: pyarrow.Table) -> None:
        if name not in self._writers:
            (self._out / name).mkdir(parents=True)
            path = self._out / name / "rows.parquet"
            self._writers[name] = pyarrow.parquet.ParquetWriter(
                path, table.schema, compression="none", use_dictionary=False
            )
        self._writers[name].write(table)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        say("completed", tables={n: {"rows_delivered": r} for n, r in self._rows.items()})


def main(deliver: Callable[[dict, Delivery], None]) -> None:
    """Runs a peer: `deliver` gets the workload as bench/workloads.py writes it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    workload = json.loads(options.workload.read_text())
    delivery = Delivery([query["name"] for query in workload["queries"]], options.out)
    say("ready")
    try:
        deliver(workload, delivery)
    except Exception as error:  # whatever it is: its first line says what went wrong
        reason, *_ = [*str(error).splitlines(), ""]
        sys.exit(f"{type(error).__name__}: {reason}")
    delivery.close()
