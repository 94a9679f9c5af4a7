"""Keys of types that PostgreSQL's driver delivers in another form than the server compares them in."""

import pytest


@pytest.mark.parametrize("strategy", ["merge", "partition", "probe"])
@pytest.mark.parametrize(
    "type_, keys",
    [
        ("mood", "'sad', 'happy', 'ok'"),
        ("char(5)", "'b', 'a', 'ab'"),
        ("varchar(5)", "'b', 'a', 'B'"),
        ("name", "'b', 'a', 'B'"),
        ("date", "'2026-01-31', '1969-12-31', '2000-01-01'"),
        ("timestamptz", "'2026-01-31 00:00Z', '1969-12-31 23:59Z', '2000-01-01 00:00Z'"),
    ],
)
def test_all_rows_of_a_key_are_found(sheaf, database, job_of, strategy, type_, keys):
    database.execute(
        "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')",
        f'CREATE TABLE "A" AS SELECT unnest(ARRAY[{keys}]::{type_}[]) AS id',
        'CREATE TABLE "R" AS SELECT * FROM "A" UNION ALL SELECT * FROM "A"',
    )
    done = sheaf.run("run", job_of(strategy, max_keys=2), "--progress", "never")
    assert done.code == 0, done.err
    assert done.out.splitlines()[:2] == [
        "batch 0: 2 keys, 6 rows  A 2  R 4",
        "batch 1: 1 keys, 3 rows  A 1  R 2",
    ]
