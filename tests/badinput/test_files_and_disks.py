"""Broken files and full disks: one line, exit code 1, and nothing that looks whole."""

import os
import resource
import signal

import numpy as np
import pyarrow as pa
import pytest
from refusal import refused
from simple_job import write_job
from small_disk import small_disk


def _noise(count, seed=0):
    # Random numbers: they don't compress, so a file is as large as it looks.
    rng = np.random.default_rng(seed)
    return pa.table({"id": np.arange(count), "n": rng.integers(0, 2**60, count)})


def _overwrite(path, start, data):
    with path.open("r+b") as file:
        file.seek(start)
        file.write(data)


BREAKS = {
    "truncated": lambda path, size: os.truncate(path, size // 2),
    "without its last byte": lambda path, size: os.truncate(path, size - 1),
    "with garbage in a data page": lambda path, size: _overwrite(
        path, size // 3, b"\xa5" * (size // 3)
    ),
    "with garbage in its footer": lambda path, size: _overwrite(path, size - 200, b"\xa5" * 150),
    "of zero bytes": lambda path, size: os.truncate(path, 0),
    "of another kind": lambda path, size: path.write_text("id,n\n1,2\n"),
}


@pytest.mark.parametrize("broken", ["A", "R"])
@pytest.mark.parametrize("break_file", BREAKS.values(), ids=BREAKS.keys())
def test_a_parquet_file_is_refused(sheaf, tmp_path, break_file, broken):
    write_job(tmp_path, {"A": _noise(50_000), "R": _noise(50_000)}, batch={"max_keys": 5000})
    path = tmp_path / f"{broken}.parquet"
    break_file(path, path.stat().st_size)
    # An engine reads a footer where the table is declared, and pages where it is queried.
    place = {"A": "statement 1", "R": "statement 2"}[broken]
    line = refused(sheaf, tmp_path, 1)
    assert f'table "{broken}"' in line or place in line, line


def test_a_file_that_is_missing_is_named(sheaf, tmp_path):
    write_job(tmp_path, {"A": _noise(5), "R": _noise(5)})
    (tmp_path / "R.parquet").unlink()
    refused(sheaf, tmp_path, 1, "R")


def test_an_output_directory_that_is_not_empty_is_left_alone(sheaf, tmp_path):
    write_job(tmp_path, {"A": _noise(5)})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").write_text("precious")
    refused(sheaf, tmp_path, 1, "out", "empty")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["manifest.json"]
    assert (tmp_path / "out" / "manifest.json").read_text() == "precious"


def test_a_second_run_into_a_finished_directory_is_refused(sheaf, tmp_path):
    job = write_job(tmp_path, {"A": _noise(5)})
    assert sheaf.run("run", job).code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    second = sheaf.run("run", job)
    assert second.code == 1 and second.err.startswith("sheaf: error: "), second
    assert {
        path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()
    } == before


def test_an_output_directory_below_a_file_is_refused(sheaf, tmp_path):
    write_job(tmp_path, {"A": _noise(5)}, out="A.parquet/out")
    refused(sheaf, tmp_path, 1, "A.parquet")


def _limit_files(size):
    def limit():
        signal.signal(
            signal.SIGXFSZ, signal.SIG_IGN
        )  # so that a write fails in place of the process
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.mark.parametrize("size", [0, 1000, 100_000, 700_000])
def test_a_disk_that_is_full_ends_the_run_and_leaves_only_whole_batches(sheaf, tmp_path, size):
    # Files grow from batch to batch: a key has as many rows as its number.
    keys = np.repeat(np.arange(600), np.arange(600))
    noise = np.random.default_rng(5).integers(0, 2**60, len(keys))
    write_job(tmp_path, {"A": pa.table({"id": keys, "n": noise})}, batch={"max_keys": 300})
    refused(sheaf, tmp_path, 1, "out", preexec_fn=_limit_files(size))


@pytest.mark.parametrize("format", ["parquet", "arrow"])
@pytest.mark.parametrize("kilobytes", [64, 400, 1000])
def test_a_full_file_system_ends_the_run_and_leaves_only_whole_batches(
    sheaf, tmp_path, kilobytes, format
):
    with small_disk(tmp_path / "small", kilobytes) as small:
        write_job(tmp_path, {"A": _noise(200_000)}, batch={"max_keys": 10_000}, out="small/out")
        args = ("run", tmp_path / "job.toml", "--format", format)
        refused(sheaf, tmp_path, 1, "small/out", args=args, out=small / "out")
