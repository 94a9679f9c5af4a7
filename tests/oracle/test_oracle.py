"""The oracle itself: it passes a right run and finds every way to spoil one.

A slow cogroup in plain Python stands in for sheaf, so that nothing here depends on the program.
"""

import json

import compare
import plain_cogroup
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from job_files import write_job
from oracle import Oracle
from random_job import make_job
from run_directory import read_run


@pytest.fixture(scope="module")
def oracle():
    return Oracle()


def _made(seed, folder, oracle):
    job = make_job(seed)
    job.max_bytes = None  # the stand-in knows only max_keys
    write_job(job, folder)
    return job, oracle.expect(job, folder)


def test_duckdb_and_a_plain_python_cogroup_agree(tmp_path, oracle):
    for seed in range(60):
        folder = tmp_path / str(seed)
        folder.mkdir()
        job, expected = _made(seed, folder, oracle)
        plain_cogroup.write_run(job, folder / "out")
        compare.check_run(job, expected, read_run(folder / "out"))


def _told_apart(job, table):
    """A place where a row and the one before are of one group, and order_by tells them apart."""
    column = job.tables[0].order_by[0].column
    values, ranks, rows = table.data.column(column).to_pylist(), table.ranks, table.rows
    for i in range(1, len(rows)):
        if ranks[i] == ranks[i - 1] and values[rows[i]] != values[rows[i - 1]]:
            return i
    return None


def _suits(job, expected):
    rows = [len(table.rows) for table in expected.tables]
    several = expected.num_keys > 2 * job.max_keys and min(rows) > 10
    return several and _told_apart(job, expected.tables[0]) is not None


@pytest.fixture(scope="module")
def small_seed(tmp_path_factory, oracle):
    """The seed of a job with several batches and an order_by."""
    for seed in range(1000):
        job = make_job(seed)
        if not (3 <= job.max_keys <= 20 and len(job.tables) > 1 and job.tables[0].order_by):
            continue
        if _suits(*_made(seed, tmp_path_factory.mktemp("seed"), oracle)):
            return seed
    raise AssertionError("no seed makes such a job")


@pytest.fixture
def small_run(tmp_path, oracle, small_seed):
    """A job with several batches, and its right run: (job, expected, folder of the run)."""
    job, expected = _made(small_seed, tmp_path, oracle)
    plain_cogroup.write_run(job, tmp_path / "out")
    return job, expected, tmp_path / "out"


def _rewrite_rows(run, name, index, change):
    """Replaces the rows of a file, and what the log says of it."""
    path = run / name / f"batch-{index:06d}.parquet"
    rows = change(pq.ParquetFile(path).read())
    pq.write_table(rows, path)
    lines = [json.loads(line) for line in (run / "batches.jsonl").read_text().splitlines()]
    logged = lines[index]["tables"][name]
    lines[index]["rows"] += rows.num_rows - logged["rows"]
    logged.update(rows=rows.num_rows, bytes=path.stat().st_size)
    (run / "batches.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def _moved(run, name):
    """The last row of batch 0 becomes the first of batch 1."""
    last = []

    def cut(rows):
        last.append(rows.slice(rows.num_rows - 1))
        return rows.slice(0, rows.num_rows - 1)

    _rewrite_rows(run, name, 0, cut)
    _rewrite_rows(run, name, 1, lambda rows: pa.concat_tables([last[0], rows]))


def _edit_json(path, change):
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def _fewer_keys(run):
    lines = (run / "batches.jsonl").read_text().splitlines()
    (run / "batches.jsonl").write_text(
        "\n".join([lines[0].replace('"keys": ', '"keys": 1'), *lines[1:]])
    )


SPOILERS = {
    "a missing row": lambda run, name: _rewrite_rows(run, name, 0, lambda rows: rows.slice(1)),
    "a row twice": lambda run, name: _rewrite_rows(
        run, name, 0, lambda rows: pa.concat_tables([rows.slice(0, 1), rows])
    ),
    "a row in the place of another": lambda run, name: _rewrite_rows(
        run, name, 0, lambda rows: pa.concat_tables([rows.slice(1, 1), rows.slice(1)])
    ),
    "rows in another order": lambda run, name: _rewrite_rows(
        run,
        name,
        0,
        lambda rows: pa.concat_tables([rows.slice(i, 1) for i in range(len(rows))][::-1]),
    ),
    "a row in the next batch": _moved,
    "a missing column": lambda run, name: _rewrite_rows(
        run, name, 0, lambda rows: rows.drop_columns(rows.column_names[:1])
    ),
    "a file that the log does not name": lambda run, name: (
        run / name / "batch-000099.parquet"
    ).touch(),
    "a wrong number of keys in the log": lambda run, name: _fewer_keys(run),
    "a wrong total": lambda run, name: _edit_json(
        run / "_SUCCESS", lambda totals: next(iter(totals["tables"].values())).update(orphans=10**6)
    ),
}


@pytest.mark.parametrize("spoiler", SPOILERS.values(), ids=SPOILERS.keys())
def test_the_check_finds(spoiler, small_run):
    job, expected, run = small_run
    compare.check_run(job, expected, read_run(run))
    spoiler(run, job.tables[0].name)
    with pytest.raises((AssertionError, pa.ArrowInvalid)):
        compare.check_run(job, expected, read_run(run))


def test_the_check_finds_a_group_that_ignores_order_by(small_run):
    job, expected, run = small_run
    table = expected.tables[0]
    at = _told_apart(job, table)
    table.rows = table.rows.copy()
    table.rows[[at - 1, at]] = table.rows[[at, at - 1]]
    with pytest.raises(AssertionError, match="out of order inside the group"):
        compare.check_run(job, expected, read_run(run))
