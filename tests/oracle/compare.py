"""Compares what a run delivered with what the oracle expects; a finding is an AssertionError."""

import canonical
import numpy as np
import pyarrow as pa


def check_run(job, expected, run):
    """Batches, keys, rows, order and counts: the promises of a run, one after the other."""
    starts = _check_batches(job, expected, run)
    for table, want in zip(job.tables, expected.tables, strict=True):
        try:
            _check_table(want, _whole_batches(run, table.name), starts)
        except AssertionError as error:
            raise AssertionError(f"table {table.name!r}: {error}") from None
    _check_totals(job, expected, run)


def _check_batches(job, expected, run):
    """Where each batch starts among the keys of the run, and the end."""
    # A key above max_bytes continues in batches of its own: together they count as one.
    lines = [line for line in run.batches if not line.get("continued")]
    assert all(
        line["keys"] == 1 and line["first_key"] == before["first_key"] and before["keys"] == 1
        for before, line in zip(run.batches, run.batches[1:], strict=False)
        if line.get("continued")
    ), "a continued batch holds another key"
    sizes = [line["keys"] for line in lines]
    if job.max_bytes is None:
        whole, rest = divmod(expected.num_keys, job.max_keys)
        want = [job.max_keys] * whole + ([rest] if rest else [])
        assert sizes == want, f"keys a batch: {sizes[:5]}, expected {want[:5]}"
    assert all(1 <= size <= job.max_keys for size in sizes), f"keys a batch: {sizes[:5]}"
    assert sum(sizes) == expected.num_keys, f"{sum(sizes)} keys, expected {expected.num_keys}"
    starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)
    if expected.keys is not None:
        for line, start, end in zip(lines, starts[:-1], starts[1:], strict=True):
            edges = [tuple(line[edge].values()) for edge in ("first_key", "last_key")]
            want = [expected.keys[start], expected.keys[end - 1]]
            assert edges == want, f"first and last key {edges}, expected {want}"
    return starts


def _whole_batches(run, name):
    """The table's batches, each with those that continue it."""
    batches = []
    for line, rows in zip(run.batches, run.tables[name], strict=True):
        if line.get("continued"):
            batches[-1] = pa.concat_tables([batches[-1], rows])
        else:
            batches.append(rows)
    return batches


def _check_schema(want, got):
    assert got.column_names == want.column_names, (
        f"columns {got.column_names}, expected {want.column_names}"
    )
    for expected, actual in zip(want.schema, got.schema, strict=True):
        types = canonical.logical_type(expected.type), canonical.logical_type(actual.type)
        assert types[0] == types[1], (
            f"column {expected.name!r} has type {types[1]}, expected {types[0]}"
        )


def _row_numbers(columns):
    """Numbers for the rows of the source and of the delivery: equal rows have equal numbers."""
    total = np.zeros(sum(len(part) for part in columns[0]), np.int64)
    for parts in columns:
        code = np.concatenate(parts)
        _, total = np.unique(total * (code.max(initial=0) + 1) + code, return_inverse=True)
    return np.split(total, [len(columns[0][0])])


def _check_table(want, batches, starts):
    # A run without batches still leaves nothing to compare but the number of rows.
    if not batches:
        assert len(want.rows) == 0, f"no batch, but {len(want.rows)} rows are due"
        return
    got = pa.concat_tables(batches)
    _check_schema(want.data, got)
    columns = [
        canonical.codes([want.data.column(name), got.column(name)])
        for name in want.data.column_names
    ]
    source_rows, got_rows = _row_numbers(columns)
    want_rows = source_rows[want.rows]
    got_ranks = _ranks_of(got_rows, want_rows, want.ranks)
    _check_rows_of_batches(batches, want.ranks, got_ranks, starts)
    assert np.array_equal(
        got_rows[np.lexsort((got_rows, got_ranks))], want_rows[np.lexsort((want_rows, want.ranks))]
    ), "the rows of a group differ: one is missing, doubled or of another key"
    for name, (source, delivered) in zip(want.data.column_names, columns, strict=True):
        if name in want.ordered:
            _check_sequence(name, source[want.rows], delivered, want.ranks)


def _ranks_of(got_rows, want_rows, want_ranks):
    """The rank of each delivered row's key. Equal rows have one key, so the row tells it."""
    size = max(got_rows.max(initial=-1), want_rows.max(initial=-1)) + 1
    rank_of_row = np.full(size, -1, np.int64)
    rank_of_row[want_rows] = want_ranks
    ranks = rank_of_row[got_rows]
    strangers = np.flatnonzero(ranks < 0)
    assert len(strangers) == 0, (
        f"{len(strangers)} rows that are not due, the first at {strangers[:1]}"
    )
    return ranks


def _check_rows_of_batches(batches, want_ranks, got_ranks, starts):
    ends = np.searchsorted(want_ranks, starts)
    for index, batch in enumerate(batches):
        due = ends[index + 1] - ends[index]
        assert batch.num_rows == due, f"batch {index} has {batch.num_rows} rows, expected {due}"
    wrong = np.flatnonzero(got_ranks != want_ranks)
    assert len(wrong) == 0, (
        f"row {wrong[0]} of the run belongs to key number {got_ranks[wrong[0]]}, "
        f"expected number {want_ranks[wrong[0]]}"
    )


def _check_sequence(name, want, got, ranks):
    wrong = np.flatnonzero(want != got)
    assert len(wrong) == 0, (
        f"column {name!r} is out of order inside the group of key number {ranks[wrong[0]]}"
    )


def _check_totals(job, expected, run):
    totals = run.totals
    delivered = [len(table.rows) for table in expected.tables]
    assert totals["batches"] == len(run.batches)
    assert totals["keys"] == expected.num_keys
    assert totals["rows"] == sum(delivered)
    for table, want, rows in zip(job.tables, expected.tables, delivered, strict=True):
        got = totals["tables"][table.name]
        numbers = {
            "rows_delivered": rows,
            "null_keys": want.null_keys,
            "keys_without_rows": want.keys_without_rows,
            "rows_read": want.rows_read,
            "orphans": want.orphans,
        }
        # Where the engine filtered by the key set, it alone knows what it left out.
        if got["orphans"] is None:
            del numbers["orphans"], numbers["rows_read"], numbers["null_keys"]
        for name, number in numbers.items():
            assert got[name] == number, (
                f"table {table.name!r}: {name} is {got[name]}, expected {number}"
            )
