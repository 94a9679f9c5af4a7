"""SQLite's driver guesses the type of a column from its first rows: where there is no value it has guessed nothing."""

import sqlite3

import pytest
from program import find_driver
from simple_job import write_job

EVERY_STRATEGY = pytest.mark.parametrize("strategy", ["merge", "partition", "probe"])


@pytest.fixture
def run(sheaf, tmp_path):
    """Fills a database, and runs a job on its tables A and R."""

    def run(strategy, *statements):
        with sqlite3.connect(tmp_path / "data.db") as database:
            for sql in statements:
                database.execute(sql)
        job = write_job(
            tmp_path,
            {"A": None, "R": None},
            setup=[],
            out=None,
            engine={"driver": str(find_driver("sqlite")), "uri": str(tmp_path / "data.db")},
            batch={"strategy": strategy},
        )
        return sheaf.run("run", job, "--progress", "never")

    return run


@EVERY_STRATEGY
@pytest.mark.parametrize("key", ["'a'", "1.5", "x'00ff'", "7"])
def test_an_empty_table_has_keys_of_the_others_type(run, strategy, key):
    done = run(
        strategy, "CREATE TABLE A (id)", f"INSERT INTO A VALUES ({key})", "CREATE TABLE R (id, v)"
    )
    assert done.code == 0, done.err
    assert "A 1  R 0" in done.out


@EVERY_STRATEGY
def test_an_empty_selecting_table_selects_nothing(run, strategy):
    done = run(
        strategy, "CREATE TABLE A (id)", "CREATE TABLE R (id)", "INSERT INTO R VALUES ('a')"
    )
    assert done.code == 0, done.err
    assert "completed: 0 batches" in done.out


@EVERY_STRATEGY
def test_a_column_may_begin_with_nulls(run, strategy):
    done = run(
        strategy,
        "CREATE TABLE A AS WITH RECURSIVE n(id) AS "
        "(SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 3000) SELECT id FROM n",
        "CREATE TABLE R AS SELECT id, CASE WHEN id > 2000 THEN id END AS v FROM A",
    )
    assert done.code == 0, done.err
    assert "A 3000  R 3000" in done.out
