"""Bulk ingest, in every mode."""

import adbc_driver_manager as manager
import pyarrow as pa
import pytest

from support import rows, run, text_of

TABLE = "adbc.ingest.target_table"
MODE = "adbc.ingest.mode"
TEMPORARY = "adbc.ingest.temporary"


def ingest(connection, table, data, mode=None, **options):
    with manager.AdbcStatement(connection) as statement:
        statement.set_options(**{TABLE: table}, **options)
        if mode:
            statement.set_options(**{MODE: f"adbc.ingest.mode.{mode}"})
        statement.bind_stream(data.to_reader())
        return statement.execute_update()


DATA = pa.table({"id": [1, 2, 3], "name": ["a", None, "c"]})
ALL = [(1, "a"), (2, None), (3, "c")]


def test_create_makes_a_table_once(connection):
    assert ingest(connection, "t", DATA) == 3
    assert rows(connection, "SELECT * FROM t") == ALL
    with pytest.raises(manager.Error, match="ALREADY_EXISTS"):
        ingest(connection, "t", DATA, "create")


def test_append_needs_the_table_and_matches_columns_by_name(connection):
    with pytest.raises(manager.ProgrammingError, match="NOT_FOUND"):
        ingest(connection, "t", DATA, "append")
    run(connection, "CREATE TABLE t (name VARCHAR, other INT, id BIGINT)")
    swapped = pa.table({"id": pa.array([1], pa.int32()), "name": ["a"]})
    assert ingest(connection, "t", swapped, "append") == 1
    assert rows(connection, "SELECT * FROM t") == [("a", None, 1)]
    with pytest.raises(manager.Error, match="no column 'nom'"):
        ingest(connection, "t", pa.table({"nom": ["x"]}), "append")


def test_replace_and_create_append(connection):
    assert ingest(connection, "t", DATA, "create_append") == 3
    assert ingest(connection, "t", DATA, "create_append") == 3
    assert rows(connection, "SELECT count(*) FROM t") == [(6,)]
    assert ingest(connection, "t", DATA.slice(0, 1), "replace") == 1
    assert rows(connection, "SELECT * FROM t") == [(1, "a")]


def test_a_schema_can_be_named(connection):
    run(connection, "CREATE SCHEMA s")
    ingest(connection, "t", DATA, **{"adbc.ingest.target_db_schema": "s"})
    assert rows(connection, "SELECT count(*) FROM s.t") == [(3,)]
    with pytest.raises(manager.ProgrammingError, match="schema 'ss' not found; did you mean 's'"):
        ingest(connection, "t", DATA, **{"adbc.ingest.target_db_schema": "ss"})


def test_a_temporary_table_is_its_connections_and_goes_with_it(database):
    with manager.AdbcConnection(database) as one, manager.AdbcConnection(database) as other:
        ingest(one, "t", DATA, **{TEMPORARY: "true"})
        ingest(other, "t", DATA.slice(0, 1), **{TEMPORARY: "true"})
        assert rows(one, "SELECT count(*) FROM t") == [(3,)]
        assert rows(other, "SELECT count(*) FROM t") == [(1,)]
        ingest(one, "t", DATA.slice(0, 2), "replace", **{TEMPORARY: "true"})
        assert rows(one, "SELECT count(*) FROM t") == [(2,)]
    with manager.AdbcConnection(database) as later:
        with pytest.raises(manager.ProgrammingError, match="not found"):
            rows(later, "SELECT * FROM t")


def failing_reader():
    def batches():
        yield DATA.to_batches()[0]
        raise RuntimeError("the source broke")

    return pa.RecordBatchReader.from_batches(DATA.schema, batches())


@pytest.mark.parametrize("mode", ["create", "replace", "append"])
def test_a_stream_that_fails_changes_nothing(connection, mode):
    if mode != "create":
        ingest(connection, "t", DATA)
    with manager.AdbcStatement(connection) as statement:
        statement.set_options(**{TABLE: "t", MODE: f"adbc.ingest.mode.{mode}"})
        statement.bind_stream(failing_reader())
        with pytest.raises(manager.Error, match="the source broke"):
            statement.execute_update()
    if mode == "create":
        with pytest.raises(manager.ProgrammingError, match="not found"):
            rows(connection, "SELECT * FROM t")
    else:
        assert rows(connection, "SELECT count(*) FROM t") == [(3,)]


