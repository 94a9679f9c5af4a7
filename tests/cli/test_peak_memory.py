"""A run stays inside its memory, also where one key, or one batch, has several times as much as that."""

import json
import random
import subprocess
import sys

import jobs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

MEMORY = 256 << 20
ALLOWANCE = 100 << 20  # for the program itself, and what an engine does not count
HOT_KEY = 5000
HOT_ROWS = 750_000  # of 1,000 bytes: 2.8 times the memory
KEYS = 10_000
ROW_GROUP = 2048  # small: what an engine holds to read one is not what this is about

JOB = """
[engine]
setup = ["CREATE EXTERNAL TABLE a STORED AS PARQUET {order} LOCATION '{folder}/{name}.parquet'"]
[batch]
key = ["id"]
max_keys = 2000
memory = "256MiB"
strategy = "{strategy}"
[[table]]
name = "A"
source = "a"
selects_keys = true
order_by = ["n"]
"""


def _write(path, ids):
    texts = pa.array([f"{i:04d}" * 250 for i in range(1000)])
    schema = pa.schema({"id": pa.int64(), "n": pa.int64(), "body": pa.string()})
    numbers = random.Random(3)
    with pq.ParquetWriter(path, schema) as writer:
        for begin in range(0, len(ids), ROW_GROUP):
            some = ids[begin : begin + ROW_GROUP]
            body = texts.take(pa.array([numbers.randrange(1000) for _ in some]))
            n = pa.array([numbers.randrange(1 << 40) for _ in some])
            writer.write_table(pa.table([pa.array(some), n, body], schema))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hot")
    ids = [*range(HOT_KEY), *([HOT_KEY] * HOT_ROWS), *range(HOT_KEY + 1, KEYS)]
    _write(folder / "clustered.parquet", ids)
    random.Random(7).shuffle(ids)
    _write(folder / "shuffled.parquet", ids)
    return folder


# A process takes over the peak of the one that starts it: so a small one does.
MEASURE = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def _run(sheaf, job, *args):
    """The lines of a run, and the most memory that it held."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, sheaf.path, "run", job, "--json", *map(str, args)],
        env=sheaf.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *lines, peak = done.stdout.splitlines()
    return [json.loads(line) for line in lines], int(peak) * 1024


@pytest.mark.parametrize(
    "strategy, name, order",
    [("partition", "shuffled", ""), ("merge", "clustered", "WITH ORDER (id)")],
)
def test_a_key_of_several_times_the_memory_comes_in_pieces(
    sheaf, folder, tmp_path, strategy, name, order
):
    text = JOB.format(order=order, folder=folder, name=name, strategy=strategy)
    lines, held = _run(sheaf, jobs.write(tmp_path, text))
    assert held < MEMORY + ALLOWANCE, f"{held >> 20} MiB"
    *batches, last = lines
    assert last["keys"] == KEYS and last["rows"] == KEYS - 1 + HOT_ROWS
    assert last["tables"]["A"]["rows_per_key"]["max"] == HOT_ROWS
    first = next(i for i, batch in enumerate(batches) if batch["rows"] > 2000)
    pieces = [batches[first]]
    pieces += [batch for batch in batches if batch.get("continued")]
    assert pieces[1]["index"] == first + 1, "pieces follow each other"
    assert sum(piece["rows"] for piece in pieces) == HOT_ROWS
    most = MEMORY // 8 // 1000
    assert all(piece["keys"] == 1 and piece["rows"] <= most for piece in pieces)
    assert len(pieces) < HOT_ROWS / most * 1.1, "no piece but the last has room for more"


BATCH_KEYS = 150_000  # all in one batch
BATCH_ROWS = 5 * BATCH_KEYS


@pytest.fixture(scope="module")
def batch_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("batch")
    ids = [row // 5 for row in range(BATCH_ROWS)]
    _write(folder / "clustered.parquet", ids)
    random.Random(7).shuffle(ids)
    _write(folder / "shuffled.parquet", ids)
    return folder


ONE_BATCH = ("--max-keys", BATCH_KEYS, "--set", "batch.ties=fixed")


@pytest.mark.parametrize(
    "strategy, name, order",
    [
        ("partition", "shuffled", ""),
        ("merge", "clustered", "WITH ORDER (id)"),
        ("probe", "clustered", "WITH ORDER (id)"),
    ],
)
def test_a_batch_beyond_the_memory_goes_out_in_parts(
    sheaf, batch_folder, tmp_path, strategy, name, order
):
    text = JOB.format(order=order, folder=batch_folder, name=name, strategy=strategy)
    job = jobs.write(tmp_path, text)
    out = tmp_path / "out"
    # In probe the engine reads a range while rows of the one before go out: 290 to 340 MiB.
    allowance = ALLOWANCE if strategy != "probe" else ALLOWANCE * 3 // 2
    for output in ((), ("--out", out)):
        (batch, last), held = _run(sheaf, job, *ONE_BATCH, *output)
        assert held < MEMORY + allowance, f"{held >> 20} MiB"
        assert batch["rows"] == last["rows"] == BATCH_ROWS
        assert batch["keys"] == BATCH_KEYS and last["batches"] == 1
    whole = tmp_path / "whole"
    _run(sheaf, job, *ONE_BATCH, "--memory", "3GiB", "--strategy", "partition", "--out", whole)
    # With checksums: the same bytes as where there is memory enough.
    assert (out / "batches.jsonl").read_text() == (whole / "batches.jsonl").read_text()
