"""Under a memory limit queries spill, stay inside it, and leave nothing behind."""

import contextlib
import subprocess
import sys
import threading

import adbc_driver_manager as manager
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support import reader, resident_bytes, run

ROWS = 1_500_000


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory):
    """Rows in random order, about 110 bytes each, in row groups of a size that streams."""
    path = tmp_path_factory.mktemp("shuffled") / "rows.parquet"
    random = np.random.default_rng(7)
    text = [f"{value:040x}" for value in range(1000)]
    table = pa.table(
        {
            "id": random.integers(0, ROWS // 10, ROWS),
            "seq": random.permutation(ROWS),
            "body": pa.array(text).take(pa.array(random.integers(0, 1000, ROWS))),
            "name": pa.array(text).take(pa.array(random.integers(0, 1000, ROWS))),
        }
    )
    pq.write_table(table, path, row_group_size=50_000)
    return path


@pytest.fixture
def spilling(driver, shuffled, tmp_path):
    options = {"datafusion.spill_path": str(tmp_path / "spill")}
    with manager.AdbcDatabase(driver=driver, **options) as database:
        with manager.AdbcConnection(database) as connection:
            run(connection, f"CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{shuffled}'")
        yield database, tmp_path / "spill"


def check_sorted(connection, sql, keys, **options):
    count, last = 0, None
    with reader(connection, sql, **options) as stream:
        for batch in stream:
            columns = [batch.column(key).to_pylist() for key in keys]
            ordered = list(zip(*columns))
            assert all(a <= b for a, b in zip(ordered, ordered[1:]))
            assert last is None or last <= ordered[0]
            count, last = count + len(ordered), ordered[-1]
    assert count == ROWS


@pytest.mark.parametrize("partitions", ["1", "2", "4", "8"])
@pytest.mark.parametrize("views", ["false", "true"])
def test_a_sort_of_ten_times_its_memory_ends(spilling, partitions, views):
    database, spill = spilling
    options = {
        "datafusion.memory_limit": "16MiB",
        "datafusion.target_partitions": partitions,
        "datafusion.execution.parquet.schema_force_view_types": views,
    }
    with manager.AdbcConnection(database) as connection:
        check_sorted(connection, "SELECT * FROM t ORDER BY id, seq", ["id", "seq"], **options)
    assert list(spill.iterdir()) == []


def test_sorts_at_the_same_time_each_have_their_memory(spilling):
    database, spill = spilling
    failures = []
    options = {"datafusion.memory_limit": "16MiB", "datafusion.target_partitions": "2"}

    def sort():
        try:
            with manager.AdbcConnection(database) as connection:
                check_sorted(connection, "SELECT * FROM t ORDER BY name, seq", ["name", "seq"], **options)
        except Exception as failure:
            failures.append(failure)

    before = resident_bytes()
    sorts = [threading.Thread(target=sort) for _ in range(4)]
    for thread in sorts:
        thread.start()
    for thread in sorts:
        thread.join()
    assert failures == []
    assert resident_bytes() - before < (4 * 16 + 200) << 20
    assert list(spill.iterdir()) == []


def test_sorts_that_share_a_databases_memory_all_end(driver, shuffled):
    with manager.AdbcDatabase(driver=driver, **{"datafusion.memory_limit": "48MiB"}) as database:
        with manager.AdbcConnection(database) as one, manager.AdbcConnection(database) as other:
            run(one, f"CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{shuffled}'")
            ordered = "SELECT id FROM t ORDER BY id, seq"
            with reader(one, ordered) as first, reader(other, ordered) as second:
                for batch in first:
                    pass
                for batch in second:
                    pass


def test_a_result_given_up_half_way_leaves_no_spill_files(spilling):
    database, spill = spilling
    with manager.AdbcConnection(database) as connection:
        with reader(connection, "SELECT * FROM t ORDER BY id", **{"datafusion.memory_limit": "16MiB"}) as stream:
            stream.read_next_batch()
            assert any(path.is_file() for path in spill.rglob("*"))
        assert list(spill.iterdir()) == []


def test_a_cancelled_sort_leaves_no_spill_files(spilling):
    database, spill = spilling
    with manager.AdbcConnection(database) as connection, manager.AdbcStatement(connection) as statement:
        statement.set_options(**{"datafusion.memory_limit": "16MiB"})
        statement.set_sql_query("SELECT * FROM t ORDER BY id")
        handle, _ = statement.execute_query()
        stream = pa.RecordBatchReader._import_from_c(handle.address)
        threading.Timer(0.3, statement.cancel).start()
        with contextlib.suppress(pa.ArrowInvalid, pa.ArrowCancelled):
            for batch in stream:
                pass
        stream.close()
    assert list(spill.iterdir()) == []


# Runs a query, and once the test says so reads a line of standard input, with the result still open.
OTHER_PROCESS = """
import sys
import adbc_driver_manager as manager
import pyarrow as pa
driver, spill, sql = sys.argv[1:]
options = {"datafusion.spill_path": spill, "datafusion.memory_limit": "16MiB"}
with manager.AdbcDatabase(driver=driver, **options) as database:
    with manager.AdbcConnection(database) as connection:
        with manager.AdbcStatement(connection) as statement:
            statement.set_sql_query(sql)
            handle, _ = statement.execute_query()
            stream = pa.RecordBatchReader._import_from_c(handle.address)
            stream.read_next_batch()
            print("read", flush=True)
            sys.stdin.readline()
"""


def test_what_a_crash_leaves_is_removed_by_the_next_process_but_not_what_is_in_use(
    driver, tmp_path
):
    spill = tmp_path / "spill"

    def start(sql):
        command = [sys.executable, "-c", OTHER_PROCESS, str(driver), str(spill), sql]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"read\n"
        return process

    def end(process):
        process.communicate(b"\n", timeout=60)
        assert process.returncode == 0

    def files():
        return [path for path in spill.rglob("*") if path.is_file()]

    sorting = start("SELECT value FROM generate_series(1, 3000000) ORDER BY value % 7919")
    in_use = files()
    assert in_use
    end(start("SELECT 1"))
    assert files() == in_use
    sorting.kill()
    sorting.communicate()
    assert files() == in_use
    end(start("SELECT 1"))
    assert list(spill.iterdir()) == []


def test_a_folder_for_spill_files_that_cannot_be_made_is_named(spilling):
    database, spill = spilling
    path = spill / "not" / "there"
    with manager.AdbcConnection(database) as connection:
        with pytest.raises(Exception, match=f"(?s){path}.*No such file"):
            run(connection, "SELECT 1", **{"datafusion.spill_path": str(path)})


def test_the_spill_limit_is_kept(spilling):
    database, _ = spilling
    options = {"datafusion.memory_limit": "16MiB", "datafusion.spill_limit": "1MiB"}
    with manager.AdbcConnection(database) as connection:
        with pytest.raises(Exception, match="disk space|temp"):
            check_sorted(connection, "SELECT * FROM t ORDER BY id", ["id"], **options)
