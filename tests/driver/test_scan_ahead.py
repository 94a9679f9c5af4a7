"""Ordered files, read by several threads: the rows come in their order all the same."""

import adbc_driver_manager as manager
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support import queries_end, reader, run

AHEAD = {"datafusion.scan_ahead": "3", "datafusion.target_partitions": "1"}
ROWS_A_FILE = 600_000
QUERY = "SELECT id, noise FROM t WHERE id % 5 <> 0 ORDER BY id"


@pytest.fixture
def files(tmp_path):
    """Two files of 10 MB, which are several ranges each: numbers that ascend, and noise."""
    random = np.random.default_rng(11)
    folder = tmp_path / "t"
    folder.mkdir()
    for number in range(2):
        ids = np.arange(ROWS_A_FILE) + number * ROWS_A_FILE
        noise = random.integers(0, 1 << 62, ROWS_A_FILE)
        table = pa.table({"id": ids, "noise": noise})
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=50_000)
    return folder


def declare(connection, files, order="WITH ORDER (id ASC)"):
    run(connection, f"CREATE EXTERNAL TABLE t STORED AS PARQUET {order} LOCATION '{files}/'")


def plan(connection, sql, **options):
    with manager.AdbcStatement(connection) as statement:
        statement.set_options(**options)
        statement.set_sql_query(sql)
        return statement.get_option("datafusion.explain")


def test_rows_come_in_the_order_of_the_files(connection, files):
    declare(connection, files)
    assert "InOrderExec: ranges=3" in plan(connection, QUERY, **AHEAD)
    with reader(connection, QUERY, **AHEAD) as stream:
        rows = stream.read_all()
    ids = np.arange(2 * ROWS_A_FILE)
    assert np.array_equal(rows["id"].to_numpy(), ids[ids % 5 != 0])
    whole = pq.read_table(files)["noise"].to_numpy()
    assert np.array_equal(rows["noise"].to_numpy(), whole[ids % 5 != 0])


@pytest.mark.parametrize(
    ("order", "sql", "options"),
    [
        ("", QUERY, AHEAD),  # a sort, which reads in any order
        ("WITH ORDER (id ASC)", QUERY, {"datafusion.target_partitions": "1"}),
        ("WITH ORDER (id ASC)", QUERY + " LIMIT 3", AHEAD),  # rows that nobody wants
    ],
)
def test_other_queries_are_read_as_before(connection, files, order, sql, options):
    declare(connection, files, order)
    assert "InOrderExec" not in plan(connection, sql, **options)


def test_a_damaged_range_is_an_error_and_no_end(connection, files):
    declare(connection, files)
    path = files / "1.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4096] = b"\xff" * 4096
    path.write_bytes(data)
    with reader(connection, QUERY, **AHEAD) as stream, pytest.raises(pa.ArrowException):
        stream.read_all()


def test_a_result_that_is_let_go_ends_its_ranges(driver, files):
    with manager.AdbcDatabase(driver=driver) as database:
        with manager.AdbcConnection(database) as connection:
            declare(connection, files)
            with reader(connection, QUERY, **AHEAD) as stream:
                assert stream.read_next_batch().num_rows > 0
    assert queries_end()


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_the_number_of_ranges_is_a_whole_number(connection, value):
    with pytest.raises(manager.ProgrammingError, match="whole number above 0"):
        connection.set_options(**{"datafusion.scan_ahead": value})
