"""A job file that is wrong: one line that says where, and code 2 (1 where it can't be read)."""

import pyarrow as pa
import pytest
from refusal import refused
from simple_job import write_job

ROWS = pa.table({"id": [1, 2, 3], "timestamp": [5, 6, 7], "body": ["a", "b", "c"]})


@pytest.fixture
def job(tmp_path):
    return write_job(tmp_path, {"A": ROWS, "R": ROWS})


def _replace(job, old, new):
    text = job.read_text()
    assert old in text
    job.write_text(text.replace(old, new, 1))


# What is replaced, and by what; the line that is wrong, the word in it, the nearest word.
MISSPELT = {
    "in batch": ("[batch]", "[batch]\nmax_key = 5", "max_key = 5", "max_key", "max_keys"),
    "in a table": (
        "selects_keys",
        "select_keys",
        "select_keys = true",
        "select_keys",
        "selects_keys",
    ),
    "in engine": ("[engine]", '[engine]\ndrivr = "x"', 'drivr = "x"', "drivr", "driver"),
    "in output": ("[output]", '[output]\nformt = "x"', 'formt = "x"', "formt", "format"),
    "of a section": ("[batch]", "[bach]", "[bach]", "bach", "batch"),
    "in policy": (
        "[batch]",
        '[policy]\nmising = "keep"\n[batch]',
        'mising = "keep"',
        "mising",
        "missing",
    ),
}


@pytest.mark.parametrize(
    ("old", "new", "wrong", "word", "nearest"), MISSPELT.values(), ids=MISSPELT.keys()
)
def test_a_misspelt_field_is_named_with_its_line_and_the_nearest_word(
    sheaf, job, tmp_path, old, new, wrong, word, nearest
):
    _replace(job, old, new)
    line = job.read_text().split("\n").index(wrong) + 1
    refused(sheaf, tmp_path, 2, f"job.toml:{line}", f'"{word}"', f'"{nearest}"')


WRONG_VALUES = {
    "a number for a string": ('dir = "out"', "dir = 5", "output.dir"),
    "a string for a number": ("[batch]\n", '[batch]\nmax_keys = "many"\n', "max_keys"),
    "no keys in a batch": ("[batch]\n", "[batch]\nmax_keys = 0\n", "max_keys"),
    "more keys than can be": ("[batch]\n", "[batch]\nmax_keys = 2147483648\n", "max_keys"),
    "a size that is none": ("[batch]\n", '[batch]\nmax_bytes = "1 apple"\n', "max_bytes"),
    "an unknown word": ("[batch]\n", '[batch]\nties = "fixd"\n', '"fixed"'),
    "a query of blanks": ('source = "R"', 'query = "  "', '"R"'),
    "a table with two sources": ('source = "R"', 'source = "R"\nquery = "SELECT 1"', '"R"'),
    "two tables of one name": ('name = "R"', 'name = "A"', '"A"'),
    "nobody selects keys": ("selects_keys = true", "", "selects_keys"),
    "keys of other lengths": ('source = "R"', 'source = "R"\nkey = ["id", "body"]', '"R"'),
    "an order that is none": (
        'source = "R"',
        'source = "R"\norder_by = ["body UPWARDS"]',
        "UPWARDS",
    ),
    "no TOML at all": ("[batch]", "[batch", "job.toml:"),
}


@pytest.mark.parametrize(("old", "new", "word"), WRONG_VALUES.values(), ids=WRONG_VALUES.keys())
def test_a_wrong_value_is_refused_before_an_engine_opens(sheaf, job, tmp_path, old, new, word):
    _replace(job, old, new)
    refused(sheaf, tmp_path, 2, "job.toml", word)


def test_an_unset_variable_is_named(sheaf, job, tmp_path):
    _replace(job, 'dir = "out"', 'dir = "${SHEAF_TEST_NOT_SET}"')
    refused(sheaf, tmp_path, 2, "job.toml", "SHEAF_TEST_NOT_SET")


def test_a_job_file_that_is_missing_is_named(sheaf, tmp_path):
    refused(sheaf, tmp_path, 1, "nowhere.toml", args=("run", tmp_path / "nowhere.toml"))


def test_a_folder_is_no_job_file(sheaf, tmp_path):
    refused(sheaf, tmp_path, 1, tmp_path.name, args=("run", tmp_path))


BAD_USAGE = [
    (("rnu", "job.toml"), '"run"'),
    (("run",), "JOB"),
    (("run", "job.toml", "--max-kyes", "5"), "--max-kyes"),
    (("run", "job.toml", "--max-keys", "0"), "max-keys"),
    (("run", "job.toml", "--format", "csv"), '"parquet"'),
    (("run", "job.toml", "--strategy", "hash"), '"merge"'),
]


@pytest.mark.parametrize(("arguments", "word"), BAD_USAGE)
def test_bad_usage_is_one_line_and_code_2(sheaf, job, tmp_path, arguments, word):
    refused(sheaf, tmp_path, 2, word, args=arguments)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("batch.max_kys=5", "max_kys"),
        ("batch.max_keys=many", "max_keys"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_wrong_override_is_refused(sheaf, job, tmp_path, value, word):
    refused(sheaf, tmp_path, 2, word, args=("run", job, "--set", value))
