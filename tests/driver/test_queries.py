"""Queries, changes, prepared statements, schemas and plans."""

import adbc_driver_manager as manager
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from substrait_plans import substrait_scan
from support import reader, rows, run, text_of


def test_every_entry_point_is_found(driver):
    for name in ["AdbcDriverInit", "AdbcDriverDatafusionInit", "AdbcDatafusionInit"]:
        with manager.AdbcDatabase(driver=driver, entrypoint=name) as database:
            with manager.AdbcConnection(database) as connection:
                assert rows(connection, "SELECT 1") == [(1,)]


def test_dbapi_reads_and_changes(cursor):
    cursor.execute("CREATE TABLE t AS VALUES (1, 'a'), (2, 'b')")
    cursor.execute("SELECT column2 FROM t WHERE column1 = $1", (2,))
    assert cursor.fetchall() == [("b",)]
    cursor.executemany("INSERT INTO t VALUES ($1, $2)", [(3, "c"), (4, "d")])
    assert cursor.rowcount == 2
    cursor.execute("SELECT count(*) FROM t")
    assert cursor.fetchone() == (4,)


def test_a_change_happens_though_nobody_reads_its_result(connection):
    run(connection, "CREATE TABLE t (x BIGINT)")
    with reader(connection, "INSERT INTO t VALUES (1), (2)"):
        pass
    assert rows(connection, "SELECT count(*) FROM t") == [(2,)]


def test_changes_report_how_many_rows(connection, tmp_path):
    assert run(connection, "CREATE TABLE t (x BIGINT)") == -1
    assert run(connection, "INSERT INTO t VALUES (1), (2), (3)") == 3
    assert run(connection, f"COPY t TO '{tmp_path}/t.parquet'") == 3
    assert pq.read_table(tmp_path / "t.parquet").num_rows == 3


def test_external_tables_and_views(connection, tmp_path):
    pq.write_table(pa.table({"id": [3, 1, 2]}), tmp_path / "t.parquet")
    run(connection, f"CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{tmp_path}/t.parquet'")
    run(connection, "CREATE VIEW v AS SELECT id * 10 AS ten FROM t")
    assert rows(connection, "SELECT ten FROM v ORDER BY ten") == [(10,), (20,), (30,)]


def test_tables_are_seen_by_every_connection(database):
    with manager.AdbcConnection(database) as one, manager.AdbcConnection(database) as other:
        run(one, "CREATE TABLE shared AS VALUES (1)")
        assert rows(other, "SELECT * FROM shared") == [(1,)]


def test_temporary_tables_are_seen_by_their_connection_only(database):
    with manager.AdbcConnection(database) as one, manager.AdbcConnection(database) as other:
        run(one, "CREATE TABLE t AS VALUES (1)")
        run(one, "CREATE TEMPORARY TABLE t AS VALUES (2)")
        assert rows(one, "SELECT * FROM t") == [(2,)]
        assert rows(other, "SELECT * FROM t") == [(1,)]
        run(one, "DROP TABLE t")
        assert rows(one, "SELECT * FROM t") == [(1,)]


def test_several_statements_are_refused(connection):
    with pytest.raises(manager.NotSupportedError, match="single SQL statement"):
        rows(connection, "SELECT 1; SELECT 2")
    assert rows(connection, "SELECT 1;") == [(1,)]


def test_settings_changed_by_sql_stay_with_the_connection(database):
    with manager.AdbcConnection(database) as one, manager.AdbcConnection(database) as other:
        run(one, "SET datafusion.execution.batch_size = 7")
        assert one.get_option("datafusion.batch_size") == "7"
        assert other.get_option("datafusion.batch_size") == "8192"


def test_prepared_by_sql(connection):
    run(connection, "PREPARE double(BIGINT) AS SELECT $1 * 2")
    assert rows(connection, "EXECUTE double(21)") == [(42,)]


BIND_BY_NAME = "adbc.statement.bind_by_name"


def bind(statement, **columns):
    statement.bind(pa.record_batch(columns))


def read(statement):
    handle, _ = statement.execute_query()
    with pa.RecordBatchReader._import_from_c(handle.address) as stream:
        return [tuple(row.values()) for row in stream.read_all().to_pylist()]


def test_a_prepared_query_runs_for_every_bound_row_in_order(connection):
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query("SELECT v FROM generate_series(1, 9) AS g(v) WHERE v <= $1")
        statement.prepare()
        bind(statement, n=pa.array([2, 0, 3]))
        assert read(statement) == [(1,), (2,), (1,), (2,), (3,)]
        bind(statement, n=pa.array([1]))
        assert read(statement) == [(1,)]


def test_a_text_that_runs_again_runs_on_the_tables_of_now(dbapi_connection):
    # A cursor prepares a text once, however often it runs it.
    with dbapi_connection.cursor() as cursor, dbapi_connection.cursor() as other:
        other.execute("CREATE TABLE t AS VALUES (1)")
        for sql in ["SELECT column1 FROM t", "INSERT INTO t VALUES (3)"]:
            cursor.execute(sql)
        other.execute("CREATE OR REPLACE TABLE t AS VALUES (2)")
        cursor.execute("INSERT INTO t VALUES (3)")
        cursor.execute("SELECT column1 FROM t ORDER BY column1")
        assert cursor.fetchall() == [(2,), (3,)]
        other.adbc_ingest("t", pa.table({"column1": [4]}), mode="replace")
        cursor.execute("SELECT column1 FROM t ORDER BY column1")
        assert cursor.fetchall() == [(4,)]
        other.execute("DROP TABLE t")
        with pytest.raises(manager.ProgrammingError, match="not found"):
            cursor.execute("SELECT column1 FROM t ORDER BY column1")


