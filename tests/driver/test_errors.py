"""Errors: DataFusion's own words under the status a client can act on."""

import adbc_driver_manager as manager
import pyarrow as pa
import pytest

from support import rows, run


@pytest.mark.parametrize(
    ("sql", "kind", "message"),
    [
        ("SELEC 1", "INVALID_ARGUMENT", "SQL error"),
        ("SELECT nothing FROM t", "INVALID_ARGUMENT", "No field named nothing"),
        ("SELECT * FROM tt", "NOT_FOUND", "'datafusion.public.tt' not found; did you mean 't'"),
        ("SELECT * FROM a.b.c", "NOT_FOUND", "not found"),
        ("CREATE TABLE t AS VALUES (1)", "ALREADY_EXISTS", "already exists"),
        ("DROP TABLE nowhere", "NOT_FOUND", "doesn't exist"),
        ("BEGIN", "NOT_IMPLEMENTED", "not implemented|Unsupported"),
        ("COPY t TO 's3://bucket/x.parquet'", "NOT_IMPLEMENTED", "object-stores"),
        ("SELECT no_such_function(1)", "INVALID_ARGUMENT", "no_such_function"),
        ("", "INVALID_ARGUMENT", "No SQL statements"),
    ],
)
def test_what_planning_refuses(connection, sql, kind, message):
    run(connection, "CREATE TABLE t AS VALUES (1)")
    with pytest.raises(manager.Error, match=message) as raised:
        rows(connection, sql)
    assert kind in str(raised.value)
    assert "backtrace" not in str(raised.value)


def test_what_fails_while_rows_are_read_is_an_error_not_an_end(connection):
    run(connection, "CREATE TABLE t AS SELECT 9 - v AS v FROM generate_series(1, 20) g(v)")
    with pytest.raises(Exception, match="[Dd]ivide by zero"):
        rows(connection, "SELECT 1 / v FROM t", **{"datafusion.batch_size": "2"})


def test_a_missing_file_is_named(connection, tmp_path):
    with pytest.raises(manager.Error, match="nowhere"):
        run(connection, f"CREATE EXTERNAL TABLE e STORED AS PARQUET LOCATION '{tmp_path}/nowhere.parquet'")
        rows(connection, "SELECT * FROM e")


def test_a_broken_file_is_an_error(connection, tmp_path):
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 this is no parquet file PAR1")
    with pytest.raises(manager.Error):
        run(connection, f"CREATE EXTERNAL TABLE e STORED AS PARQUET LOCATION '{tmp_path}/broken.parquet'")


def test_a_query_that_needs_more_than_its_memory_says_who_took_it(connection):
    sql = "SELECT * FROM generate_series(1, 9000000) a(x) JOIN generate_series(1, 9000000) b(y) ON x = y"
    with pytest.raises(Exception, match="HashJoinInput"):
        rows(connection, sql, **{"datafusion.memory_limit": "8MiB"})
    assert rows(connection, "SELECT 1") == [(1,)]


def test_an_error_leaves_the_statement_usable(connection):
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query("SELECT * FROM nowhere")
        with pytest.raises(manager.ProgrammingError):
            statement.execute_query()
        statement.set_sql_query("SELECT 1")
        statement.execute_query()


def test_nothing_set_is_an_error(connection):
    with manager.AdbcStatement(connection) as statement:
        with pytest.raises(manager.Error, match="no query is set"):
            statement.execute_query()


def test_a_partition_that_is_not_there_is_an_error(connection):
    with pytest.raises(manager.Error, match="no such partition"):
        connection.read_partition(b"x")


def test_only_the_rows_of_a_query_have_partitions(connection):
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query("CREATE VIEW v AS SELECT 1")
        with pytest.raises(manager.Error, match="only the rows of a query"):
            statement.execute_partitions()
        statement.set_sql_query("SELECT $1")
        statement.bind(pa.record_batch({"1": [1]}))
        with pytest.raises(manager.NotSupportedError, match="bound rows"):
            statement.execute_partitions()
