"""Edges: sizes, limits, policies and interruptions, each with the result worked out by hand."""

import json
import math
import signal
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from random_run import duckdb_driver
from run_directory import data_files, logged_files, read_log, read_run
from simple_job import write_job


def table(ids, kind=None, **columns):
    ids = ids if isinstance(ids, (pa.Array, pa.ChunkedArray)) else pa.array(ids, kind or pa.int64())
    return pa.table({"id": ids, **columns})


def delivered(sheaf, job):
    """The finished run of a job, which must succeed."""
    result = sheaf.run("run", job)
    assert result.code == 0, result.err
    return read_run(job.parent / "out"), result


class WithStrategy:
    """The program, told which strategy to take."""

    def __init__(self, sheaf, strategy):
        self.sheaf, self.strategy = sheaf, strategy

    def run(self, *arguments):
        return self.sheaf.run(*arguments, "--strategy", self.strategy)


@pytest.fixture(params=["merge", "partition", "probe"])
def each(request, sheaf):
    """The program in every strategy: what a job promises does not hang on how it is done."""
    return WithStrategy(sheaf, request.param)


def ids(run, name):
    return [value for batch in run.tables[name] for value in batch.column("id").to_pylist()]


def counts(run, name):
    return run.totals["tables"][name]


def keys_a_batch(run):
    return [line["keys"] for line in run.batches]


@pytest.mark.parametrize("rows", [0, 5])
def test_an_empty_selecting_table_makes_no_batch_and_still_completes(each, tmp_path, rows):
    job = write_job(tmp_path, {"A": table([]), "P": table(range(rows))})
    run, result = delivered(each, job)
    assert run.batches == [] and run.totals["batches"] == 0 and run.totals["keys"] == 0
    assert data_files(tmp_path / "out") == []
    assert counts(run, "P")["orphans"] in (rows, None)
    assert result.out.splitlines()[-1].startswith("completed: 0 batches, 0 keys, 0 rows in ")


def test_one_row_makes_one_batch(each, tmp_path):
    run, result = delivered(each, write_job(tmp_path, {"A": table([7])}))
    assert keys_a_batch(run) == [1] and ids(run, "A") == [7]
    assert run.batches[0]["first_key"] == run.batches[0]["last_key"] == {"id": 7}
    first, last = result.out.splitlines()
    assert first == "batch 0: 1 keys, 1 rows  A 1"
    assert last.startswith("completed: 1 batches, 1 keys, 1 rows in ")


def test_one_key_with_two_million_rows_comes_whole_and_in_order(each, tmp_path):
    count = 2_000_000
    order = np.random.default_rng(1).permutation(count)
    rows = table(np.full(count, 3), n=pa.array(order))
    job = write_job(
        tmp_path, {"A": rows, "P": table([2, 3])}, fields={"A": {"order_by": ["n DESC"]}}
    )
    run, _ = delivered(each, job)
    assert keys_a_batch(run) == [1] and ids(run, "P") == [3]
    assert run.tables["A"][0].column("n").to_numpy().tolist() == list(range(count - 1, -1, -1))


LIMITS = {
    "int64": (pa.int64(), [-(2**63), -(2**63) + 1, -1, 0, 1, 2**63 - 2, 2**63 - 1]),
    "uint64": (pa.uint64(), [0, 1, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1]),
    "int8": (pa.int8(), [-128, -1, 0, 127]),
}


@pytest.mark.parametrize(("kind", "values"), LIMITS.values(), ids=LIMITS.keys())
def test_keys_at_the_limits_of_their_type_are_in_order(each, tmp_path, kind, values):
    shuffled = values[1::2] + values[::2]
    tables = {"A": table(shuffled, kind), "R": table(values + values, kind)}
    run, _ = delivered(each, write_job(tmp_path, tables, batch={"max_keys": 2}))
    assert ids(run, "A") == values
    assert ids(run, "R") == sorted(values + values)


