"""The tables of a run on PostgreSQL show one state of the data, though each has a connection."""

import time

import pytest

EVERY_STRATEGY = pytest.mark.parametrize("strategy", ["merge", "partition", "probe"])
IN_ONE = "All tables show the data in one state"


@EVERY_STRATEGY
def test_what_others_delete_meanwhile_is_in_all_tables_or_in_none(sheaf, database, job_of, strategy):
    database.execute(
        'CREATE TABLE "A" AS SELECT i AS id FROM generate_series(1, 20) AS i',
        'CREATE TABLE "R" AS SELECT * FROM "A"',
    )
    # The first table waits until the rows of both are gone.
    waits = 'SELECT id, pg_advisory_xact_lock_shared(1)::text AS w FROM "A"'
    job = job_of(strategy, A={"query": waits})
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(1)::text")
        cursor.fetchall()
        run = sheaf.start("run", job, "--progress", "never")
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        for _ in range(600):
            if database.values(waiting) != [0] or run.poll() is not None:
                break
            time.sleep(0.1)
        database.execute('DELETE FROM "A"', 'DELETE FROM "R"')
        cursor.execute("SELECT pg_advisory_unlock(1)")
        cursor.fetchall()
    out, err = run.communicate(timeout=60)
    assert run.returncode == 0, err.decode()
    assert "A 20  R 20" in out.decode()


@EVERY_STRATEGY
def test_the_promise_is_told(sheaf, database, job_of, strategy):
    database.execute('CREATE TABLE "A" (id int)', 'CREATE TABLE "R" (id int)')
    explained = sheaf.run("explain", job_of(strategy))
    assert explained.code == 0, explained.err
    assert IN_ONE in explained.out


def test_many_batches_of_probe_keep_neither_tables_nor_locks(sheaf, database, job_of):
    # Far apart, so that each batch fills a temporary table with its keys.
    database.execute(
        'CREATE TABLE "A" AS SELECT i * 1000 AS id FROM generate_series(1, 400) AS i',
        'CREATE TABLE "R" AS SELECT * FROM "A"',
    )
    done = sheaf.run("run", job_of("probe", max_keys=1), "--progress", "never")
    assert done.code == 0, done.err
    assert "completed: 400 batches, 400 keys, 800 rows" in done.out


@EVERY_STRATEGY
def test_who_may_not_export_snapshots_reads_without(sheaf, database, job_of, strategy):
    database.execute(
        'CREATE TABLE "A" AS SELECT i * 1000 AS id FROM generate_series(1, 20) AS i',
        'CREATE TABLE "R" AS SELECT * FROM "A"',
        'GRANT SELECT ON "A", "R" TO PUBLIC',
        "REVOKE EXECUTE ON FUNCTION pg_export_snapshot() FROM PUBLIC",
        "DROP ROLE IF EXISTS limited",
        "CREATE ROLE limited LOGIN",
    )
    job = job_of(strategy, user="limited")
    done = sheaf.run("run", job, "--progress", "never")
    explained = sheaf.run("explain", job)
    database.execute("GRANT EXECUTE ON FUNCTION pg_export_snapshot() TO PUBLIC")
    assert done.code == 0, done.err
    assert "A 20  R 20" in done.out
    assert IN_ONE not in explained.out
