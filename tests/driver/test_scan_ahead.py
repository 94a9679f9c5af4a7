"""Ordered files, read by several threads: the rows come in their order all the same."""

import threading
import time

import adbc_driver_manager as manager
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support import queries_end, reader, rows, run

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


@pytest.mark.parametrize("partitions", ["1", "2", "3", "8"])
def test_rows_come_in_the_order_of_the_files(connection, files, partitions):
    declare(connection, files)
    options = {**AHEAD, "datafusion.target_partitions": partitions}
    shown = plan(connection, QUERY, **options)
    assert "InOrderExec: ranges=3" in shown and "SortPreservingMergeExec" not in shown, shown
    with reader(connection, QUERY, **options) as stream:
        found = stream.read_all()
    ids = np.arange(2 * ROWS_A_FILE)
    assert np.array_equal(found["id"].to_numpy(), ids[ids % 5 != 0])
    whole = pq.read_table(files)["noise"].to_numpy()
    assert np.array_equal(found["noise"].to_numpy(), whole[ids % 5 != 0])


@pytest.mark.parametrize(
    ("order", "sql", "options"),
    [
        ("", QUERY, {}),  # a sort, which reads in any order
        ("WITH ORDER (id ASC)", QUERY, {"datafusion.target_partitions": "1"}),
        ("WITH ORDER (id ASC)", QUERY + " LIMIT 3", AHEAD),  # rows that nobody wants
    ],
)
def test_other_queries_are_read_as_before(connection, files, order, sql, options):
    declare(connection, files, order)
    assert "InOrderExec" not in plan(connection, sql, **options)


