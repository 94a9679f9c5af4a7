"""`--out -`: data on standard output, everything else on standard error."""

import json
import subprocess

import jobs
import pytest
from arrow_stream import run_to_batches


def run(sheaf, folder, *options, job=jobs.SMALL):
    return sheaf.run("run", jobs.write(folder, job), "--out", "-", *options)


def test_json_lines_are_a_document_a_key(sheaf, tmp_path):
    result = run(sheaf, tmp_path, "--format", "jsonl")
    assert result.code == 0
    documents = [json.loads(line) for line in result.out.splitlines()]
    assert [document["key"] for document in documents] == list(range(10))
    assert documents[0] == {"key": 0, "A": [{"id": 0, "n": n} for n in (20, 10, 0)], "P": None}
    assert documents[9]["P"] == {"id": 9}
    lines = result.err.splitlines()
    assert lines[0] == "batch 0: 4 keys, 15 rows  A 12  P 3"
    assert lines[3].startswith("completed: 3 batches, 10 keys, 39 rows in ")


def test_an_arrow_stream_holds_a_record_batch_a_batch(sheaf, tmp_path):
    job = jobs.write(tmp_path, jobs.SMALL)
    batches = run_to_batches(sheaf, job)
    assert [batch.num_rows for batch in batches] == [4, 4, 2]
    assert batches[0].column("P").to_pylist() == [None, {"id": 1}, {"id": 2}, {"id": 3}]
    assert batches[2].column("A").to_pylist()[1] == [{"id": 9, "n": n} for n in (29, 19, 9)]


def test_with_json_the_lines_of_batches_are_json_on_standard_error(sheaf, tmp_path):
    result = run(sheaf, tmp_path, "--format", "jsonl", "--json")
    assert len(result.out.splitlines()) == 10
    events = [json.loads(line)["event"] for line in result.err.splitlines()]
    assert events == ["batch", "batch", "batch", "completed"]


@pytest.mark.parametrize("options", [(), ("--format", "parquet"), ("--format", "nested")])
def test_other_formats_are_usage_errors(sheaf, tmp_path, options):
    result = run(sheaf, tmp_path, *options)
    assert result.code == 2 and result.out == ""
    assert 'standard output takes output.format = "jsonl" or "arrow"' in result.err


@pytest.mark.parametrize("form", ["jsonl", "arrow"])
def test_a_reader_that_has_enough_ends_the_run_quietly(sheaf, tmp_path, form):
    job = jobs.write(tmp_path, jobs.MANY_BATCHES)
    reading = sheaf.start("run", job, "--out", "-", "--format", form)
    assert reading.stdout.read(100)
    reading.stdout.close()
    *batches, last, _, _ = reading.stderr.read().decode().splitlines()
    assert reading.wait(30) == 0
    assert last.startswith(f"stopped after {len(batches)} batches, ")
    assert all(line.startswith("batch ") for line in batches)


def test_a_full_disk_is_an_error(sheaf, tmp_path):
    jobs.write(tmp_path, jobs.SMALL)
    code, err = jobs.run_into_full_disk(
        sheaf, tmp_path, "run", "job.toml", "--out", "-", "--format", "jsonl"
    )
    assert code == 1
    assert err == "sheaf: error: cannot write to standard output: No space left on device\n"


def with_closed(sheaf, redirections, *arguments):
    """The exit code and output of a run whose standard files the shell has closed."""
    shell = ["sh", "-c", f'exec "$0" "$@" {redirections}', sheaf.path, *map(str, arguments)]
    done = subprocess.run(shell, env=sheaf.environment(), capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("redirections", ["2>&-", "2>/dev/full"])
def test_without_standard_error_the_exit_code_tells(sheaf, tmp_path, redirections):
    job = jobs.write(tmp_path, jobs.SMALL)
    assert with_closed(sheaf, redirections, "run", tmp_path / "none.toml") == (1, "", "")
    assert with_closed(sheaf, redirections, "run", job, "--no-such") == (2, "", "")
    assert with_closed(sheaf, redirections, "run", job, "--set", "policy.missing=error")[0] == 3
    code, out, _ = with_closed(sheaf, redirections, "run", job, "--out", "-", "--format", "jsonl")
    assert code == 0 and len(out.splitlines()) == 10


def test_files_of_the_run_take_no_place_of_standard_files(sheaf, tmp_path):
    job = jobs.write(tmp_path, jobs.SMALL)
    code, _, err = with_closed(sheaf, "<&- >&-", "run", job, "--out", tmp_path / "out")
    assert code == 1
    assert err == "sheaf: error: cannot write to standard output: Bad file descriptor\n"
    assert with_closed(sheaf, "<&- 2>&-", "run", job, "--out", tmp_path / "whole")[0] == 0
    assert (tmp_path / "whole" / "_SUCCESS").exists()


def test_an_error_of_the_data_is_one_line_after_the_batches(sheaf, tmp_path):
    result = run(sheaf, tmp_path, "--format", "jsonl", "--set", "policy.missing=error")
    assert result.code == 3
    assert result.err.splitlines()[-1].startswith('sheaf: error: table "P" has no row')