def test_rows_whose_key_is_null_are_counted_and_left_out(each, tmp_path):
    nulls = pa.nulls(100, pa.int64())
    run, _ = delivered(each, write_job(tmp_path, {"A": table(nulls), "P": table([1, 2])}))
    assert run.batches == [] and counts(run, "A")["null_keys"] == 100


def test_orphans_at_every_position_are_counted_and_left_out(each, tmp_path):
    selected = [10, 20, 30, 40]
    for name, children in {
        "before all": [1, 2, 10, 20, 30, 40],
        "after all": [10, 20, 30, 40, 41, 99],
        "in every gap": [5, 10, 15, 20, 25, 30, 35, 40, 45],
        "in place of keys": [5, 15, 25, 35, 45],
        "in runs": [9, 9, 9, 10, 11, 11, 11, 20, 39, 39, 40, 40, 41, 41],
    }.items():
        for max_keys in (1, 2, 3, 4):
            folder = tmp_path / f"{name} {max_keys}"
            folder.mkdir()
            job = write_job(
                folder, {"A": table(selected), "R": table(children)}, batch={"max_keys": max_keys}
            )
            run, _ = delivered(each, job)
            assert ids(run, "R") == [child for child in children if child in selected], name
            orphans = sum(child not in selected for child in children)
            assert counts(run, "R")["orphans"] in (orphans, None), name


def test_equal_prefixes_of_composite_keys_are_different_keys(each, tmp_path):
    pairs = [(a, b) for a in (1, 2, 3) for b in ("x", "y", "z")]
    a, b = (pa.array(part) for part in zip(*pairs, strict=True))
    rows = pa.table({"a": a, "b": b})
    job = write_job(
        tmp_path,
        {"A": rows.slice(1, 7), "R": pa.concat_tables([rows, rows])},
        batch={"key": ["a", "b"], "max_keys": 2},
    )
    run, _ = delivered(each, job)
    assert keys_a_batch(run) == [2, 2, 2, 1]
    got = [tuple(row.values()) for batch in run.tables["R"] for row in batch.to_pylist()]
    assert got == [pair for pair in pairs[1:8] for _ in range(2)]


def test_one_key_more_than_fits_makes_a_second_batch(each, tmp_path):
    order = np.random.default_rng(2).permutation(65_537)
    run, _ = delivered(
        each, write_job(tmp_path, {"A": table(order), "R": table(np.repeat(order, 2))})
    )
    assert keys_a_batch(run) == [65_536, 1]
    assert ids(run, "A") == list(range(65_537))
    assert run.tables["R"][1].column("id").to_pylist() == [65_536, 65_536]


def test_max_bytes_ends_a_batch_before_max_keys_does(each, tmp_path):
    text = pa.array(["x" * 1000] * 100)
    job = write_job(
        tmp_path, {"A": table(range(100), text=text)}, batch={"max_bytes": 10_000, "max_keys": 50}
    )
    run, _ = delivered(each, job)
    assert ids(run, "A") == list(range(100))
    assert sum(keys_a_batch(run)) == 100
    assert all(5 <= keys <= 10 for keys in keys_a_batch(run)[:-1]), keys_a_batch(run)


def test_a_key_above_max_bytes_continues_in_flagged_batches(each, tmp_path):
    rows = table([1, 1, 1, 2, 3], n=pa.array([3, 1, 2, 4, 5]))
    job = write_job(
        tmp_path,
        {"A": rows},
        fields={"A": {"order_by": ["n"]}},
        batch={"max_bytes": 32},
    )
    run, result = delivered(each, job)
    assert [batch.column("n").to_pylist() for batch in run.tables["A"]] == [[1, 2], [3], [4, 5]]
    assert [line.get("continued", False) for line in run.batches] == [False, True, False]
    assert run.totals["keys"] == 3
    assert result.out.splitlines()[-1].startswith("completed: 3 batches, 3 keys, 5 rows in ")


