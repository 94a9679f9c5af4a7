"""The benchmark compares rows before it times anything, and says what it could not run."""

import json
import subprocess
import sys
from dataclasses import replace

import duckdb
import pytest
from program import ROOT

sys.path.insert(0, str(ROOT / "bench"))

from contenders import CONTENDERS, EVERY_ONE, Contender  # noqa: E402
from datasets import DATASETS  # noqa: E402
from digest import digest  # noqa: E402
from measure import Failed, run  # noqa: E402
from report import MARK, publish  # noqa: E402
from side_by_side import Bench  # noqa: E402
from workloads import WORKLOADS, make_case  # noqa: E402

SHUFFLED = next(workload for workload in WORKLOADS if workload.name == "shuffled")


@pytest.fixture
def build(sheaf, tmp_path):
    """A build folder with the program and the driver, and no more."""
    folder = tmp_path / "build"
    folder.mkdir()
    (folder / "sheaf").symlink_to(sheaf.path)
    (folder / "libadbc_driver_datafusion.so").symlink_to(sheaf.driver)
    return folder


@pytest.fixture
def bench(build, tmp_path):
    return Bench(build, tmp_path, repeats=1, timeout=60)


def _contender(name):
    return next(contender for contender in CONTENDERS if contender.name == name)


def _rows(folder, sql):
    (folder / "A").mkdir(parents=True)
    duckdb.execute(f"COPY ({sql}) TO '{folder / 'A' / 'rows.parquet'}'")
    return digest(folder, ["A"])


def _python(code):
    return [sys.executable, "-c", code]


def test_what_workloads_name_exists():
    assert len({workload.name for workload in WORKLOADS}) == len(WORKLOADS)
    for workload in WORKLOADS:
        assert workload.data in DATASETS
        assert set(workload.contenders) <= set(EVERY_ONE)


def test_contenders_deliver_the_same_rows(build, tmp_path):
    folder = tmp_path / "bench"
    command = [sys.executable, ROOT / "bench" / "compare.py", "--build", build, "--folder", folder]
    options = ["--ids", "300", "--repeats", "1", "--workload", "composite-key"]
    subprocess.run([*command, *options], check=True, timeout=300, capture_output=True)
    report = json.loads((folder / "results.json").read_text())
    for result in report["results"]:
        assert result["runs"] or result["problem"].endswith("is not installed"), result
    timed = {result["contender"] for result in report["results"] if result["runs"]}
    assert {"sheaf, auto", "sheaf, merge", "sheaf, partition", "sheaf, probe"} <= timed
    assert result["contender"] in (folder / "results.md").read_text()
    assert (folder / "results.svg").read_text().startswith("<svg")


def test_published_results_take_the_place_of_earlier_ones(tmp_path):
    document = tmp_path / "page.md"
    document.write_text(f"# Page\n\n{MARK}\n\nearlier\n")
    for name, text in (("results.md", "| later |\n"), ("results.svg", "<svg/>")):
        (tmp_path / name).write_text(text)
    publish(tmp_path, document)
    assert document.read_text().startswith(f"# Page\n\n{MARK}\n\n| later |\n")
    assert "earlier" not in document.read_text()
    assert "page.svg" in document.read_text()
    assert (tmp_path / "page.svg").read_text() == "<svg/>"
    assert MARK in (ROOT / "docs" / "performance.md").read_text()


def test_other_rows_end_the_benchmark(bench, tmp_path):
    case = make_case(SHUFFLED, 100, tmp_path)
    selecting, *others = SHUFFLED.queries
    selecting = replace(selecting, sql=selecting.sql.replace("body", "upper(body) AS body"))
    other = replace(SHUFFLED, name="other", queries=(selecting, *others))
    other_case = make_case(other, 100, tmp_path)
    peer = _contender("DuckDB ORDER BY")
    wrong = Contender("wrong", lambda build, case: peer.command(build, other_case))
    with pytest.raises(SystemExit, match="different rows"):
        bench.check([peer, wrong], case)


def test_fewer_rows_in_a_timed_run_end_the_benchmark(bench, tmp_path):
    case = make_case(SHUFFLED, 100, tmp_path)
    peer = _contender("DuckDB ORDER BY")
    rows, failed = bench.check([peer], case)
    assert not failed
    assert bench.time(peer, case, rows).rows == rows
    with pytest.raises(SystemExit, match="not"):
        bench.time(peer, case, {**rows, "A": rows["A"] + 1})


def test_a_contender_that_fails_is_reported_with_its_last_words(bench, tmp_path):
    command = _python("import sys; sys.exit('starting\\nout of memory')")
    fails = Contender("fails", lambda build, case: command)
    _, failed = bench.check([fails], make_case(SHUFFLED, 100, tmp_path))
    assert failed == {"fails": "out of memory"}


def test_a_run_that_takes_too_long_is_ended():
    with pytest.raises(Failed, match="more than"):
        run(_python("import time; time.sleep(60)"), driver="", timeout=0.2)


def test_time_begins_when_a_peer_is_ready_and_knows_its_first_batch():
    code = """
import time
time.sleep(2)
print('{"event": "ready"}', flush=True)
print('{"event": "batch"}', flush=True)
time.sleep(0.5)
print('{"event": "batch"}', flush=True)
print('{"event": "completed", "tables": {"A": {"rows_delivered": 7}}}')
"""
    measure = run(_python(code), driver="", timeout=60)
    assert measure.first_batch < 0.5 <= measure.seconds < 2
    assert measure.rows == {"A": 7}
    assert measure.peak_mib > 1


def test_a_digest_is_of_rows_and_not_of_their_order(tmp_path):
    rows = "SELECT range % 9 AS id, range AS v FROM range(100)"
    assert _rows(tmp_path / "1", rows) == _rows(tmp_path / "2", f"{rows} ORDER BY v DESC")
    assert _rows(tmp_path / "3", f"SELECT id, v + (v = 7)::INT AS v FROM ({rows})") != _rows(
        tmp_path / "4", rows
    )
    twice = f"{rows} UNION ALL SELECT 1, 1"
    assert _rows(tmp_path / "5", twice)["A"][0] == 101


def test_a_digest_can_leave_out_rows_of_keys_that_were_not_selected(tmp_path):
    for name, last in (("A", 3), ("R", 5)):
        (tmp_path / name).mkdir()
        rows = f"SELECT range AS id FROM range({last})"
        duckdb.execute(f"COPY ({rows}) TO '{tmp_path / name / 'rows.parquet'}'")
    assert digest(tmp_path, ["A", "R"])["R"][0] == 5
    assert digest(tmp_path, ["A", "R"], only_selected=("id",))["R"][0] == 3
