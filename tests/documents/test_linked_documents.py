"""Documents hold linked tables inside the rows that they hang on, as DuckDB joins the same files; and the
report counts what it finds there."""

import json
from random import Random

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import simple_job
from arrow_stream import run_to_batches

# What hangs on what: table -> (owner, column of the owner, own key column, kind of link).
LINKS = {
    "res": ("A", "r", "rid", "reference"),  # named by many rows of A, in several batches
    "res_tags": ("res", "number", "of", "child"),  # grandchildren of a reference table
    "EA": ("E", "eid", "of", "child"),
    "words": ("EA", "word", "wid", "reference"),  # a link of a link
}
KEYED = ("A", "E")


def _text(rng):
    return rng.choice((None, "", "x", 'say "x"', "é日", "long " * 9))


def _rows(rng, count, **columns):
    """Rows in random order; `n`, unique, is the order of those of one key."""
    rows = [{name: draw(i) for name, draw in columns.items()} for i in range(count)]
    rng.shuffle(rows)
    return [{**row, "n": n, "text": _text(rng)} for n, row in enumerate(rows)]


def _random_tables(rng, single):
    """Rows of all tables: some hang on nothing, some have nothing that hangs on them, some columns are null.
    Those in `single` have at most one row a key."""
    keys = rng.sample(range(-500, 500), 120)
    resources, words = rng.sample(range(1000), 12), rng.sample(range(1000), 20)

    def parents(numbers, table, count):
        if table in single:
            return rng.sample(numbers, min(count, len(numbers)))
        return [rng.choice(numbers) for _ in range(count)]

    of_res = parents(resources[:8], "res", 20)
    of_words = parents(words[:15], "words", 30)
    of_events = parents(range(300), "EA", 250)
    of_tags = parents(range(len(of_res) + 3), "res_tags", 30)
    return {
        "A": _rows(
            rng,
            200,
            id=lambda i: keys[i] if i < 100 else rng.choice(keys[:100]),
            r=lambda _: rng.choice((None, *resources)),
        ),
        "E": _rows(
            rng,
            260,
            id=lambda _: rng.choice(keys),
            eid=lambda i: None if i % 7 == 0 else i,
        ),
        "res": _rows(rng, len(of_res), rid=lambda i: of_res[i], number=lambda i: i),
        "res_tags": _rows(rng, len(of_tags), of=lambda i: of_tags[i]),
        "EA": _rows(
            rng,
            len(of_events),
            of=lambda i: of_events[i],
            word=lambda _: rng.choice((None, *words)),
        ),
        "words": _rows(rng, len(of_words), wid=lambda i: of_words[i]),
    }


def _fields(single):
    fields = {name: {"order_by": ["n"]} for name in (*KEYED, *LINKS)}
    for name, (owner, column, key, kind) in LINKS.items():
        link = {"references": {"table": owner, "columns": [column]}}
        if kind == "child":
            link = {"parent": owner, "parent_columns": [column]}
        fields[name] |= {"key": [key], **link}
    for name in single:
        fields[name]["rows_per_key"] = "at_most_one"
    return fields


def _with_members(name, single):
    """SQL: the rows of a table, each with what hangs on it."""
    members, joins = "", ""
    for linked, (owner, column, key, _) in LINKS.items():
        if owner != name:
            continue
        groups = f"SELECT {key}, list(line ORDER BY n) AS rows FROM {_with_members(linked, single)} line GROUP BY {key}"
        joins += f" LEFT JOIN ({groups}) AS of_{linked} ON of_{linked}.{key} = o.{column}"
        members += f", {_member(linked, single)}"
    return f"(SELECT o.*{members} FROM {name} o{joins})"


def _member(name, single):
    rows = f"of_{name}.rows"
    return f"{rows}[1] AS {name}" if name in single else f"coalesce({rows}, []) AS {name}"


def _documents(database, single):
    """What DuckDB makes of the same tables."""
    members, joins = "", ""
    for name in KEYED:
        groups = f"SELECT id, list(line ORDER BY n) AS rows FROM {_with_members(name, single)} line GROUP BY id"
        joins += f" LEFT JOIN ({groups}) AS of_{name} ON of_{name}.id = k.id"
        members += f", {_member(name, single)}"
    query = f"SELECT k.id AS key{members} FROM (SELECT DISTINCT id FROM A) k{joins} ORDER BY key"
    return database.sql(query).to_arrow_table().to_pylist()