def test_a_key_above_max_bytes_may_be_an_error(each, tmp_path):
    job = write_job(
        tmp_path,
        {"A": table([1, 2, 2, 2])},
        batch={"max_bytes": 16},
        policy={"oversize": "error"},
    )
    result = each.run("run", job)
    assert result.code == 3
    assert "id=2" in result.err and 'policy.oversize = "continue"' in result.err


def test_a_key_above_its_part_of_the_memory_continues_too(each, tmp_path):
    rows, text = 6000, "x" * 1000
    numbers = [row * 7 % rows for row in range(rows)]
    hot = table([2] * rows, n=pa.array(numbers), text=pa.array([text] * rows))
    job = write_job(
        tmp_path,
        {"A": table([1, 2, 2, 3]), "R": hot, "P": table([1, 2, 3, 4])},
        fields={"R": {"order_by": ["n"]}, "P": {"rows_per_key": "one"}},
        batch={"memory": "16MiB"},
    )
    run, _ = delivered(each, job)
    assert [line.get("continued", False) for line in run.batches] == [False, False, True, False]
    assert keys_a_batch(run) == [1, 1, 1, 1] and run.totals["keys"] == 3
    assert ids(run, "A") == [1, 2, 2, 3] and ids(run, "P") == [1, 2, 3]
    assert [value for batch in run.tables["R"] for value in batch["n"].to_pylist()] == list(
        range(rows)
    )
    assert counts(run, "R")["rows_per_key"]["max"] == rows


@pytest.mark.parametrize("policy", ["error", "first", "keep"])
def test_a_promise_is_held_against_a_key_above_the_memory(each, tmp_path, policy):
    rows = 6000
    hot = table([2] * rows, n=pa.array(range(rows)), text=pa.array(["x" * 1000] * rows))
    job = write_job(
        tmp_path,
        {"A": table([1, 2, 3]), "R": hot},
        fields={"R": {"order_by": ["n DESC"], "rows_per_key": "one"}},
        batch={"memory": "16MiB"},
        policy={"duplicate": policy, "missing": "drop"},
    )
    if policy == "error":
        result = each.run("run", job)
        assert result.code == 3 and f"{rows} rows for key id=2" in result.err, result.err
        return
    run, _ = delivered(each, job)
    assert set(ids(run, "A")) == {2}
    numbers = [value for batch in run.tables["R"] for value in batch["n"].to_pylist()]
    assert numbers == ([rows - 1] if policy == "first" else list(reversed(range(rows))))


def test_a_key_above_the_memory_may_be_an_error(each, tmp_path):
    hot = table([2] * 6000, text=pa.array(["x" * 1000] * 6000))
    job = write_job(
        tmp_path,
        {"A": hot},
        batch={"memory": "16MiB"},
        policy={"oversize": "error"},
    )
    result = each.run("run", job)
    assert result.code == 3
    assert "id=2" in result.err and "raise batch.memory" in result.err


def _promise(tmp_path, rows, promise="one", **policy):
    return write_job(
        tmp_path,
        {"A": table([1, 2, 3, 4, 5]), "P": rows},
        fields={"P": {"rows_per_key": promise, "order_by": ["n"]}},
        policy=policy,
        batch={"max_keys": 2},
    )


def test_a_key_without_its_one_row_is_kept_unless_said(each, tmp_path):
    run, _ = delivered(each, _promise(tmp_path, table([1, 3, 5], n=pa.array([1, 1, 1]))))
    assert ids(run, "A") == [1, 2, 3, 4, 5] and ids(run, "P") == [1, 3, 5]
    assert counts(run, "P")["keys_without_rows"] == 2


