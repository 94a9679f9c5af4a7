"""The contenders: programs that deliver a workload's rows, each in a process of its own."""

import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PEERS = Path(__file__).resolve().parent / "peers"

BARE_SCAN = "bare scan"
LIMIT_OFFSET = "LIMIT/OFFSET a batch"


@dataclass(frozen=True)
class Contender:
    name: str
    command: Callable  # (build folder, case) -> the command; `--out DIR` after it writes the rows
    program: str = ""  # that it needs in the build folder
    module: str = ""  # of Python that it needs
    delivers_all: bool = False  # also the rows of keys that were not selected


def _sheaf(strategy: str) -> Callable:
    options = ["--json", "--progress", "never", "--strategy", strategy]
    return lambda build, case: [build / "sheaf", "run", case.job, *options]


def _peer(script: str) -> Callable:
    return lambda build, case: [sys.executable, PEERS / script, case.spec]


CONTENDERS = [
    Contender(BARE_SCAN, lambda build, case: [build / "bare_scan", case.job], "bare_scan"),
    Contender("sheaf, auto", _sheaf("auto"), "sheaf"),
    Contender("sheaf, merge", _sheaf("merge"), "sheaf"),
    Contender("sheaf, partition", _sheaf("partition"), "sheaf"),
    Contender("sheaf, probe", _sheaf("probe"), "sheaf"),
    Contender(
        "DataFusion ORDER BY", _peer("datafusion_sort.py"), module="pyarrow", delivers_all=True
    ),
    Contender(
        "DataFusion ORDER BY, parallel",
        _peer("datafusion_parallel.py"),
        module="pyarrow",
        delivers_all=True,
    ),
    Contender("DuckDB ORDER BY", _peer("duckdb_sort.py"), module="duckdb"),
    Contender("DuckDB list()", _peer("duckdb_nested.py"), module="duckdb"),
    Contender("Polars streaming sort", _peer("polars_sort.py"), module="polars"),
    Contender(
        LIMIT_OFFSET,
        lambda build, case: [build / "limit_offset", case.spec],
        "limit_offset",
    ),
]

# Which of them a workload has.
EVERY_ONE = tuple(contender.name for contender in CONTENDERS)
QUICK = tuple(name for name in EVERY_ONE if name != LIMIT_OFFSET)
GROWTH = (BARE_SCAN, "sheaf, auto", LIMIT_OFFSET)


def lacks(contender: Contender, build: Path) -> str:
    """What the contender needs and is not there; empty if all is."""
    if contender.program and not os.access(build / contender.program, os.X_OK):
        return contender.program
    if contender.module and importlib.util.find_spec(contender.module) is None:
        return contender.module
    return ""
