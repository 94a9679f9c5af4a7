"""Documents hold, for each key, what DuckDB says of the same files."""

import json
from decimal import Decimal
from itertools import groupby
from random import Random

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import simple_job
from typed_tables import json_forms, random_table, read_row

SEEDS = range(6)


@pytest.fixture(params=SEEDS)
def run(request, sheaf, tmp_path):
    """Runs a random job in a format, into a folder that it returns; and DuckDB with its tables."""
    print(f"seed {request.param}")
    rng = Random(request.param)
    keys = rng.sample(range(-500, 500), 300)
    selected = keys[:200]
    ids = {
        "A": selected + [rng.choice(selected) for _ in range(rng.choice((0, 1000)))],
        "P": rng.sample(keys, 150),
        "R": [rng.choice(keys) for _ in range(500)],
    }
    for rows in ids.values():
        rng.shuffle(rows)
    job = simple_job.write_job(
        tmp_path,
        {name: random_table(rng, rows) for name, rows in ids.items()},
        fields={
            "A": {"order_by": ["n DESC"]},
            "P": {"rows_per_key": rng.choice(("one", "at_most_one"))},
            "R": {"order_by": ["n"]},
        },
        batch={
            "max_keys": rng.choice((7, 64, 1000)),
            "strategy": rng.choice(("merge", "partition", "probe")),
        },
    )
    database = duckdb.connect()
    for name in ids:
        database.execute(f"CREATE VIEW {name} AS FROM '{tmp_path / name}.parquet'")

    def run_format(name, *options):
        result = sheaf.run("run", job, "--format", name, *options)
        assert result.code == 0, result.err
        return tmp_path / "out"

    return run_format, database


def groups(database, table, order):
    """Each key's rows of a table, as DuckDB has them in JSON's types."""
    columns = [row[0] for row in database.execute(f"DESCRIBE {table}").fetchall()]
    query = f"SELECT {json_forms(columns)} FROM {table} WHERE id IN (SELECT id FROM A) ORDER BY id, {order}"
    rows = [dict(zip(columns, row, strict=True)) for row in database.execute(query).fetchall()]
    return {key: list(group) for key, group in groupby(rows, lambda row: row["id"])}


def read_documents(out):
    files = sorted((out / "documents").iterdir())
    assert [file.name for file in files] == [f"batch-{i:06}.jsonl" for i in range(len(files))]
    return [
        json.loads(line, parse_float=Decimal)
        for file in files
        for line in file.read_text("utf-8").splitlines()
    ]


def test_json_documents_hold_the_rows_of_their_key_in_order(run):
    run_format, database = run
    documents = read_documents(run_format("jsonl"))
    a, p, r = groups(database, "A", "n DESC"), groups(database, "P", "n"), groups(database, "R", "n")
    assert [document["key"] for document in documents] == sorted(a)
    for document in documents:
        assert list(document) == ["key", "A", "P", "R"]
        key = document["key"]
        assert list(map(read_row, document["A"])) == a[key]
        assert list(map(read_row, document["R"])) == r.get(key, [])
        if document["P"] is None:
            assert key not in p
        else:
            assert [read_row(document["P"])] == p[key]


def test_nested_parquet_holds_the_rows_of_its_key_in_order(run):
    run_format, database = run
    out = run_format("nested")
    database.execute(f"CREATE VIEW nested AS FROM '{out}/documents/*.parquet'")
    keys = [key for (key,) in database.execute("SELECT id FROM nested").fetchall()]
    assert keys == [
        key for (key,) in database.execute("SELECT DISTINCT id FROM A ORDER BY id").fetchall()
    ]
    delivered = {
        "A": "SELECT unnest(row) FROM (SELECT unnest(A) AS row FROM nested)",
        "R": "SELECT unnest(row) FROM (SELECT unnest(R) AS row FROM nested)",
        "P": "SELECT unnest(P) FROM nested WHERE P IS NOT NULL",
    }
    for table, query in delivered.items():
        expected = f"SELECT * FROM {table} WHERE id IN (SELECT id FROM A)"
        for left, right in ((query, expected), (expected, query)):
            rows = database.execute(f"({left}) EXCEPT ALL ({right})").fetchall()
            assert rows == [], f"table {table}"
    for table, order in (("A", "reverse_sort"), ("R", "sort")):
        assert database.execute(
            f"SELECT count(*) FROM (SELECT list_transform({table}, lambda x: x.n) AS n FROM nested) "
            f"WHERE n <> list_{order}(n)"
        ).fetchall() == [(0,)]


def test_local_ids_number_the_keys_of_each_batch(run):
    run_format, database = run
    out = run_format("parquet", "--set", "output.local_id=uint16", "--max-keys", "64")
    for table in ("A", "P", "R"):
        wrong = database.execute(f"""
            WITH keys AS (SELECT DISTINCT id FROM A),
                 ranks AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS rank FROM keys)
            SELECT count(*) FROM '{out}/{table}/*.parquet' JOIN ranks USING (id)
            WHERE local_id <> rank % 64""").fetchall()
        assert wrong == [(0,)]
        file = pq.ParquetFile(next((out / table).iterdir()))
        assert file.schema_arrow.names[0] == "local_id"
        assert str(file.schema_arrow.field(0).type) == "uint16"


def test_the_report_counts_the_rows_of_each_key(run):
    run_format, database = run
    totals = json.loads((run_format("parquet") / "_SUCCESS").read_text("utf-8"))
    for name, table in totals["tables"].items():
        sizes = database.execute(f"""
            SELECT count(rows.id) FROM (SELECT DISTINCT id FROM A) keys
            LEFT JOIN {name} rows ON rows.id = keys.id GROUP BY keys.id ORDER BY 1""").fetchall()
        sizes = [size for (size,) in sizes]
        rows = table["rows_per_key"]
        assert (rows["min"], rows["max"]) == (sizes[0], sizes[-1])
        assert rows["mean"] == pytest.approx(sum(sizes) / len(sizes))
        assert rows["p50"] == sizes[-(-len(sizes) * 50 // 100) - 1]
        assert rows["p99"] == sizes[-(-len(sizes) * 99 // 100) - 1]
        assert [large["rows"] for large in rows["largest"]] == [s for s in sizes[::-1][:10] if s > 0]
        for large in rows["largest"]:
            count = database.execute(
                f"SELECT count(*) FROM {name} WHERE id = ?", [large["key"]["id"]]
            ).fetchall()
            assert count == [(large["rows"],)]


def test_a_row_of_columns_that_are_never_null_may_be_missing(sheaf, tmp_path):
    never_null = pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False),
            pa.field("s", pa.struct([pa.field("x", pa.int64(), nullable=False)]), nullable=False),
        ]
    )
    job = simple_job.write_job(
        tmp_path,
        {
            "A": pa.table({"id": [1, 2]}),
            "P": pa.table({"id": [2], "s": [{"x": 5}]}, schema=never_null),
        },
        fields={"P": {"rows_per_key": "one"}},
    )
    assert sheaf.run("run", job, "--format", "nested").code == 0
    table = pq.read_table(tmp_path / "out" / "documents")
    assert table.column("P").to_pylist() == [None, {"id": 2, "s": {"x": 5}}]
