"""The jobs on OTAP tables deliver what DuckDB finds in the same files, and name a file that is damaged."""

import json
import random
import subprocess
import sys
import tomllib

import duckdb
import pyarrow.parquet as pq
import pytest
from program import ROOT

OTAP = ROOT / "examples" / "otap"
JOBS = sorted(path.name for path in OTAP.glob("*.toml"))


def _generate(out, *arguments):
    subprocess.run([sys.executable, OTAP / "generate.py", "--out", out, *arguments], check=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three thousand logs, and what belongs to them, in three partitions: fewer might not name every table."""
    seed = random.randrange(10**6)
    print(f"generate.py --seed {seed}")
    folder = tmp_path_factory.mktemp("otap") / "data"
    _generate(folder, "--logs", "3000", "--parts", "3", "--seed", str(seed))
    return folder


def _job(name, folder, data, max_keys=50):
    """The job with small batches, beside the data; `folder` is new."""
    text = (OTAP / name).read_text("utf-8").replace("[batch]\n", f"[batch]\nmax_keys = {max_keys}\n")
    lines = [line for line in text.splitlines() if _is_there(line, data)]
    (folder / name).write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "data").symlink_to(data)
    return folder / name


def _is_there(line, data):
    """False for a statement that declares a table without a folder."""
    words = line.split()
    return "EXTERNAL" not in words or (data / words[words.index("TABLE") + 1]).exists()


def _check(job, data, out):
    return _python("check.py", job, data, out)


def _python(script, *arguments):
    command = [sys.executable, OTAP / script, *arguments]
    done = subprocess.run(command, timeout=120, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("strategy", ["merge", "partition", "probe"])
@pytest.mark.parametrize("name", JOBS)
def test_a_job_delivers_what_duckdb_finds(sheaf, data, tmp_path, name, strategy):
    job = _job(name, tmp_path, data)
    run = sheaf.run("run", job, "--strategy", strategy, "--out", tmp_path / "out")
    assert run.code == 0, run.err
    assert _check(job, data, tmp_path / "out")[0] == 0, _check(job, data, tmp_path / "out")[1]


def test_a_linked_table_that_exceeds_the_memory_is_the_same(sheaf, tmp_path):
    data = tmp_path / "files"
    _generate(data, "--logs", "60000", "--parts", "2")
    job = _job("traces.toml", tmp_path, data, 7000)
    everything = "table.spans.query=SELECT * FROM spans"
    small = ("--memory", "16MiB", "--strategy", "partition", "--set", everything)
    run = sheaf.run("run", job, *small, "--out", tmp_path / "out")
    assert run.code == 0, run.err
    text = job.read_text("utf-8").replace("SELECT * FROM spans WHERE status['code'] = 2", "FROM spans")
    job.write_text(text, "utf-8")
    code, report = _check(job, data, tmp_path / "out")
    assert code == 0, report


def test_tables_may_be_absent(sheaf, tmp_path):
    data = tmp_path / "files"
    _generate(data, "--logs", "400", "--without", "span_links", "span_link_attrs", "scope_attrs")
    job = _job("traces.toml", tmp_path, data)
    run = sheaf.run("run", job, "--out", tmp_path / "out")
    assert run.code == 0, run.err
    code, report = _check(job, data, tmp_path / "out")
    assert (code, report.count("absent")) == (0, 3), report


def test_another_engine_delivers_the_same(sheaf, data, tmp_path):
    job = _job("traces.toml", tmp_path, data)
    tables = [table["name"] for table in tomllib.loads(job.read_text("utf-8"))["table"]]
    views = [
        f"CREATE VIEW {table} AS FROM read_parquet('data/{table}/*/*.parquet', "
        "hive_partitioning = true, hive_types_autocast = false)"
        for table in tables
    ]
    engine = ("--set", f"engine.driver={duckdb_library()}", "--set", f"engine.setup={json.dumps(views)}")
    run = sheaf.run("run", job, *engine, "--out", tmp_path / "out")
    assert run.code == 0, run.err
    code, report = _check(job, data, tmp_path / "out")
    assert code == 0, report


def duckdb_library():
    import _duckdb

    assert duckdb.__version__
    return _duckdb.__file__


def test_the_check_finds_a_row_that_is_lost(sheaf, data, tmp_path):
    job = _job("logs-without-id.toml", tmp_path, data)
    assert sheaf.run("run", job, "--out", tmp_path / "out").code == 0
    file = next((tmp_path / "out" / "resource_attrs").iterdir())
    rows = pq.read_table(file)
    pq.write_table(rows.slice(1), file)
    code, report = _check(job, data, tmp_path / "out")
    assert code == 1 and report.endswith("different\n"), report


@pytest.fixture(params=["merge", "partition", "probe"])
def numbered(request, sheaf, data, tmp_path):
    """Runs a job with local ids and small batches, some of which hold keys of two partitions."""

    def run(name):
        job = _job(name, tmp_path, data)
        options = ("--strategy", request.param, "--set", "output.local_id=uint16")
        done = sheaf.run("run", job, *options, "--out", tmp_path / "out")
        assert done.code == 0, done.err
        return job, tmp_path / "out"

    return run


@pytest.mark.parametrize("name", ["errors.toml", "sample.toml", "traces.toml"])
def test_each_batch_resolves_by_its_local_ids(numbered, data, name):
    job, out = numbered(name)
    lines = [json.loads(line) for line in (out / "batches.jsonl").read_text("utf-8").splitlines()]
    assert any(line["first_key"]["_part_id"] != line["last_key"]["_part_id"] for line in lines)
    code, report = _python("resolve.py", out)
    assert (code, report.splitlines()[-1]) == (
        0,
        f"{len(lines)} batches, each of them resolves by itself",
    ), report
    code, report = _check(job, data, out)
    assert code == 0, report


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("spans", "local_id"),
        ("spans", "resource_attrs_local_id"),
        ("span_attrs", "local_id"),
        ("span_event_attrs", "local_id"),
        ("span_events", "span_event_attrs_local_id"),
    ],
)
def test_ids_that_lead_elsewhere_do_not_resolve(numbered, table, column):
    _, out = numbered("traces.toml")
    file = out / table / "batch-000000.parquet"
    rows = pq.read_table(file)
    place = rows.schema.get_field_index(column)
    ids = rows.column(place).take(list(reversed(range(len(rows)))))
    pq.write_table(rows.set_column(place, rows.schema.field(place), ids), file)
    code, report = _python("resolve.py", out)
    assert code == 1 and report.endswith("not resolved\n"), report


def _cut(data):
    return data[: len(data) // 2]


def _emptied(_):
    return b""


def _unreadable(data):
    return b"\xff" * len(data)


def _with_a_broken_page(data):
    start, length = len(data) // 8, min(400, len(data) // 4)
    return data[:start] + b"\xff" * length + data[start + length :]


@pytest.mark.parametrize("damage", [_cut, _emptied, _unreadable, _with_a_broken_page])
@pytest.mark.parametrize("table", ["spans", "span_attrs", "span_event_attrs", "scope_attrs"])
def test_a_damaged_file_is_an_error_that_names_it(sheaf, tmp_path, table, damage):
    data = tmp_path / "files"
    _generate(data, "--logs", "400")
    file = sorted((data / table).glob("*/part-1.parquet"))[-1]
    file.write_bytes(damage(file.read_bytes()))
    job = _job("traces.toml", tmp_path, data)
    run = sheaf.run("run", job, "--out", tmp_path / "out")
    assert run.code == 1, run.err
    assert f"{table}/{file.parent.name}/{file.name}" in run.err
    assert not (tmp_path / "out" / "_SUCCESS").exists()
