"""Text that a query hands on as it is can come as views; whatever else it does, the rows are the same."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support import reader, run

VIEWS = {"datafusion.text_views": "true"}
ROWS = 20_000


@pytest.fixture
def table(connection, tmp_path):
    """Texts long and short, some null, in two files, as table t."""
    columns = {
        "id": pa.array(range(ROWS), pa.int64()),
        "long": pa.array([None if i % 7 == 0 else f"a text of some length, {i}" for i in range(ROWS)]),
        "short": pa.array([f"s{i % 10}" for i in range(ROWS)]),
        "raw": pa.array([i.to_bytes(20, "big") for i in range(ROWS)], pa.binary()),
    }
    rows = pa.table(columns)
    folder = tmp_path / "t"
    folder.mkdir()
    pq.write_table(rows.slice(0, ROWS // 2), folder / "0.parquet", row_group_size=3000)
    pq.write_table(rows.slice(ROWS // 2), folder / "1.parquet", row_group_size=3000)
    option = {"datafusion.execution.parquet.schema_force_view_types": "false"}
    connection.set_options(**option)
    run(connection, f"CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{folder}/'")


def both_ways(connection, sql):
    """The result with views, having checked that it equals the one without but for its types."""
    results = []
    for options in ({}, VIEWS):
        with reader(connection, sql, **options) as stream:
            results.append(stream.read_all())
    plain, views = results
    order = [(name, "ascending") for name in plain.column_names]
    assert views.cast(plain.schema).sort_by(order).equals(plain.sort_by(order))
    return views


def types(table):
    return {field.name: str(field.type) for field in table.schema}


def test_text_comes_as_views(connection, table):
    found = both_ways(connection, "SELECT * FROM t")
    assert types(found) == {
        "id": "int64",
        "long": "string_view",
        "short": "string_view",
        "raw": "binary_view",
    }


def test_without_the_option_it_is_plain(connection, table):
    with reader(connection, "SELECT long FROM t") as stream:
        assert types(stream.read_all()) == {"long": "string"}
    assert connection.get_option("datafusion.text_views") == "false"


def test_what_an_expression_looks_at_stays_plain(connection, table):
    sql = "SELECT id, long, short, short || '!' AS more FROM t WHERE long LIKE '%7' AND id > 100"
    found = both_ways(connection, sql)
    assert types(found) == {"id": "int64", "long": "string", "short": "string", "more": "string"}
    found = both_ways(connection, "SELECT id, raw AS bytes, long FROM t WHERE short = 's3'")
    assert types(found) == {"id": "int64", "bytes": "binary_view", "long": "string_view"}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, long FROM t ORDER BY short, id",
        "SELECT max(id) AS id, short FROM t GROUP BY short",
        "SELECT a.id, b.long FROM t AS a JOIN t AS b ON a.id = b.id",
        "SELECT id, long FROM t UNION ALL SELECT id, short FROM t",
        "SELECT id, long FROM (SELECT * FROM t ORDER BY id DESC LIMIT 10) ORDER BY id",
    ],
)
def test_queries_that_are_more_than_a_scan_are_as_before(connection, table, sql):
    assert "view" not in str(types(both_ways(connection, sql)))


def test_ranges_of_ordered_files_hand_views_on(connection, table, tmp_path):
    run(
        connection,
        f"CREATE EXTERNAL TABLE u STORED AS PARQUET WITH ORDER (id ASC) LOCATION '{tmp_path}/t/'",
    )
    options = {**VIEWS, "datafusion.scan_ahead": "2", "datafusion.target_partitions": "1"}
    with reader(connection, "SELECT id, long FROM u ORDER BY id", **options) as stream:
        found = stream.read_all()
    assert types(found) == {"id": "int64", "long": "string_view"}
    assert found["id"].to_pylist() == list(range(ROWS))
    assert found["long"][8].as_py() == "a text of some length, 8"
