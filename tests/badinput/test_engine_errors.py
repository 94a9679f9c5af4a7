"""What the engine or the tables refuse: one line that names the table, and exit code 1."""

import pyarrow as pa
import pytest
from refusal import refused
from simple_job import create_table, write_job

ROWS = pa.table({"id": [1, 2, 3], "timestamp": [5, 6, 7], "body": ["a", "b", "c"]})


def _keyed(values, kind):
    return pa.table({"id": pa.array(values).cast(kind)})


def test_a_missing_table_is_named_with_the_nearest_that_exists(sheaf, tmp_path):
    tables = {"A": ROWS, "resource_attrs": ROWS}
    write_job(tmp_path, tables, fields={"resource_attrs": {"source": "resource_atrs"}})
    refused(sheaf, tmp_path, 1, '"resource_atrs"', '"resource_attrs"')


def test_a_missing_key_column_is_named_with_the_nearest_that_exists(sheaf, tmp_path):
    write_job(tmp_path, {"A": ROWS, "R": ROWS}, fields={"R": {"key": ["timestmp"]}})
    refused(sheaf, tmp_path, 1, 'table "R"', '"timestmp"', '"timestamp"')


def test_a_missing_order_column_is_named_with_the_nearest_that_exists(sheaf, tmp_path):
    write_job(tmp_path, {"A": ROWS, "R": ROWS}, fields={"R": {"order_by": ["boddy"]}})
    refused(sheaf, tmp_path, 1, 'table "R"', '"boddy"', '"body"')


INCOMPARABLE = {
    "text and integers": (_keyed([1, 2], pa.int64()), _keyed(["1", "2"], pa.string())),
    "timestamps with and without a zone": (
        _keyed([1, 2], pa.timestamp("us")),
        _keyed([1, 2], pa.timestamp("us", "UTC")),
    ),
    "dates and timestamps": (
        _keyed([1, 2], pa.timestamp("us")),
        _keyed(pa.array([1, 2], pa.int32()), pa.date32()),
    ),
    "integers and floats": (_keyed([1, 2], pa.int64()), _keyed([1.0, 2.0], pa.float64())),
    "text and bytes": (_keyed(["1"], pa.string()), _keyed([b"1"], pa.binary())),
}  # fmt: skip


@pytest.mark.parametrize(("left", "right"), INCOMPARABLE.values(), ids=INCOMPARABLE.keys())
def test_keys_that_do_not_compare_are_refused_with_both_types_and_tables(
    sheaf, tmp_path, left, right
):
    write_job(tmp_path, {"A": left, "R": right})
    types = [
        str(rows.schema.field("id").type).replace("string", "").split("[")[0]
        for rows in (left, right)
    ]
    refused(sheaf, tmp_path, 1, '"A"', '"R"', *types)


def test_a_key_of_a_type_without_order_is_refused(sheaf, tmp_path):
    lists = pa.table({"id": pa.array([[1], [2]])})
    write_job(tmp_path, {"A": lists})
    refused(sheaf, tmp_path, 1, '"A"', '"id"', "list")


def test_a_syntax_error_in_a_query_names_the_table(sheaf, tmp_path):
    write_job(tmp_path, {"A": ROWS, "R": ROWS}, fields={"R": {"query": 'SELEC id\nFROM\n"R"'}})
    refused(sheaf, tmp_path, 1, 'table "R"')


def test_an_unknown_column_in_a_query_names_the_table_and_the_column(sheaf, tmp_path):
    write_job(
        tmp_path, {"A": ROWS, "R": ROWS}, fields={"R": {"query": 'SELECT id, "bodi" FROM "R"'}}
    )
    refused(sheaf, tmp_path, 1, 'table "R"', "bodi")


def test_a_setup_statement_that_fails_is_named_by_its_number(sheaf, tmp_path):
    write_job(tmp_path, {"A": ROWS}, setup=[create_table("A"), "CREATE NONSENSE"])
    refused(sheaf, tmp_path, 1, "2")


def test_an_unknown_driver_is_named(sheaf, tmp_path):
    write_job(tmp_path, {"A": ROWS}, engine={"driver": "datafusoin"})
    refused(sheaf, tmp_path, 1, '"datafusoin"', '"datafusion"')


FAILING = 'SELECT id, 10 / (id - {at}) AS ratio FROM "{table}"'


@pytest.mark.parametrize("selecting", [True, False])
@pytest.mark.parametrize("at", [0, 30_000, 59_999])
def test_a_query_that_fails_on_its_way_never_becomes_a_short_table(sheaf, tmp_path, selecting, at):
    rows = pa.table({"id": pa.array(range(60_000))})
    failing = "A" if selecting else "R"
    write_job(
        tmp_path,
        {"A": rows, "R": rows},
        fields={failing: {"query": FAILING.format(at=at, table=failing)}},
        batch={"max_keys": 5000},
        setup=[create_table(name, order="id ASC NULLS LAST") for name in ("A", "R")],
    )
    refused(sheaf, tmp_path, 1, f'table "{failing}"', "ivide by zero")


@pytest.mark.parametrize("failing", ["A", "R"])
def test_a_wrong_declaration_of_order_names_table_key_and_both_rows(sheaf, tmp_path, failing):
    right = pa.table({"id": [1, 2, 3, 5, 8, 13], "n": [11, 12, 13, 15, 18, 113]})
    wrong = pa.table({"id": [1, 2, 8, 5, 3, 13], "n": [11, 12, 18, 15, 13, 113]})
    tables = {"A": right, "R": right, failing: wrong}
    order = "id ASC NULLS LAST"
    write_job(tmp_path, tables, setup=[create_table(name, order=order) for name in tables])
    refused(sheaf, tmp_path, 1, f'table "{failing}"', "id=8", "n=18", "id=5", "n=15")


def test_a_wrong_order_after_many_right_rows_leaves_only_right_batches(sheaf, tmp_path):
    ids = list(range(100_000)) + [50_000]
    rows = pa.table({"id": ids})
    order = "id ASC NULLS LAST"
    write_job(
        tmp_path,
        {"A": rows},
        setup=[create_table("A", order=order)],
        engine={"options": {"datafusion.target_partitions": "1"}},
        batch={"max_keys": 100},
    )
    refused(sheaf, tmp_path, 1, 'table "A"', "id=99999", "id=50000")


def test_a_text_of_many_lines_still_makes_one_line(sheaf, tmp_path):
    twice = pa.table({"id": ["two\nlines\r\n", "two\nlines\r\n"]})
    write_job(tmp_path, {"A": twice}, fields={"A": {"rows_per_key": "one"}})
    refused(sheaf, tmp_path, 3, 'table "A"', "two")


def test_a_long_text_outside_ascii_is_cut_between_characters(sheaf, tmp_path):
    twice = pa.table({"id": ["ä" * 200 + "b", "ä" * 200 + "b"]})
    for shift in ("", "x"):
        folder = tmp_path / f"shift{shift}"
        folder.mkdir()
        shifted = pa.table({"id": [shift + value for value in twice["id"].to_pylist()]})
        write_job(folder, {"A": shifted}, fields={"A": {"rows_per_key": "one"}})
        refused(sheaf, folder, 3, "ää")
