"""What a job must deliver, worked out by DuckDB from the same files, independently of sheaf."""

import re
from dataclasses import dataclass

import canonical
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from job_files import location_of
from random_job import FILTER_COLUMN


@dataclass
class ExpectedTable:
    """One table: `data` as its query delivers it, and which of its rows come, in order."""

    data: pa.Table
    rows: np.ndarray  # rows of data, in delivery order (ties as they fall)
    ranks: np.ndarray  # of each of these rows: its key's number in the whole run
    ordered: list  # names of columns whose sequence is promised inside a group
    rows_read: int
    null_keys: int
    orphans: int
    keys_without_rows: int


@dataclass
class Expected:
    num_keys: int
    keys: list | None  # all of them, where JSON holds them as they are
    tables: list


def read_files(folder, index, table):
    """All rows of a table's files."""
    location = folder / location_of(table, index)
    paths = sorted(location.iterdir()) if location.is_dir() else [location]
    read = pq.read_table if table.file_format == "parquet" else _read_ipc
    return pa.concat_tables([read(path) for path in paths])


def _read_ipc(path):
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def _scales(job):
    """For each key part the decimal places that its tables share."""
    scales = []
    for part in range(len(job.kinds)):
        types = [table.data.schema.field(table.key[part]).type for table in job.tables]
        scales.append(max((t.scale for t in types if pa.types.is_decimal(t)), default=None))
    return scales


def tie_columns(table):
    """Columns that settle ties, left to right, up to the first whose order is not promised.

    Rows of one group have equal keys; only of a float key there are two zeros and several NaNs.
    """
    used = {term.column for term in table.order_by}
    found = []
    for column in table.columns:
        t = table.data.schema.field(column).type
        if (
            pa.types.is_list(t)
            or pa.types.is_struct(t)
            or (column in table.key and pa.types.is_floating(t))
        ):
            break
        if column not in used and column not in table.key:
            found.append(column)
    return found


class Oracle:
    """Works out one job. Reuses one DuckDB connection: opening one costs more than a small job."""

    def __init__(self):
        self.db = duckdb.connect()
        self.db.execute("SET threads = 1")

    def expect(self, job, folder):
        scales = _scales(job)
        sources = [read_files(folder, index, table) for index, table in enumerate(job.tables)]
        for index, (table, source) in enumerate(zip(job.tables, sources, strict=True)):
            self._load(f"c{index}", job, table, source, scales)
        self._rank_keys(job)
        expected = [
            self._expect_table(job, f"c{index}", table, source)
            for index, (table, source) in enumerate(zip(job.tables, sources, strict=True))
        ]
        (num_keys,) = self._one_row("SELECT count(*) FROM ranked")
        return Expected(num_keys, self._keys(job), expected)

    def _keys(self, job):
        if not all(
            re.fullmatch("int[0-9]+|uint(8|16|32)|utf8|bool", kind.name) for kind in job.kinds
        ):
            return None
        parts = ", ".join(f"k{part}" for part in range(len(job.kinds)))
        return self.db.execute(f"SELECT {parts} FROM ranked ORDER BY rank").fetchall()

    def _one_row(self, sql):
        # fetchall, as DuckDB wants a result read to its end before the next.
        return self.db.execute(sql).fetchall()[0]

    def _load(self, name, job, table, source, scales):
        """A DuckDB table of the rows that pass: number, comparable keys k0.., order columns o0.."""
        columns = {"row": pa.array(np.arange(source.num_rows))}
        selected = ["row"]

        def add(column, alias, scale):
            values, sql = canonical.comparable(source.column(column), scale)
            columns[alias] = values
            selected.append(f"{sql.format(alias)} AS {alias}")

        for part, column in enumerate(table.key):
            add(column, f"k{part}", scales[part])
        order = [term.column for term in table.order_by]
        order += tie_columns(table) if job.ties == "fixed" else []
        for index, column in enumerate(order):
            t = source.schema.field(column).type
            add(column, f"o{index}", t.scale if pa.types.is_decimal(t) else None)
        columns["f"] = source.column(FILTER_COLUMN)
        where = ""
        if table.filter:
            where = f"WHERE f {table.filter.op} {table.filter.value}"
        self.db.register("loading", pa.table(columns))
        self.db.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS "
            f"SELECT {', '.join(selected)} FROM loading {where}"
        )
        self.db.unregister("loading")

    def _rank_keys(self, job):
        parts = [f"k{part}" for part in range(len(job.kinds))]
        keys, present = ", ".join(parts), " AND ".join(f"{part} IS NOT NULL" for part in parts)
        union = " UNION ".join(
            f"SELECT {keys} FROM c{index} WHERE {present}"
            for index, table in enumerate(job.tables)
            if table.selects
        )
        self.db.execute(
            f"CREATE OR REPLACE TEMP TABLE ranked AS "
            f"SELECT {keys}, row_number() OVER (ORDER BY {keys}) - 1 AS rank "
            f"FROM (SELECT DISTINCT {keys} FROM ({union}))"
        )

    def _expect_table(self, job, name, table, source):
        parts = [f"k{part}" for part in range(len(job.kinds))]
        terms = ["rank"]
        for index, term in enumerate(table.order_by):
            nulls = "FIRST" if term.nulls_first else "LAST"
            terms.append(f"o{index} {'DESC' if term.descending else 'ASC'} NULLS {nulls}")
        ties = tie_columns(table) if job.ties == "fixed" else []
        terms += [f"o{len(table.order_by) + index} ASC NULLS LAST" for index in range(len(ties))]
        joined = self.db.execute(
            f"SELECT row, rank FROM {name} JOIN ranked USING ({', '.join(parts)}) "
            f"ORDER BY {', '.join(terms)}"
        ).fetchnumpy()
        any_null = " OR ".join(f"{part} IS NULL" for part in parts)
        rows_read, null_keys = self._one_row(
            f"SELECT count(*), count(*) FILTER (WHERE {any_null}) FROM {name}"
        )
        (num_keys,) = self._one_row("SELECT count(*) FROM ranked")
        ranks = np.asarray(joined["rank"], np.int64)
        return ExpectedTable(
            data=source.select(table.columns),
            rows=np.asarray(joined["row"], np.int64),
            ranks=ranks,
            ordered=[term.column for term in table.order_by] + ties,
            rows_read=rows_read,
            null_keys=null_keys,
            orphans=rows_read - null_keys - len(ranks),
            keys_without_rows=num_keys - len(np.unique(ranks)),
        )
