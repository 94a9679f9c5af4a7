"""The workloads: what is asked of which rows, in which order they lie, and the memory for it."""

import json
from dataclasses import dataclass
from pathlib import Path

from contenders import EVERY_ONE, GROWTH, QUICK
from datasets import prepare

BATCH_KEYS = 65_536


@dataclass(frozen=True)
class Query:
    name: str
    sql: str
    order_by: tuple[str, ...] = ()


def _all_of(table: str) -> Query:
    return Query(table, f'SELECT * FROM "{table}"')


def _otel(*key: str, where: str = "") -> tuple[Query, ...]:
    """The queries of examples/otel/job.toml; A comes first, since it selects."""
    selecting = f"""SELECT {", ".join(key)}, timestamp_unix_nano AS timestamp, severity_number,
  body, trace_id FROM logs
WHERE timestamp_unix_nano >= 1695024000000000000 AND severity_number >= 17{where}"""
    return (Query("A", selecting, ("timestamp",)), *map(_all_of, "PRS"))


OTEL = _otel("id")
# 1 % of the ids: each has two traces, whose numbers are even over their range.
SELECTIVE = _otel("id", where=" AND trace_id < '0148'")
COMPOSITE = _otel("tenant", "id")
TPCH = (
    Query(
        "A",
        """SELECT l_orderkey AS orderkey, l_linenumber, l_partkey, l_quantity, l_extendedprice,
  l_shipdate FROM lineitem WHERE l_shipdate >= DATE '1995-01-01' AND l_returnflag = 'N'""",
        ("l_linenumber",),
    ),
    Query(
        "P",
        """SELECT o_orderkey AS orderkey, o_orderstatus, o_totalprice, o_orderdate, o_comment
FROM orders""",
    ),
    Query(
        "C",
        """SELECT o_orderkey AS orderkey, c_custkey, c_name, c_address, c_phone
FROM orders JOIN customer ON o_custkey = c_custkey""",
    ),
)


@dataclass(frozen=True)
class Workload:
    name: str
    data: str  # of datasets.DATASETS
    queries: tuple[Query, ...]  # the first one selects the keys
    times: float = 1  # so many times the ids of --ids
    memory: str = "2GiB"
    key: tuple[str, ...] = ("id",)
    declared: bool = False  # engines are told that the files are in key order
    contenders: tuple[str, ...] = QUICK
    default: bool = False  # of `make bench` without a choice


WORKLOADS = [
    Workload("clustered-declared", "clustered", OTEL, declared=True, default=True),
    Workload("clustered", "clustered", OTEL, default=True),
    Workload("shuffled-x0.25", "shuffled", OTEL, times=0.25, contenders=GROWTH, default=True),
    Workload("shuffled-x0.5", "shuffled", OTEL, times=0.5, contenders=GROWTH, default=True),
    Workload("shuffled", "shuffled", OTEL, contenders=EVERY_ONE, default=True),
    Workload("shuffled-256MiB", "shuffled", OTEL, memory="256MiB", default=True),
    Workload("selective", "shuffled", SELECTIVE, default=True),
    Workload("tpch", "tpch", TPCH, key=("orderkey",)),
    Workload("string-keys", "string-keys", OTEL),
    Workload("string-keys-256MiB", "string-keys", OTEL, memory="256MiB"),
    Workload("composite-key", "composite-key", COMPOSITE, key=("tenant", "id")),
    Workload("hot-key", "hot-key", OTEL),
    Workload("hot-key-256MiB", "hot-key", OTEL, memory="256MiB"),
    Workload("shuffled-x4-512MiB", "shuffled", OTEL, times=4, memory="512MiB"),
    Workload("shuffled-x4-256MiB", "shuffled", OTEL, times=4, memory="256MiB"),
    Workload("clustered-declared-x10", "clustered", OTEL, times=10, declared=True),
    Workload("clustered-x10", "clustered", OTEL, times=10),
    Workload("shuffled-x10", "shuffled", OTEL, times=10),
    Workload("shuffled-x10-256MiB", "shuffled", OTEL, times=10, memory="256MiB"),
    Workload("tpch-x10", "tpch", TPCH, times=10, key=("orderkey",)),
    Workload("tpch-x10-256MiB", "tpch", TPCH, times=10, memory="256MiB", key=("orderkey",)),
]


@dataclass(frozen=True)
class Case:
    """A workload with its data, as files: a job for sheaf, JSON for the peers."""

    workload: Workload
    ids: int
    job: Path
    spec: Path


def make_case(workload: Workload, ids: int, root: Path) -> Case:
    """Makes the data where it is absent, and writes both files below `root`."""
    ids = round(ids * workload.times)
    data = prepare(workload.data, ids, root)
    stem = root / f"{workload.name}-{ids}"
    case = Case(workload, ids, stem.with_suffix(".toml"), stem.with_suffix(".json"))
    tables = {folder.name: str(folder) for folder in sorted(data.iterdir())}
    setup = _statements(workload, tables)
    case.job.write_text(_job(workload, setup))
    scratch = root / "scratch"
    scratch.mkdir(exist_ok=True)
    spec = {
        "key": workload.key,
        "max_keys": BATCH_KEYS,
        "memory": int(workload.memory[:-3]) * {"MiB": 2**20, "GiB": 2**30}[workload.memory[-3:]],
        "tables": tables,
        "setup": setup,
        "queries": [{"name": query.name, "sql": query.sql} for query in workload.queries],
        "scratch": str(scratch),
    }
    case.spec.write_text(json.dumps(spec, indent=1))
    return case


def _statements(workload: Workload, tables: dict[str, str]) -> list[str]:
    """What tells DataFusion where the tables are."""
    order = ", ".join(f"{column} ASC" for column in workload.key)
    order = f"WITH ORDER ({order}) " if workload.declared else ""
    return [
        f"""CREATE EXTERNAL TABLE "{name}" STORED AS PARQUET {order}LOCATION '{folder}/'"""
        for name, folder in tables.items()
    ]


def _job(workload: Workload, setup: list[str]) -> str:
    """The TOML of a job; JSON's texts and lists are TOML's too."""
    lines = ["[engine]", f"setup = {json.dumps(setup)}"]
    lines += ["[batch]", f"key = {json.dumps(workload.key)}", f"max_keys = {BATCH_KEYS}"]
    lines += [f"memory = {json.dumps(workload.memory)}"]
    for query in workload.queries:
        lines += ["[[table]]", f"name = {json.dumps(query.name)}"]
        lines += [f"query = {json.dumps(query.sql)}", f"order_by = {json.dumps(query.order_by)}"]
        lines += ["selects_keys = true"] if query is workload.queries[0] else []
    return "\n".join(lines) + "\n"
