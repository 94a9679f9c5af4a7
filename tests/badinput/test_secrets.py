"""Values of options, of the uri and of variables appear in no output, whatever fails."""

import pyarrow as pa
import pytest
from simple_job import create_table, write_job

SECRET = "correct-horse-battery"
ROWS = pa.table({"id": [1, 2, 3]})

VARIABLE = "${SHEAF_TEST_SECRET}"
URI = "https://user:{}@example.invalid/"
NO_FORMAT = f"CREATE EXTERNAL TABLE x OPTIONS ('password' '{VARIABLE}')"
NO_OPTION = NO_FORMAT.replace("OPTIONS", "STORED AS PARQUET OPTIONS") + " LOCATION 'A.parquet'"
RIGHT = f"SELECT * FROM \"A\" WHERE '{VARIABLE}' <> concat('x', id)"


def _option(name, value):
    return {"engine": {"options": {name: value}}}


# Sections of a job, its exit code, and what its output says beside the secret.
JOBS = {
    "an option that the driver lacks": (_option("no.such.option", SECRET), 1, "no.such.option"),
    "an option of another type": (_option("datafusion.target_partitions", SECRET), 1, "partitions"),
    "a uri": ({"engine": {"uri": URI.format(SECRET)}}, 1, "uri"),
    "options of a driver that does not exist": (
        {"engine": {"driver": "nowhere", "uri": SECRET, "options": {"password": SECRET}}},
        1,
        '"nowhere"',
    ),
    "a variable in the uri": ({"engine": {"uri": URI.format(VARIABLE)}}, 1, "uri"),
    "a variable in an option": (_option("no.such.option", VARIABLE), 1, "no.such.option"),
    "a variable in a wrong statement": (
        {"setup": [create_table("A"), NO_FORMAT]},
        1,
        "statement 2",
    ),
    "a variable in an option of a table": ({"setup": [NO_OPTION]}, 1, "statement 1"),
    "a variable in place of a number": ({"batch": {"max_bytes": VARIABLE}}, 2, "max_bytes"),
    "a variable in place of a word": ({"batch": {"ties": VARIABLE}}, 2, "ties"),
    "a variable in a query": ({"fields": {"A": {"query": RIGHT}}}, 0, "A"),
    "a variable in a query that is wrong": (
        {"fields": {"A": {"query": RIGHT.replace("concat", "conkat")}}},
        1,
        "conkat",
    ),
    "a variable in a right statement": (
        {"engine": {"setup": [create_table("A"), f"SELECT '{VARIABLE}'"]}},
        0,
        "A",
    ),
}


@pytest.mark.parametrize("command", ["run", "explain"])
@pytest.mark.parametrize(("sections", "code", "word"), JOBS.values(), ids=JOBS.keys())
def test_no_output_shows_a_secret_in(sheaf, tmp_path, sections, code, word, command):
    job = write_job(tmp_path, {"A": ROWS}, **sections)
    result = sheaf.run(command, job, env={"SHEAF_TEST_SECRET": SECRET}, cwd=tmp_path)
    assert result.code == code, result
    assert word in result.out + result.err
    assert SECRET not in result.out + result.err
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert bool(written) == (code == 0 and command == "run")
    assert not any(SECRET.encode() in path.read_bytes() for path in written)
