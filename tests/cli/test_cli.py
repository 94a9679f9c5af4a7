"""The command line as its users meet it: what is printed where, and with which exit code."""

import json
import os
import re
import resource

import jobs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

LAST_LINE = r"{} {} batches, {} keys, {} rows in \d+\.\d\d s"


def one_error(result, code):
    """The message of a failure, which is one line on standard error."""
    assert result.code == code, result
    assert result.err.count("\n") == 1 and result.err.startswith("sheaf: error: "), result.err
    return result.err.removeprefix("sheaf: error: ").rstrip("\n")


def test_a_run_prints_a_line_a_batch_a_last_line_and_the_report_on_the_data(sheaf, tmp_path):
    result = sheaf.run("run", jobs.write(tmp_path, jobs.SMALL))
    assert result.code == 0, result.err
    *batches, last = result.out.splitlines()
    assert batches == [
        "batch 0: 4 keys, 15 rows  A 12  P 3",
        "batch 1: 4 keys, 16 rows  A 12  P 4",
        "batch 2: 2 keys, 8 rows  A 6  P 2",
    ]
    assert re.fullmatch(LAST_LINE.format("completed:", 3, 10, 39), last)
    headings, a, p = result.err.splitlines()
    assert headings.split()[0] == "table" and headings.endswith("  max")
    assert a.split() == "A 30 30 0 0 0 0 3 3.00 3 3 3".split()
    assert p.split() == "P 11 9 2 0 0 1 0 0.90 1 1 1".split()


def test_json_prints_an_object_a_line_and_nothing_else(sheaf, tmp_path):
    result = sheaf.run("run", jobs.write(tmp_path, jobs.SMALL), "--json", "--strategy", "merge")
    assert result.code == 0 and result.err == ""
    *batches, last = map(json.loads, result.out.splitlines())
    assert batches[0] == {
        "event": "batch",
        "index": 0,
        "keys": 4,
        "rows": 15,
        "tables": {"A": 12, "P": 3},
    }
    assert last.pop("seconds") > 0
    largest = [table["rows_per_key"].pop("largest") for table in last["tables"].values()]
    assert largest == [
        [{"key": {"id": id}, "rows": 3} for id in range(10)],
        [{"key": {"id": id}, "rows": 1} for id in range(1, 10)],
    ]
    assert last == {
        "event": "completed",
        "batches": 3,
        "keys": 10,
        "rows": 39,
        "strategy": "merge",
        "dropped_keys": 0,
        "tables": {
            "A": {
                "rows_read": 30,
                "rows_delivered": 30,
                "orphans": 0,
                "null_keys": 0,
                "duplicates": 0,
                "keys_without_rows": 0,
                "rows_per_key": {"min": 3, "mean": 3.0, "p50": 3, "p99": 3, "max": 3},
            },
            "P": {
                "rows_read": 11,
                "rows_delivered": 9,
                "orphans": 2,
                "null_keys": 0,
                "duplicates": 0,
                "keys_without_rows": 1,
                "rows_per_key": {"min": 0, "mean": 0.9, "p50": 1, "p99": 1, "max": 1},
            },
        },
    }


def test_errors_with_json_are_one_line_on_standard_error_too(sheaf, tmp_path):
    result = sheaf.run("run", jobs.write(tmp_path, "[batch]\nkye = []\n"), "--json")
    assert result.out == ""
    assert 'job.toml:2: unknown field "kye" in [batch]; did you mean "key"?' in one_error(result, 2)


def test_options_change_the_job(sheaf, tmp_path):
    result = sheaf.run(
        "run",
        jobs.write(tmp_path, jobs.SMALL),
        *("--max-keys", "100", "--memory", "64MiB", "--strategy", "merge"),
        *("--set", "table.A.query=SELECT 1 AS id, 2 AS n", "--set", "policy.missing=drop"),
    )
    assert result.code == 0, result.err
    assert result.out.splitlines()[0] == "batch 0: 1 keys, 2 rows  A 1  P 1"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--strategy", "merg"), '"merge"'),
        (("--format", "csv", "--out", "x"), '"parquet"'),
        (("--format", "arrow"), "output.dir is missing"),
        (("--memory", "1MiB"), "16MiB"),
        (("--set", "batch.mx_keys=5"), '"max_keys"'),
        (("--set", "batch.max_keys"), "path="),
        (("--max-keys", "0"), "--max-keys"),
        (("--stop-after", "0"), "--stop-after"),
        (("--from", "x"), "int64"),
        (("--from", "7", "--strategy", "merge"), "probe"),
        (("--progress", "always"), "--progress"),
        (("--resume",), "--resume"),
        (("--out", "-"), '"jsonl" or "arrow"'),
    ],
)
def test_wrong_options_are_usage_errors(sheaf, tmp_path, arguments, word):
    result = sheaf.run("run", jobs.write(tmp_path, jobs.SMALL), *arguments)
    assert word in one_error(result, 2)
    assert result.out == ""


