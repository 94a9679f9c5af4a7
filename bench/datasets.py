"""The data of the workloads: one folder a dataset and size, one folder a table in it, made once."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent


class Missing(Exception):
    """What a dataset or contender needs is not installed."""


def _otel(order: str) -> Callable[[Path, int, Path], None]:
    """The example's tables: P, logs, R and S."""

    def make(folder: Path, ids: int, root: Path) -> None:
        generate = ROOT / "examples" / "otel" / "generate.py"
        command = [sys.executable, generate, "--ids", str(ids), "--order", order, "--out", folder]
        subprocess.run(command, check=True)

    return make


def _rewritten(dataset: str, columns: dict[str, str]) -> Callable[[Path, int, Path], None]:
    """Another dataset's rows in their order; `SELECT` says what of a table, "*" of all others."""

    def make(folder: Path, ids: int, root: Path) -> None:
        for table in sorted(prepare(dataset, ids, root).iterdir()):
            (folder / table.name).mkdir(parents=True)
            select = columns.get(table.name, columns["*"])
            duckdb.execute(
                f"""COPY (SELECT {select} FROM read_parquet('{table}/*.parquet') AS t)
                TO '{folder / table.name / "part-00.parquet"}'
                (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 262144)"""
            )

    return make


def _tpch(folder: Path, ids: int, root: Path) -> None:
    """Orders, their items and customers, in TPC-H's order. Scale 1 has 1,500,000 orders."""
    program = shutil.which("tpchgen-cli")
    if program is None:
        raise Missing("tpchgen-cli is not installed: tools/bench.sh does it")
    scale = ["--scale-factor", str(ids / 1_000_000), "--parts", "1"]
    what = ["--tables", "orders,lineitem,customer", "--output-dir", folder, "--quiet"]
    subprocess.run([program, "parquet", *scale, *what], check=True)


# Name: how it is made. A million ids are scale 1 of TPC-H.
DATASETS = {
    "clustered": _otel("clustered"),
    "shuffled": _otel("shuffled"),
    "string-keys": _rewritten("shuffled", {"*": "* REPLACE (printf('user-%012x', id) AS id)"}),
    "composite-key": _rewritten(
        "shuffled", {"*": "id % 1000 AS tenant, * REPLACE (id // 1000 AS id)"}
    ),
    # One key gets 2 of 19 rows of logs, R and S, which is 10 % of all rows.
    "hot-key": _rewritten(
        "shuffled",
        {"*": "* REPLACE (CASE WHEN hash(t) % 19 < 2 THEN 7 ELSE id END AS id)", "P": "*"},
    ),
    "tpch": _tpch,
}


def prepare(dataset: str, ids: int, root: Path) -> Path:
    """The folder of a dataset of this size; makes it where it is absent."""
    folder = root / "data" / f"{dataset}-{ids}"
    if not folder.exists():
        print(f"making data: {dataset}, {ids} ids", file=sys.stderr)
        unfinished = folder.with_suffix(".partial")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        DATASETS[dataset](unfinished, ids, root)
        unfinished.rename(folder)
    return folder
