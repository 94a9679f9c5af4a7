"""A run that ends in its midst, in each strategy and while it spills, leaves nothing behind."""

import resource
import signal
import time

import numpy as np
import pyarrow as pa
import pytest
from refusal import assert_nothing_looks_complete, refused
from simple_job import write_job
from small_disk import small_disk

KEYS = 200_000
# So little that rows go to disk: those of the engine's sorts in merge, sheaf's own in the others.
MEMORY = {"merge": "64MiB", "partition": "16MiB", "probe": "48MiB"}

each_strategy = pytest.mark.parametrize("strategy", MEMORY)


def shuffled(rows_a_key, seed):
    rng = np.random.default_rng(seed)
    ids = rng.permutation(np.repeat(np.arange(KEYS), rows_a_key))
    columns = {name: rng.integers(0, 2**60, len(ids)) for name in ("a", "b", "c", "d")}
    return pa.table({"id": ids, **columns})


def write(folder, strategy, max_keys, query='SELECT * FROM "R"'):
    batch = {"strategy": strategy, "memory": MEMORY[strategy], "max_keys": max_keys}
    tables = {"A": shuffled(1, 1), "R": shuffled(7, 2)}
    return write_job(folder, tables, fields={"R": {"query": query}}, batch=batch)


@each_strategy
def test_a_failing_query(sheaf, tmp_path, strategy):
    failing = f'SELECT *, 10 / (id - {KEYS // 2}) AS ratio FROM "R"'
    write(tmp_path, strategy, KEYS // 4, failing)
    refused(sheaf, tmp_path, 1, 'table "R"', "ivide by zero")


@each_strategy
@pytest.mark.parametrize("variable", ["TMPDIR", "SHEAF_SPILL_DIR"])
def test_a_full_disk_for_what_is_beyond_memory(sheaf, tmp_path, strategy, variable):
    write(tmp_path, strategy, KEYS // 2)
    with small_disk(tmp_path / "full", 1000) as full:
        words = ("o space left on device", full, "another directory")
        line = refused(sheaf, tmp_path, 1, *words, env={variable: str(full)})
        assert not list(full.rglob("*")), line


@each_strategy
def test_a_folder_for_what_is_beyond_memory_that_is_none(sheaf, tmp_path, strategy):
    write(tmp_path, strategy, KEYS // 2)
    nowhere = tmp_path / "not" / "there"
    refused(sheaf, tmp_path, 1, nowhere, "o such file", env={"SHEAF_SPILL_DIR": str(nowhere)})


def test_too_few_files_for_what_is_beyond_memory(sheaf, tmp_path):
    write(tmp_path, "partition", KEYS // 2)
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
    line = refused(sheaf, tmp_path, 1, "Too many open files", "ulimit -n", preexec_fn=few)
    assert "space" not in line


@each_strategy
@pytest.mark.parametrize("batches", [0, 1])
def test_an_interrupt(sheaf, tmp_path, strategy, batches):
    job = write(tmp_path, strategy, KEYS // 8)
    spill = tmp_path / "temporary"
    spill.mkdir()
    run = sheaf.start("run", job, env={"TMPDIR": str(spill)})
    while not (tmp_path / "out" / "manifest.json").exists():
        assert run.poll() is None
        time.sleep(0.001)
    for _ in range(batches):
        assert run.stdout.readline().startswith(b"batch ")
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert (run.returncode, err) == (130, b"sheaf: error: interrupted\n")
    assert_nothing_looks_complete(tmp_path / "out")
    assert not list(spill.rglob("*"))
