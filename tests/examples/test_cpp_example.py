"""The C++ example delivers what the program delivers for the same job."""

import re
import subprocess
import sys
from pathlib import Path

import pyarrow.dataset as ds
import pytest
from program import ROOT


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two thousand ids of the example data."""
    folder = tmp_path_factory.mktemp("otel") / "data"
    generate = ROOT / "examples" / "otel" / "generate.py"
    subprocess.run([sys.executable, generate, "--ids", "2000", "--out", folder], check=True)
    return folder


def _run_example(sheaf, *arguments):
    program = Path(sheaf.path).with_name("example_cogroup_otel")
    assert program.is_file(), f"{program} is missing: run `make build`"
    return subprocess.run(
        [program, *arguments],
        env=sheaf.environment(),
        timeout=120,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_example_prints_the_batches_of_the_program(sheaf, data, tmp_path):
    example = _run_example(sheaf, data)
    assert (example.returncode, example.stderr) == (0, "")

    job = ROOT / "examples" / "otel" / "job.toml"
    (tmp_path / "job.toml").write_text(job.read_text("utf-8"), "utf-8")
    (tmp_path / "data").symlink_to(data)
    run = sheaf.run("run", tmp_path / "job.toml", "--out", tmp_path / "out")
    assert run.code == 0, run.err
    batches = [line.split("  ")[0] for line in run.out.splitlines() if line.startswith("batch ")]
    assert [line.split(";")[0] for line in example.stdout.splitlines()] == batches


def test_the_example_names_the_id_with_the_most_errors(sheaf, data):
    late = ds.field("timestamp_unix_nano") >= 1695024000000000000
    severe = ds.field("severity_number") >= 17
    logs = ds.dataset(data / "logs").to_table(columns=["id"], filter=late & severe)
    errors = logs.group_by("id").aggregate([([], "count_all")]).to_pydict()
    pairs = zip(errors["id"], errors["count_all"], strict=True)
    worst, most = min(pairs, key=lambda pair: (-pair[1], pair[0]))
    assert re.search(rf"; id {worst} has {most} errors$", _run_example(sheaf, data).stdout, re.M)


def test_the_example_says_what_is_wrong(sheaf, tmp_path):
    missing = _run_example(sheaf, tmp_path / "nothing")
    assert missing.returncode == 1
    assert missing.stderr.startswith("error: ") and missing.stdout == ""
    assert _run_example(sheaf).returncode == 2