def test_bad_usage_is_one_line(sheaf):
    assert "run" in one_error(sheaf.run("rnu"), 2)
    assert "--help" in one_error(sheaf.run(), 2)


def test_a_run_starts_from_a_key_of_one_column_or_of_several(sheaf, tmp_path):
    job = jobs.write(tmp_path, jobs.SMALL)
    result = sheaf.run("run", job, "--from", "7")
    assert result.out.splitlines()[0] == "batch 0: 3 keys, 12 rows  A 9  P 3", result
    result = sheaf.run("run", job, "--from", "7", "--stop-after", "1", "--max-keys", "2", "--json")
    last = json.loads(result.out.splitlines()[-1])
    assert (last["event"], last["keys"], last["strategy"]) == ("stopped", 2, "probe")
    pairs = jobs.write(tmp_path, jobs.PAIRS, "pairs.toml")
    result = sheaf.run("run", pairs, "--from", '[2, "b"]')
    assert result.out.splitlines()[0] == "batch 0: 4 keys, 4 rows  A 4", result
    assert "JSON list" in one_error(sheaf.run("run", pairs, "--from", "2"), 2)


def test_a_run_with_a_reference_table_starts_from_a_key_too(sheaf, tmp_path):
    linked = """
[[table]]
name = "L"
query = "SELECT value AS id FROM generate_series(0, 9)"
references = { table = "A", columns = ["id"] }
"""
    job = jobs.write(tmp_path, jobs.SMALL + linked)
    result = sheaf.run("run", job, "--from", "7")
    assert result.out.splitlines()[0] == "batch 0: 3 keys, 15 rows  A 9  P 3  L 3", result


def test_paths_in_the_environment_are_relative_to_the_caller(sheaf, tmp_path):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "spill").mkdir()
    job = jobs.write(tmp_path / "jobs", jobs.SMALL)
    driver = os.path.relpath(sheaf.driver, tmp_path)
    environment = {"SHEAF_DATAFUSION_DRIVER": driver, "SHEAF_SPILL_DIR": "spill"}
    result = sheaf.run("run", job, cwd=tmp_path, env=environment)
    assert result.code == 0, result.err
    assert os.listdir(tmp_path / "jobs") == ["job.toml"]


def test_a_broken_policy_has_an_exit_code_of_its_own(sheaf, tmp_path):
    job = jobs.write(tmp_path, jobs.SMALL)
    assert '"P"' in one_error(sheaf.run("run", job, "--set", "policy.missing=error"), 3)


def test_what_the_engine_refuses_is_one_line(sheaf, tmp_path):
    job = jobs.write(tmp_path, jobs.SMALL)
    result = sheaf.run("run", job, "--set", "table.P.query=SELECT id\nFROM\nnowhere")
    assert 'table "P"' in one_error(result, 1)
    assert "nope.toml" in one_error(sheaf.run("run", tmp_path / "nope.toml"), 1)


def test_help_and_version_go_to_standard_output(sheaf):
    for arguments in (("--help",), ("run", "--help"), ("init", "--help")):
        result = sheaf.run(*arguments)
        assert result.code == 0 and result.err == ""
        assert "Usage: sheaf" in result.out and "Examples:" in result.out
    assert re.fullmatch(r"sheaf \d+\.\d+\.\d+\n", sheaf.run("--version").out)


def test_init_writes_a_job_that_runs(sheaf, tmp_path):
    assert sheaf.run("init", cwd=tmp_path).code == 0
    result = sheaf.run("run", "job.toml", cwd=tmp_path)
    assert result.code == 0, result.err
    assert result.out.splitlines()[-1].startswith("completed: 2 batches, ")


def test_init_prints_where_asked_and_never_overwrites(sheaf, tmp_path):
    printed = sheaf.run("init", "-", cwd=tmp_path)
    assert printed.code == 0 and os.listdir(tmp_path) == []
    assert sheaf.run("init", "mine.toml", cwd=tmp_path).code == 0
    assert (tmp_path / "mine.toml").read_text() == printed.out
    (tmp_path / "mine.toml").write_text("precious")
    assert "mine.toml exists" in one_error(sheaf.run("init", "mine.toml", cwd=tmp_path), 1)
    assert (tmp_path / "mine.toml").read_text() == "precious"


