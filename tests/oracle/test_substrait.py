"""Tables given as Substrait plans: no SQL at all."""

import pyarrow as pa
import pytest
from run_directory import read_run
from simple_job import write_job
from substrait_plans import substrait_scan

TABLES = {
    "a": pa.table({"id": [7, 3, 3, 5], "v": [1, 2, 3, 4]}),
    "r": pa.table({"id": [5, 1, 3, 9], "v": [10, 20, 30, 40]}),
}


@pytest.fixture
def job(tmp_path):
    for name in TABLES:
        (tmp_path / f"{name}.plan").write_bytes(substrait_scan(name, "id", "v"))
    return write_job(
        tmp_path,
        TABLES,
        selects="a",
        fields={
            "a": {"substrait": "a.plan", "order_by": ["v"]},
            "r": {"substrait": "r.plan"},
        },
    )


def test_plans_deliver_their_rows(sheaf, job):
    result = sheaf.run("run", job)
    assert result.code == 0, result.err
    (a,), (r,) = (read_run(job.parent / "out").tables[name] for name in TABLES)
    assert a.to_pydict() == {"id": [3, 3, 5, 7], "v": [2, 3, 4, 1]}
    assert r.to_pydict() == {"id": [3, 5], "v": [30, 10]}


def test_merge_verifies_the_order_that_it_cannot_ask_for(sheaf, job):
    result = sheaf.run("run", job, "--strategy", "merge")
    assert result.code == 1
    assert "rows are not in order of key" in result.err