def test_missing_drop_leaves_out_the_keys_without_their_one_row(each, tmp_path):
    job = _promise(tmp_path, table([1, 3, 5], n=pa.array([1, 1, 1])), missing="drop")
    run, _ = delivered(each, job)
    assert ids(run, "A") == [1, 3, 5] and ids(run, "P") == [1, 3, 5]
    assert keys_a_batch(run) == [2, 1], "a batch still holds max_keys keys"
    assert run.totals["keys"] == 3


@pytest.mark.parametrize(
    ("rows", "promise", "policy", "words"),
    [
        ([1, 2, 3, 5], "one", {"missing": "error"}, ["no row", "4"]),
        ([1, 2, 3, 4, 4, 5], "one", {}, ["2 rows", "4"]),
        ([1, 4, 4, 4], "at_most_one", {}, ["3 rows", "4"]),
        ([1, None, 2], "at_most_one", {"null_key": "error"}, ["null key"]),
    ],
    ids=["missing", "duplicate", "duplicate of at most one", "null key"],
)  # fmt: skip
def test_a_broken_promise_ends_the_run_with_code_3(each, tmp_path, rows, promise, policy, words):
    job = _promise(tmp_path, table(rows, n=pa.array([1] * len(rows))), promise, **policy)
    result = each.run("run", job)
    assert result.code == 3, result
    assert len(result.err.splitlines()) == 1 and result.err.startswith("sheaf: error: ")
    assert 'table "P"' in result.err and all(word in result.err for word in words), result.err
    assert not (tmp_path / "out" / "_SUCCESS").exists()


def test_at_most_one_row_may_be_missing(each, tmp_path):
    job = _promise(tmp_path, table([2], n=pa.array([1])), "at_most_one", missing="error")
    run, _ = delivered(each, job)
    assert ids(run, "A") == [1, 2, 3, 4, 5] and ids(run, "P") == [2]


@pytest.mark.parametrize(("policy", "want"), [("keep", [1, 2, 9]), ("first", [1])])
def test_a_second_row_is_kept_or_left_out_as_the_policy_says(each, tmp_path, policy, want):
    rows = table([1, 2, 2, 2, 4], n=pa.array([5, 9, 2, 1, 5]))
    run, _ = delivered(each, _promise(tmp_path, rows, "at_most_one", duplicate=policy))
    both = pa.concat_tables(run.tables["P"])
    assert both.filter(pc.equal(both["id"], 2)).column("n").to_pylist() == want
    assert counts(run, "P")["duplicates"] == (2 if policy == "first" else 0)


def test_a_volatile_selecting_query_gives_keys_and_rows_of_one_execution(sheaf, tmp_path):
    every = table(range(20_000))
    query = 'SELECT * FROM "A" WHERE random() < 0.5'
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        job = write_job(
            folder,
            {"A": every, "P": every},
            fields={"A": {"query": query}},
            batch={"max_keys": 1000},
        )
        run, _ = delivered(sheaf, job)
        assert 8_000 < len(ids(run, "A")) < 12_000
        assert ids(run, "P") == ids(run, "A")
        assert run.totals["keys"] == len(ids(run, "A"))


def test_a_volatile_and_selective_query_gives_keys_and_rows_of_one_execution(sheaf, tmp_path):
    big = table(np.arange(2_500_000))
    query = 'SELECT * FROM "A" WHERE random() < 0.001'
    job = write_job(tmp_path, {"A": big, "P": big}, fields={"A": {"query": query}})
    run, _ = delivered(sheaf, job)
    assert 1_000 < len(ids(run, "A")) < 5_000
    assert ids(run, "P") == ids(run, "A")


# The key types of the selecting table and of the large one.
KEY_TYPES = [
    (pa.int64(), pa.int64()),
    (pa.int32(), pa.int64()),
    (pa.string(), pa.string()),
    (pa.timestamp("ms"), pa.timestamp("us")),
    (pa.decimal128(22, 2), pa.decimal128(24, 4)),
    (pa.int64(), pa.decimal128(22, 2)),
]


