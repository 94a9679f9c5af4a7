"""A slow cogroup in plain Python that writes a run directory as sheaf would.

It shows that the oracle's check passes a right run, and lets tests spoil one to see it caught.
"""

import json
import operator

import canonical
import key_kinds
import pyarrow.parquet as pq
from oracle import tie_columns
from random_job import FILTER_COLUMN

_OPERATORS = {"<": operator.lt, ">=": operator.ge, "=": operator.eq, "<>": operator.ne}


def _values(column):
    """The values of a one-column table; times in nanoseconds, as Python's own end in year 9999."""
    t = column.schema.field(0).type
    tick = key_kinds.tick_ns(t)
    values = column.column(0).combine_chunks()
    if tick is None:
        return values.to_pylist()
    return [
        None if v is None else v * tick for v in values.view(key_kinds.storage_int(t)).to_pylist()
    ]


def _rows(table):
    """(sort key or None where a part is null, row number) for each row that passes the filter."""
    columns = [_values(table.data.select([name])) for name in table.key]
    flags = table.data.column(FILTER_COLUMN).to_pylist()
    for row, parts in enumerate(zip(*columns, strict=True)):
        if table.filter and (
            flags[row] is None or not _OPERATORS[table.filter.op](flags[row], table.filter.value)
        ):
            continue
        yield (None if None in parts else tuple(map(key_kinds.sort_key, parts))), row


def _in_order(table, rows, ties):
    """The rows of a group in the order that the job promises: last term first, sorts are stable."""
    terms = [(term.column, term.descending, term.nulls_first) for term in table.order_by]
    if ties == "fixed":
        terms += [(column, False, False) for column in tie_columns(table)]
    for column, descending, nulls_first in reversed(terms):
        values = _values(canonical.take(table.data.select([column]), rows))
        known = [
            (key_kinds.sort_key(v), row)
            for v, row in zip(values, rows, strict=True)
            if v is not None
        ]
        nulls = [row for v, row in zip(values, rows, strict=True) if v is None]
        known.sort(key=lambda pair: pair[0], reverse=descending)
        known = [row for _, row in known]
        rows = nulls + known if nulls_first else known + nulls
    return rows


def write_run(job, folder):
    """The run directory of a job; batches hold max_keys keys each."""
    read = {table.name: list(_rows(table)) for table in job.tables}
    keys = sorted(
        {key for t in job.tables if t.selects for key, _ in read[t.name] if key is not None}
    )
    folder.mkdir()
    lines = [
        {"index": index, "keys": len(keys[start : start + job.max_keys]), "rows": 0, "tables": {}}
        for index, start in enumerate(range(0, len(keys), job.max_keys))
    ]
    for line in lines:
        start = line["index"] * job.max_keys
        line["first_key"] = _as_json(keys[start])
        line["last_key"] = _as_json(keys[start + line["keys"] - 1])
    totals = {
        table.name: _write_table(job, table, read[table.name], keys, lines, folder)
        for table in job.tables
    }
    (folder / "batches.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in lines), "utf-8"
    )
    manifest = {"tables": [{"name": table.name} for table in job.tables]}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    success = {
        "batches": len(lines),
        "keys": len(keys),
        "rows": sum(total["rows_delivered"] for total in totals.values()),
        "tables": totals,
    }
    (folder / "_SUCCESS").write_text(json.dumps(success), "utf-8")


def _as_json(key):
    """Text is a key by its bytes; other parts are of no interest where JSON can't hold them."""
    values = [
        part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in key
    ]
    numbers = [
        part if isinstance(part, int) else value for part, value in zip(key, values, strict=True)
    ]
    return {str(index): value for index, value in enumerate(numbers)}


def _write_table(job, table, read, keys, lines, folder):
    groups = {key: [] for key in keys}
    orphans = 0
    for key, row in read:
        if key in groups:
            groups[key].append(row)
        elif key is not None:
            orphans += 1
    groups = [_in_order(table, groups[key], job.ties) for key in keys]
    (folder / table.name).mkdir()
    for line in lines:
        start = line["index"] * job.max_keys
        rows = [row for group in groups[start : start + line["keys"]] for row in group]
        name = f"{table.name}/batch-{line['index']:06d}.parquet"
        pq.write_table(canonical.take(table.data.select(table.columns), rows), folder / name)
        size = (folder / name).stat().st_size
        line["rows"] += len(rows)
        line["tables"][table.name] = {"rows": len(rows), "bytes": size, "file": name}
    return {
        "rows_read": len(read),
        "rows_delivered": sum(map(len, groups)),
        "orphans": orphans,
        "null_keys": sum(key is None for key, _ in read),
        "keys_without_rows": sum(not group for group in groups),
    }