@pytest.fixture(params=range(6))
def case(request, tmp_path):
    """A job on random tables, and the documents that are due."""
    print(f"seed {request.param}")
    rng = Random(request.param)
    single = {name for name in LINKS if rng.random() < 0.4}
    tables = {name: pa.Table.from_pylist(rows) for name, rows in _random_tables(rng, single).items()}
    batch = {"max_keys": rng.choice((7, 40, 1000)), "strategy": rng.choice(("merge", "partition", "probe"))}
    job = simple_job.write_job(tmp_path, tables, fields=_fields(single), batch=batch)
    database = duckdb.connect()
    for name, rows in tables.items():
        database.register(name, rows)
    due = _documents(database, single)
    for name in LINKS:
        opening = "{" if name in single else "[{"
        assert f"'{name}': {opening}" in str(due), f"no row of {name} is due: the case shows nothing"
    return job, due


def test_json_documents_hold_linked_rows_in_the_rows_that_they_hang_on(sheaf, case):
    job, due = case
    run = sheaf.run("run", job, "--format", "jsonl", "--out", "-")
    assert run.code == 0, run.err
    assert [json.loads(line) for line in run.out.splitlines()] == due


def test_nested_parquet_holds_the_same(sheaf, case, tmp_path):
    job, due = case
    run = sheaf.run("run", job, "--format", "nested")
    assert run.code == 0, run.err
    rows = pq.read_table(tmp_path / "out" / "documents").rename_columns({"id": "key"})
    assert rows.to_pylist() == due


def test_an_arrow_stream_holds_the_same(sheaf, case):
    job, due = case
    rows = pa.Table.from_batches(run_to_batches(sheaf, job)).rename_columns({"id": "key"})
    assert rows.to_pylist() == due


def _sizes(rows, owner, found):
    """How many rows each key of each linked table has: those that these rows of `owner` name."""
    for name, (other, column, _, _) in LINKS.items():
        for row in rows if other == owner else ():
            members = row[name] if isinstance(row[name], list) else [row[name]] if row[name] else []
            if row[column] is not None:
                found.setdefault(name, {})[row[column]] = len(members)
            _sizes(members, name, found)
    return found


@pytest.mark.parametrize("max_keys", [9, 1000])
def test_the_report_counts_the_rows_of_each_key_of_a_linked_table(sheaf, case, tmp_path, max_keys):
    job, due = case
    assert sheaf.run("run", job, "--max-keys", max_keys).code == 0
    totals = json.loads((tmp_path / "out" / "_SUCCESS").read_text("utf-8"))
    found = {}
    for document in due:
        for name in KEYED:
            _sizes(document[name], name, found)
    for name, sizes in found.items():
        rows = totals["tables"][name]["rows_per_key"]
        ascending = sorted(sizes.values())
        assert (rows["min"], rows["max"]) == (ascending[0], ascending[-1])
        assert [large["rows"] for large in rows["largest"]] == [n for n in ascending[::-1][:10] if n]
        for large in rows["largest"]:
            (key,) = large["key"].values()
            assert sizes[key] == large["rows"]
        if max_keys > len(due):  # in several batches a key without rows counts for each
            assert totals["tables"][name]["keys_without_rows"] == ascending.count(0)
            assert rows["mean"] == pytest.approx(sum(ascending) / len(ascending))
            assert rows["p50"] == ascending[(len(ascending) + 1) // 2 - 1]


def test_a_linked_table_called_as_a_column_beside_it_is_an_error_before_the_first_batch(sheaf, tmp_path):
    job = simple_job.write_job(
        tmp_path,
        {"A": pa.table({"id": [1], "r": [2]}), "r": pa.table({"rid": [2]})},
        fields={"r": {"key": ["rid"], "references": {"table": "A", "columns": ["r"]}}},
    )
    run = sheaf.run("run", job, "--format", "jsonl")
    assert run.code == 1
    assert 'table "r": in documents its rows are "r" of table "A", which has a column' in run.err
    assert not (tmp_path / "out").exists()
    assert sheaf.run("run", job).code == 0