def test_explain_reads_no_row_and_tells_sql_executions_and_guarantees(sheaf, tmp_path):
    job = jobs.write(tmp_path, jobs.ENDLESS.replace("[batch]", '[batch]\nstrategy = "merge"'))
    result = sheaf.run("explain", job)
    assert result.code == 0, result.err
    for part in ("strategy merge:", "table A\n", "  runs: once", "a.value * b.value = -1"):
        assert part in result.out
    assert "\nguarantees\n  - " in result.out
    plan = json.loads(sheaf.run("explain", job, "--json").out)
    assert plan["strategy"] == "merge" and plan["guarantees"]
    assert [table["name"] for table in plan["tables"]] == ["A"]


def test_paths_in_a_job_are_relative_to_it_and_out_to_the_caller(sheaf, tmp_path):
    folder = tmp_path / "jobs"
    folder.mkdir()
    pq.write_table(pa.table({"id": [1, 2]}), folder / "a.parquet")
    jobs.write(
        folder,
        """
        [engine]
        setup = ["CREATE EXTERNAL TABLE a STORED AS PARQUET LOCATION 'a.parquet'"]
        [batch]
        key = ["id"]
        [[table]]
        name = "A"
        source = "a"
        selects_keys = true
        [output]
        dir = "own"
        """,
    )
    for extra, out in (((), folder / "own"), (("--out", "given"), tmp_path / "given")):
        result = sheaf.run("run", "jobs/job.toml", *extra, cwd=tmp_path)
        assert result.code == 0, result.err
        assert (out / "_SUCCESS").exists()


def test_dots_in_an_output_path_go_up_from_where_a_link_leads(sheaf, tmp_path):
    job = jobs.write(tmp_path, jobs.SMALL)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "link").symlink_to("deep/er")
    for extra in (("--out", "link/../given"), ("--set", "output.dir=link/../set")):
        result = sheaf.run("run", job, *extra, cwd=tmp_path)
        assert result.code == 0, result.err
    assert sorted(os.listdir(tmp_path / "deep")) == ["er", "given", "set"]
    assert sorted(os.listdir(tmp_path)) == ["deep", "job.toml", "link"]


def test_a_run_of_many_tables_opens_more_files_than_the_soft_limit(sheaf, tmp_path):
    table = """
[[table]]
name = "T{0}"
query = "SELECT value % 1000 AS id, repeat('x', 50) AS text FROM generate_series(1, 20000)"
selects_keys = true
"""
    head = '[batch]\nkey = ["id"]\nmax_keys = 100\nstrategy = "partition"\nmemory = "16MiB"\n'
    job = jobs.write(tmp_path, head + "".join(table.format(i) for i in range(10)))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    result = sheaf.run("run", job, preexec_fn=few)
    assert result.code == 0, result.err


def test_stop_after_ends_a_run_that_is_not_complete(sheaf, tmp_path):
    job = jobs.write(tmp_path, jobs.SMALL)
    result = sheaf.run("run", job, "--stop-after", "2", "--out", tmp_path / "out")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert len(lines) == 3 and re.fullmatch(LAST_LINE.format("stopped after", 2, 8, 31), lines[-1])
    assert not (tmp_path / "out" / "_SUCCESS").exists()
    assert len((tmp_path / "out" / "batches.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("arguments", [("run", "job.toml"), ("--help",), ("init", "-")])
def test_standard_output_that_takes_nothing_is_an_error(sheaf, tmp_path, arguments):
    jobs.write(tmp_path, jobs.SMALL)
    code, err = jobs.run_into_full_disk(sheaf, tmp_path, *arguments)
    assert code == 1
    assert err == "sheaf: error: cannot write to standard output: No space left on device\n"


def test_a_reader_that_goes_away_ends_the_run_with_an_error(sheaf, tmp_path):
    run = sheaf.start("run", jobs.write(tmp_path, jobs.MANY_BATCHES))
    run.stdout.readline()
    run.stdout.close()
    assert run.wait(30) == 1
    assert run.stderr.read().count(b"\n") == 1


def test_logs_go_to_standard_error_from_the_level_that_is_asked_for(sheaf, tmp_path):
    job = jobs.write(tmp_path, jobs.SMALL)
    assert "sheaf: info: strategy: " in sheaf.run("run", job, env={"SHEAF_LOG": "info"}).err
    assert '"info"' in one_error(sheaf.run("run", job, env={"SHEAF_LOG": "inf"}), 2)