@pytest.mark.parametrize(
    ("ids", "order"),
    [
        (np.arange(ROWS_A_FILE) + ROWS_A_FILE // 2, "id ASC"),  # among those of the first file
        (np.arange(ROWS_A_FILE) + 1.0 * ROWS_A_FILE, "id ASC"),  # statistics leave NaN out
        (pa.array([*range(ROWS_A_FILE, 2 * ROWS_A_FILE - 1), None]), "id ASC"),
        (np.arange(ROWS_A_FILE) + ROWS_A_FILE, "id ASC, noise ASC"),
    ],
)
def test_files_that_may_overlap_are_merged(connection, files, ids, order):
    for number, part in enumerate([np.arange(ROWS_A_FILE), ids]):
        table = pa.table({"id": part, "noise": np.zeros(ROWS_A_FILE)})
        table = table.set_column(0, "id", table["id"].cast(pa.array(ids).type))
        pq.write_table(table, files / f"{number}.parquet", row_group_size=50_000)
    declare(connection, files, f"WITH ORDER ({order})")
    options = {**AHEAD, "datafusion.target_partitions": "2"}
    query = QUERY + (", noise" if "noise" in order else "")
    assert "InOrderExec" not in plan(connection, query, **options)
    keys = [row[0] for row in rows(connection, query, **options)]
    assert keys == [row[0] for row in rows(connection, query)]


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


def test_a_cancel_ends_a_read_of_ranges(connection, files):
    declare(connection, files)
    with manager.AdbcStatement(connection) as statement:
        statement.set_options(**AHEAD)
        digest = "CAST(noise AS VARCHAR)"
        for _ in range(40):  # some 10 microseconds a row
            digest = f"sha512({digest})"
        statement.set_sql_query(f"SELECT id FROM t WHERE {digest} = X'00' ORDER BY id")
        handle, _ = statement.execute_query()
        with pa.RecordBatchReader._import_from_c(handle.address) as stream:
            assert "InOrderExec" in statement.get_option("datafusion.explain")
            threading.Timer(0.3, statement.cancel).start()
            start = time.monotonic()
            with pytest.raises(pa.ArrowException, match="cancelled"):
                stream.read_all()
            assert time.monotonic() - start < 5
            with pytest.raises(pa.ArrowException, match="cancelled"):
                stream.read_next_batch()  # an error never looks like an end


def write_clustered(folder, ids, **columns):
    """Two files, the later ids in the first: row groups of 10,000 rows, which stand in any order there."""
    random = np.random.default_rng(12)
    folder.mkdir(exist_ok=True)
    groups = np.arange(len(ids)) // 10_000
    table = pa.table({"id": ids, **columns}).take(np.lexsort((random.random(len(ids)), groups)))
    half = len(ids) // 2
    pq.write_table(table.slice(half), folder / "0.parquet", row_group_size=10_000)
    pq.write_table(table.slice(0, half), folder / "1.parquet", row_group_size=10_000)
    return folder


def test_files_whose_row_groups_follow_each_other_are_sorted_range_by_range(connection, tmp_path):
    ids = np.arange(80_000) // 3  # some keys stand in two row groups
    folder = write_clustered(tmp_path / "t", ids, row=np.arange(80_000))
    declare(connection, folder, order="")
    query = "SELECT row, key FROM (SELECT row, id AS key FROM t WHERE row % 7 <> 0) ORDER BY key"
    shown = plan(connection, query, **AHEAD)
    assert "SortRangesExec: id" in shown and "SortExec" not in shown, shown
    with reader(connection, query, **AHEAD) as stream:
        found = stream.read_all()
    wanted = np.arange(80_000)[np.arange(80_000) % 7 != 0]
    assert np.array_equal(found["key"].to_numpy(), ids[wanted])
    assert np.array_equal(np.sort(found["row"].to_numpy()), wanted)


def test_a_range_that_is_in_order_is_not_read_to_its_end_first(connection, files):
    declare(connection, files, order="")
    assert "SortRangesExec: id" in plan(connection, QUERY, **AHEAD)
    path = files / "0.parquet"
    noise = pq.ParquetFile(path).metadata.row_group(0).column(1)
    end = noise.dictionary_page_offset or noise.data_page_offset
    end += noise.total_compressed_size
    data = bytearray(path.read_bytes())
    data[end - 4096 : end] = b"\xff" * 4096
    path.write_bytes(data)
    with reader(connection, QUERY, **AHEAD) as stream:
        assert stream.read_next_batch()["id"][0].as_py() == 1
        with pytest.raises(pa.ArrowException):
            stream.read_all()


@pytest.mark.parametrize("place", [1, 8191, 8192, 8193, 19_999])
def test_one_row_out_of_order_is_put_in_order(connection, tmp_path, place):
    ids = np.arange(0, 80_000, 2)
    ids[[place - 1, place]] = ids[[place, place - 1]]
    (tmp_path / "t").mkdir()
    table = pa.table({"id": ids, "row": np.arange(40_000)})
    pq.write_table(table, tmp_path / "t" / "0.parquet", row_group_size=20_000)
    declare(connection, tmp_path / "t", order="")
    query = "SELECT id, row FROM t ORDER BY id"
    assert "SortRangesExec: id" in plan(connection, query, **AHEAD)
    found = rows(connection, query, **AHEAD, **{"datafusion.execution.batch_size": "8192"})
    order = np.argsort(ids)
    assert found == list(zip(ids[order].tolist(), order.tolist(), strict=True))


def test_a_sort_of_several_partitions_stays_one(connection, tmp_path):
    ids = np.arange(80_000)
    declare(connection, write_clustered(tmp_path / "t", ids), order="")
    query = "SELECT id FROM t ORDER BY id"
    options = {**AHEAD, "datafusion.target_partitions": "4"}
    assert [row[0] for row in rows(connection, query, **options)] == ids.tolist()


@pytest.mark.parametrize(
    ("ids", "order"),
    [
        (np.roll(np.arange(80_000), 5), "id"),  # the row groups overlap
        (pa.array([None, *range(79_999)]), "id"),
        (np.arange(80_000) / 2, "id"),  # statistics leave NaN out
        (np.arange(80_000), "id DESC"),
        (np.arange(80_000), "-id"),
        (np.arange(80_000), "id, row"),
    ],
)
def test_other_sorts_are_sorts_of_the_whole(connection, tmp_path, ids, order):
    declare(connection, write_clustered(tmp_path / "t", ids, row=np.arange(80_000)), order="")
    query = f"SELECT id, row FROM t ORDER BY {order}"
    assert "SortRangesExec" not in plan(connection, query, **AHEAD)
    expected = rows(connection, query, **{"datafusion.target_partitions": "1"})
    assert [row[0] for row in rows(connection, query, **AHEAD)] == [row[0] for row in expected]


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_the_number_of_ranges_is_a_whole_number(connection, value):
    with pytest.raises(manager.ProgrammingError, match="whole number above 0"):
        connection.set_options(**{"datafusion.scan_ahead": value})