def test_prepare_says_what_is_wrong_with_a_query(connection):
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query("SELECT * FROM nowhere")
        with pytest.raises(manager.ProgrammingError, match="nowhere"):
            statement.prepare()


def test_dbapi_binds_by_name(cursor):
    cursor.execute("SELECT $a - $b", {"b": 1, "a": 3})
    assert cursor.fetchall() == [(2,)]
    cursor.execute("SELECT $1 - $2", (3, 1))
    assert cursor.fetchall() == [(2,)]
    cursor.execute("CREATE TABLE t (x BIGINT)")
    cursor.executemany("INSERT INTO t SELECT $x", [{"x": 1}, {"x": 2}])
    cursor.execute("SELECT x FROM t ORDER BY x")
    assert cursor.fetchall() == [(1,), (2,)]


def test_numbered_parameters_bind_by_name_where_asked_to(connection):
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query("SELECT $1 - $2")
        columns = {"2": pa.array([1]), "1": pa.array([3]), "unused": pa.array([0])}
        statement.set_options(**{BIND_BY_NAME: "true"})
        assert statement.get_option(BIND_BY_NAME) == "true"
        bind(statement, **columns)
        assert read(statement) == [(2,)]
        statement.set_options(**{BIND_BY_NAME: "false"})
        del columns["unused"]
        bind(statement, **columns)
        assert read(statement) == [(-2,)]
        with pytest.raises(manager.ProgrammingError, match="'true' or 'false'"):
            statement.set_options(**{BIND_BY_NAME: "maybe"})


def test_a_null_row_is_refused_and_later_calls_work(connection):
    null_row = pa.StructArray.from_arrays(
        [pa.array([1, 2])], ["x"], mask=pa.array([False, True])
    )
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query("SELECT $1")
        for wrong in [null_row, null_row.slice(1)]:
            with pytest.raises(manager.ProgrammingError, match="row is null"):
                statement.bind(wrong)
        statement.bind(null_row.slice(0, 1))
        assert read(statement) == [(1,)]
    assert rows(connection, "SELECT 1") == [(1,)]


def test_bound_text_that_is_not_utf8_is_an_error(connection):
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query("SELECT upper($1)")
        bind(statement, word=text_of(b"\xff\xfe"))
        with pytest.raises(manager.Error, match="'word' has text that is not UTF-8"):
            read(statement)


def test_parameters_bind_by_name(connection):
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query("SELECT $low + $high * 10")
        bind(statement, high=pa.array([2]), low=pa.array([1]))
        assert read(statement) == [(21,)]
        bind(statement, low=pa.array([1]))
        with pytest.raises(manager.ProgrammingError, match="'high'"):
            read(statement)


def test_no_bound_rows_give_no_rows(connection):
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query("SELECT CAST($1 AS BIGINT) AS x")
        bind(statement, x=pa.array([], pa.int64()))
        assert read(statement) == []


def test_a_wrong_number_of_parameters_is_an_error(connection):
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query("SELECT $1")
        bind(statement, a=pa.array([1]), b=pa.array([2]))
        with pytest.raises(manager.ProgrammingError, match="1 parameters, but 2 columns"):
            read(statement)


def import_schema(handle):
    return pa.Schema._import_from_c(handle.address)


def test_parameter_schema(connection):
    run(connection, "CREATE TABLE t (x BIGINT, y VARCHAR)")
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query("SELECT * FROM t WHERE x > $2 AND y = $1")
        statement.prepare()
        schema = import_schema(statement.get_parameter_schema())
        assert schema.names == ["$1", "$2"]
        assert schema.field(1).type == pa.int64()


def test_the_schema_without_running(connection):
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query("SELECT 1 AS a, 'x' AS b")
        assert import_schema(statement.execute_schema()).names == ["a", "b"]
        statement.set_sql_query("CREATE TABLE never AS VALUES (1)")
        assert import_schema(statement.execute_schema()).names == []
    with pytest.raises(manager.ProgrammingError, match="not found"):
        rows(connection, "SELECT * FROM never")


def test_the_plan_and_its_row_count_without_running(connection, tmp_path):
    pq.write_table(pa.table({"id": list(range(100))}), tmp_path / "t.parquet")
    run(connection, f"CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{tmp_path}/t.parquet'")
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query("SELECT id FROM t ORDER BY id")
        assert statement.get_option_int("datafusion.estimated_rows") == 100
        assert "SortExec" in statement.get_option("datafusion.explain")


def test_substrait_plans_run(connection):
    run(connection, "CREATE TABLE t (x BIGINT)")
    run(connection, "INSERT INTO t VALUES (7)")
    with manager.AdbcStatement(connection) as statement:
        statement.set_substrait_plan(substrait_scan("t", "x"))
        assert import_schema(statement.execute_schema()).names == ["x"]
        assert read(statement) == [(7,)]
        with pytest.raises(manager.ProgrammingError, match="not a Substrait plan"):
            statement.set_substrait_plan(b"\xff\xff")
        statement.set_substrait_plan(substrait_scan("nowhere", "x"))
        with pytest.raises(manager.Error, match="nowhere"):
            read(statement)
