"""Results in parts, each computed by the thread that reads it."""

from concurrent.futures import ThreadPoolExecutor

import adbc_driver_manager as manager
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support import rows, run

ROWS = 30_000
OPTIONS = {
    "datafusion.target_partitions": "3",
    "datafusion.optimizer.repartition_file_min_size": "1",
}


@pytest.fixture
def table(connection, tmp_path):
    """A file of many row groups as table t."""
    pq.write_table(pa.table({"v": range(ROWS)}), tmp_path / "t.parquet", row_group_size=1000)
    run(connection, f"CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{tmp_path}/t.parquet'")


def parts(connection, statement, sql):
    statement.set_options(**OPTIONS)
    statement.set_sql_query(sql)
    names, schema, count = statement.execute_partitions()
    assert count == -1
    handles = [connection.read_partition(name) for name in names]
    return pa.Schema._import_from_c(schema.address), [
        pa.RecordBatchReader._import_from_c(handle.address) for handle in handles
    ]


def test_threads_read_the_parts_of_a_scan_at_the_same_time(connection, table):
    sql = "SELECT v, v + 1 AS next FROM t WHERE v % 2 = 0"
    with manager.AdbcStatement(connection) as statement:
        schema, streams = parts(connection, statement, sql)
        assert len(streams) == 3
        with ThreadPoolExecutor(3) as threads:
            read = list(threads.map(lambda stream: stream.read_all(), streams))
    # The parts take row groups from one list: a thread that comes late may find none.
    assert all(part.schema == schema for part in read)
    found = [tuple(row.values()) for part in read for row in part.to_pylist()]
    assert sorted(found) == sorted(rows(connection, sql))


def test_rows_of_anything_else_are_one_part(connection, table):
    for sql in ["SELECT sum(v) FROM t", "SELECT v FROM t ORDER BY v", "SELECT v FROM t WHERE v < 5 LIMIT 5", "SELECT 1"]:
        with manager.AdbcStatement(connection) as statement:
            _, streams = parts(connection, statement, sql)
            (stream,) = streams
            found = [tuple(row.values()) for row in stream.read_all().to_pylist()]
            assert found == rows(connection, sql), sql
