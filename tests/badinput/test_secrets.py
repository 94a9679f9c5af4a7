"""Values of options, of the uri and of variables appear in no output, whatever fails."""

import pyarrow as pa
import pytest
from simple_job import create_table, write_job

SECRET = "correct-horse-battery"
ROWS = pa.table({"id": [1, 2, 3]})

JOBS = {
    "an option that the driver does not know": {"engine": {"options": {"no.such.option": SECRET}}},
    "an option with a wrong value": {
        "engine": {"options": {"datafusion.target_partitions": SECRET}}
    },
    "a uri": {"engine": {"uri": f"https://user:{SECRET}@example.invalid/"}},
    "a driver that does not exist": {
        "engine": {"driver": "nowhere", "uri": SECRET, "options": {"password": SECRET}}
    },
    "a variable in the uri": {
        "engine": {"uri": "https://user:${SHEAF_TEST_SECRET}@example.invalid/"}
    },
    "a variable in an option": {"engine": {"options": {"no.such.option": "${SHEAF_TEST_SECRET}"}}},
    "a variable in a wrong set-up statement": {
        "setup": [
            create_table("A"),
            "CREATE EXTERNAL TABLE x OPTIONS ('password' '${SHEAF_TEST_SECRET}')",
        ]
    },
    "a variable in a statement for a file that is missing": {
        "setup": [
            "CREATE EXTERNAL TABLE x STORED AS PARQUET OPTIONS ('no.such' '${SHEAF_TEST_SECRET}') "
            "LOCATION 'A.parquet'"
        ]
    },
    "a variable where a number belongs": {"batch": {"max_bytes": "${SHEAF_TEST_SECRET}"}},
    "a variable as a misspelt word": {"batch": {"ties": "${SHEAF_TEST_SECRET}"}},
    "a job that is right": {
        "engine": {"setup": [create_table("A"), "SELECT '${SHEAF_TEST_SECRET}'"]}
    },
}


@pytest.mark.parametrize("command", ["run", "explain"])
@pytest.mark.parametrize("sections", JOBS.values(), ids=JOBS.keys())
def test_no_output_shows_a_secret_in(sheaf, tmp_path, sections, command):
    job = write_job(tmp_path, {"A": ROWS}, **sections)
    result = sheaf.run(command, job, env={"SHEAF_TEST_SECRET": SECRET}, cwd=tmp_path)
    assert result.code in (0, 1, 2)
    assert SECRET not in result.out + result.err
    for path in (tmp_path / "out").rglob("*") if (tmp_path / "out").exists() else ():
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path