@pytest.mark.parametrize(("small", "wide"), KEY_TYPES, ids=str)
def test_few_keys_of_a_large_table_deliver_just_their_rows(sheaf, tmp_path, small, wide):
    count = 2_200_000
    few = pa.array([-5, 7, 7, 1_000_000, 2_199_999, 9_999_999])
    large = pa.array(np.random.default_rng(3).permutation(count))
    tables = {
        "A": table(few.cast(small)),
        "R": table(large.cast(small).cast(wide), n=large),
        "S": table(pa.array([7, 8, -5]).cast(small)),
    }
    run, _ = delivered(sheaf, write_job(tmp_path, tables))
    inside = [1_000_000, 2_199_999, 7] if wide == pa.string() else [7, 1_000_000, 2_199_999]
    assert run.tables["R"][0].column("n").to_pylist() == inside
    assert keys_a_batch(run) == [5]
    assert counts(run, "R")["keys_without_rows"] == 2
    assert counts(run, "S")["rows_delivered"] == 2


def test_few_composite_keys_of_a_large_table_deliver_just_their_rows(sheaf, tmp_path):
    count = 2_200_000
    n = np.arange(count)
    large = pa.table({"a": n % 1000, "b": pa.array(n // 1000).cast(pa.string()), "n": n})
    few = pa.table({"a": [5, 5, 6, 2000], "b": ["17", "99999", "17", "17"]})
    job = write_job(tmp_path, {"A": few, "R": large}, batch={"key": ["a", "b"]})
    run, _ = delivered(sheaf, job)
    assert run.tables["R"][0].column("n").to_pylist() == [17_005, 17_006]


def test_an_optional_table_that_is_missing_delivers_no_rows(each, tmp_path):
    job = write_job(tmp_path, {"A": table([1, 2]), "R": None}, fields={"R": {"optional": True}})
    run, result = delivered(each, job)
    assert ids(run, "A") == [1, 2] and sum(batch.num_rows for batch in run.tables["R"]) == 0
    assert counts(run, "R")["rows_delivered"] == 0 and counts(run, "R")["keys_without_rows"] == 2
    assert "R 0" in result.out.splitlines()[0]


def test_an_optional_table_that_is_there_delivers_its_rows(sheaf, tmp_path):
    job = write_job(
        tmp_path, {"A": table([1, 2]), "R": table([2, 2])}, fields={"R": {"optional": True}}
    )
    run, _ = delivered(sheaf, job)
    assert ids(run, "R") == [2, 2]


def test_two_selecting_tables_deliver_the_union_of_their_keys(sheaf, tmp_path):
    tables = {
        "A": table([1, 3, 5]),
        "B": table([2, 3, 8], pa.int32()),
        "R": table([0, 1, 2, 3, 4, 5, 8, 9]),
    }
    job = write_job(tmp_path, tables, fields={"B": {"selects_keys": True}}, batch={"max_keys": 2})
    run, _ = delivered(sheaf, job)
    assert keys_a_batch(run) == [2, 2, 1]
    assert (
        ids(run, "A") == [1, 3, 5]
        and ids(run, "B") == [2, 3, 8]
        and ids(run, "R") == [1, 2, 3, 5, 8]
    )


def test_json_lines_say_the_same_as_the_text_lines(sheaf, tmp_path):
    job = write_job(tmp_path, {"A": table([1, 1, 2]), "R": table([2, 9])}, out=None)
    result = sheaf.run("run", job, "--json")
    assert result.code == 0, result.err
    batch, completed = map(json.loads, result.out.splitlines())
    assert (batch["event"], completed["event"]) == ("batch", "completed")
    assert batch["keys"] == completed["keys"] == 2 and batch["rows"] == completed["rows"] == 4
    assert batch["tables"] == {"A": 3, "R": 1} and completed["batches"] == 1
    assert completed["tables"]["R"]["orphans"] == 1


def test_without_an_output_a_run_prints_the_counts_and_writes_nothing(sheaf, tmp_path):
    job = write_job(tmp_path, {"A": table([1, 1, 2])}, out=None)
    result = sheaf.run("run", job)
    assert result.code == 0 and result.out.startswith(
        "batch 0: 2 keys, 3 rows  A 3\ncompleted: 1 batches"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["A.parquet", "job.toml"]


def test_an_interrupt_ends_the_run_with_code_130_and_a_right_prefix(sheaf, tmp_path):
    count = 3_000_000
    rows = table(np.arange(count) // 2, text=pa.array(np.arange(count)).cast(pa.string()))
    job = write_job(tmp_path, {"A": rows, "R": rows}, batch={"max_keys": 500})
    process = sheaf.start("run", job)
    log = tmp_path / "out" / "batches.jsonl"
    deadline = time.monotonic() + 60
    while not (log.exists() and log.read_bytes().count(b"\n") >= 3):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline, "no batch within a minute"
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert not (tmp_path / "out" / "_SUCCESS").exists()
    batches = read_log(tmp_path / "out")
    assert 3 <= len(batches) < count // 1000, "the interrupt came too late to test anything"
    assert data_files(tmp_path / "out") == logged_files(batches)
    for line in batches:
        first = line["index"] * 500
        assert (line["first_key"]["id"], line["last_key"]["id"]) == (first, first + 499)


def write_sorted(folder, name, parts):
    """Parquet files whose footers say that they are in order of id."""
    (folder / name).mkdir()
    for number, rows in enumerate(parts):
        order = [pq.SortingColumn(0)]
        path = folder / name / f"{number}.parquet"
        pq.write_table(rows, path, row_group_size=10, sorting_columns=order)
    return f"CREATE EXTERNAL TABLE \"{name}\" STORED AS PARQUET LOCATION '{name}/'"


def test_an_order_that_parquet_footers_tell_is_merged_without_a_sort(sheaf, tmp_path):
    parts = [table(range(0, 100)), table(range(100, 150))]
    setup = [write_sorted(tmp_path, name, parts) for name in ("A", "P")]
    job = write_job(tmp_path, {"A": None, "P": None}, setup=setup)
    explained = sheaf.run("explain", job)
    assert explained.out.startswith("strategy merge: the engine knows the key order"), explained
    assert "SortExec" not in explained.out
    run, _ = delivered(sheaf, job)
    assert ids(run, "P") == list(range(150))


def test_parquet_footers_that_lie_about_the_order_end_the_run(sheaf, tmp_path):
    setup = [
        write_sorted(tmp_path, "A", [table(range(10))]),
        write_sorted(tmp_path, "P", [table([1, 7, 3])]),
    ]
    job = write_job(tmp_path, {"A": None, "P": None}, setup=setup)
    result = sheaf.run("run", job)
    assert result.code == 1 and 'table "P": rows are not in order of key (id)' in result.err
    assert "its files declare" in result.err and '"partition"' in result.err
    assert sheaf.run("run", job, "--strategy", "partition", "--out", tmp_path / "b").code == 0


@pytest.mark.parametrize("engine", ["datafusion", "duckdb"])
def test_probe_finds_nan_though_parquet_statistics_leave_it_out(sheaf, tmp_path, engine):
    rows = table([0.5, math.nan, 1.5, -1.0], pa.float64())
    options = {}
    if engine == "duckdb":
        view = "CREATE VIEW \"{0}\" AS SELECT * FROM read_parquet('{0}.parquet')"
        options["setup"] = [view.format(name) for name in ("A", "P")]
        options["engine"] = {"driver": str(duckdb_driver())}
    batch = {"strategy": "probe", "max_keys": 1}
    run, _ = delivered(sheaf, write_job(tmp_path, {"A": rows, "P": rows}, batch=batch, **options))
    for name in ("A", "P"):
        assert [str(key) for key in ids(run, name)] == ["-1.0", "0.5", "1.5", "nan"], name