def test_a_cancelled_append_changes_nothing(connection):
    batch = pa.record_batch({"x": [1] * 100})
    # What the insert has got by then, and whether it runs, differs from try to try.
    for after in list(range(1, 41)) * 5:
        run(connection, "CREATE OR REPLACE TABLE t (x BIGINT)")
        with manager.AdbcStatement(connection) as statement:

            def batches(statement=statement, after=after):
                for _ in range(after):
                    yield batch
                statement.cancel()
                yield batch

            statement.set_options(**{TABLE: "t", MODE: "adbc.ingest.mode.append"})
            statement.bind_stream(pa.RecordBatchReader.from_batches(batch.schema, batches()))
            with pytest.raises(manager.Error, match="cancelled"):
                statement.execute_update()
        assert rows(connection, "SELECT count(*) FROM t") == [(0,)]


@pytest.mark.parametrize("mode", ["create", "append"])
def test_text_that_is_not_utf8_is_an_error_and_changes_nothing(connection, mode):
    if mode == "append":
        run(connection, "CREATE TABLE t (body VARCHAR)")
    bad = pa.table({"body": pa.chunked_array([["fine"], text_of(b"a", b"\xc3\x28")])})
    with pytest.raises(manager.Error, match="INVALID_DATA.*'body' has text that is not UTF-8"):
        ingest(connection, "t", bad, mode)
    good = pa.table({"body": pa.array(["é", None, "b", ""]).slice(1)})
    assert ingest(connection, "t", good, "create_append") == 3
    assert rows(connection, "SELECT body FROM t") == [(None,), ("b",), ("",)]


@pytest.mark.parametrize(
    "replace",
    [
        lambda connection: ingest(connection, "t", DATA, "replace"),
        lambda connection: run(connection, "CREATE OR REPLACE TABLE t AS VALUES (4)"),
        lambda connection: run(connection, "CREATE OR REPLACE VIEW t AS SELECT 4"),
    ],
    ids=["ingest", "table", "view"],
)
@pytest.mark.parametrize("hidden", [True, False])
def test_a_temporary_table_is_not_replaced_by_another_kind(database, replace, hidden):
    with manager.AdbcConnection(database) as one, manager.AdbcConnection(database) as other:
        if hidden:
            run(one, "CREATE TABLE t AS VALUES (1)")
        run(one, "CREATE TEMPORARY TABLE t AS VALUES (2)")
        with pytest.raises(manager.Error, match="a temporary table 't' already exists"):
            replace(one)
        assert rows(one, "SELECT * FROM t") == [(2,)]
        if hidden:
            assert rows(other, "SELECT * FROM t") == [(1,)]
        # To other connections it is not in the way.
        replace(other)
        assert rows(one, "SELECT * FROM t") == [(2,)]


def test_a_named_schema_is_that_of_one_ingest(cursor):
    cursor.execute("CREATE SCHEMA s")
    cursor.adbc_ingest("a", DATA, db_schema_name="s")
    cursor.adbc_ingest("b", DATA)
    cursor.adbc_ingest("c", DATA, temporary=True)
    cursor.execute(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_schema IN ('s', 'public') ORDER BY 2"
    )
    assert cursor.fetchall() == [("s", "a"), ("public", "b"), ("public", "c")]


def test_a_statement_that_ingests_again_goes_to_the_same_table(connection):
    run(connection, "CREATE SCHEMA s")
    with manager.AdbcStatement(connection) as statement:
        statement.set_options(**{"adbc.ingest.target_db_schema": "s"})
        statement.set_options(**{TABLE: "t", MODE: "adbc.ingest.mode.create_append"})
        for _ in range(2):
            statement.bind_stream(DATA.to_reader())
            assert statement.execute_update() == 3
    assert rows(connection, "SELECT count(*) FROM s.t") == [(6,)]


def test_dbapi_ingest(cursor):
    assert cursor.adbc_ingest("t", DATA) == 3
    assert cursor.adbc_ingest("t", DATA, mode="append") == 3
    cursor.execute("SELECT count(*) FROM t")
    assert cursor.fetchone() == (6,)


def test_many_rows_keep_their_order(connection):
    count = 300_000
    ingest(connection, "t", pa.table({"x": pa.array(range(count))}))
    ordered = rows(connection, "SELECT x FROM t", **{"datafusion.target_partitions": "1"})
    assert ordered == [(x,) for x in range(count)]
