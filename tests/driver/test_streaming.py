"""Results stream: a reader gets the first batch early, holds the query back, and can stop it."""

import threading
import time

import adbc_driver_manager as manager
import pyarrow as pa
import pytest

from support import queries_end, reader, resident_bytes, rows

ROWS = 10_000_000
QUERY = f"SELECT v, v * 2 AS w, 'some text of row ' || v AS t FROM generate_series(1, {ROWS}) AS g(v)"


SLOWER = f"SELECT v, md5(CAST(v AS VARCHAR)) AS hash FROM generate_series(1, {ROWS}) AS g(v)"


def test_the_first_batch_comes_before_a_tenth_of_the_querys_time(connection):
    rows(connection, "SELECT md5('the first query starts threads')")
    start = time.monotonic()
    with reader(connection, SLOWER) as stream:
        seen = stream.read_next_batch().num_rows
        first = time.monotonic() - start
        seen += sum(batch.num_rows for batch in stream)
    whole = time.monotonic() - start
    assert seen == ROWS
    assert first < whole / 10, f"first batch after {first:.3f} s of {whole:.3f} s"


def test_a_paused_reader_holds_the_query_back(connection):
    with reader(connection, QUERY) as stream:
        stream.read_next_batch()
        time.sleep(0.3)
        before = resident_bytes()
        cpu_before = time.process_time()
        time.sleep(1.5)
        # The whole result is over 500 MB, and takes more than a second to compute.
        assert resident_bytes() - before < 16 << 20
        assert time.process_time() - cpu_before < 0.5


def test_reading_everything_keeps_memory_flat(connection):
    with reader(connection, QUERY) as stream:
        for _ in range(50):
            stream.read_next_batch()
        before = resident_bytes()
        for batch in stream:
            pass
        assert resident_bytes() - before < 64 << 20


def test_several_results_of_one_database_stream_side_by_side(database):
    connections = [manager.AdbcConnection(database) for _ in range(4)]
    streams = [reader(connection, QUERY) for connection in connections]
    readers = [stream.__enter__() for stream in streams]
    for _ in range(20):
        assert all(stream.read_next_batch().num_rows > 0 for stream in readers)
    for closing in [*streams]:
        closing.__exit__(None, None, None)
    for connection in connections:
        connection.close()


def test_two_results_of_one_connection_stream_side_by_side(connection):
    with reader(connection, QUERY) as one, reader(connection, QUERY) as other:
        for _ in range(20):
            assert one.read_next_batch().num_rows == other.read_next_batch().num_rows


NEVER_READY = """SELECT count(*) FROM generate_series(1, 1000000) a(x)
                 JOIN generate_series(1, 1000000) b(y) ON a.x * b.y % 7 = 3"""


def test_cancel_ends_a_waiting_read(connection):
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query(NEVER_READY)
        handle, _ = statement.execute_query()
        stream = pa.RecordBatchReader._import_from_c(handle.address)
        canceller = threading.Timer(0.5, statement.cancel)
        canceller.start()
        start = time.monotonic()
        with pytest.raises(Exception, match="cancelled"):
            stream.read_next_batch()
        assert time.monotonic() - start < 5
        with pytest.raises(Exception, match="cancelled"):
            stream.read_next_batch()  # An error never looks like an end.
        stream.close()
        statement.set_sql_query("SELECT 1")  # The statement is as good as new.
        statement.execute_query()


def test_cancel_ends_an_update_in_progress(connection):
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query(f"CREATE TABLE t AS {NEVER_READY}")
        canceller = threading.Timer(0.5, statement.cancel)
        canceller.start()
        with pytest.raises(manager.OperationalError, match="CANCELLED"):
            statement.execute_update()
    with pytest.raises(manager.ProgrammingError, match="not found"):
        rows(connection, "SELECT * FROM t")


def test_a_statement_can_be_released_as_soon_as_a_cancel_wakes_it(connection):
    for _ in range(50):  # What the cancel touched after the wake was freed by then.
        with manager.AdbcStatement(connection) as statement:
            statement.set_sql_query(f"CREATE TABLE t AS {NEVER_READY}")
            threading.Timer(0.01, statement.cancel).start()
            with pytest.raises(manager.OperationalError, match="CANCELLED"):
                statement.execute_update()


def test_a_result_outlives_everything_it_came_from(driver):
    database = manager.AdbcDatabase(driver=driver)
    connection = manager.AdbcConnection(database)
    statement = manager.AdbcStatement(connection)
    statement.set_sql_query("SELECT v FROM generate_series(1, 100000) g(v)")
    handle, _ = statement.execute_query()
    stream = pa.RecordBatchReader._import_from_c(handle.address)
    stream.read_next_batch()
    statement.close()
    connection.close()
    database.close()
    assert sum(batch.num_rows for batch in stream) == 100000 - 8192
    stream.close()


def test_half_read_results_leave_no_thread_and_do_not_block(driver):
    start = time.monotonic()
    for _ in range(10):
        with manager.AdbcDatabase(driver=driver) as database:
            with manager.AdbcConnection(database) as connection:
                with reader(connection, QUERY) as stream:
                    stream.read_next_batch()
    assert time.monotonic() - start < 10
    assert queries_end()
