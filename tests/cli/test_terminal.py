"""Signals, and the progress bar of a terminal."""

import os
import pty
import signal
import subprocess
import time

import jobs
import pytest


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def assert_not_complete(out):
    """Whole batches that the log names, and nothing else."""
    files = files_below(out)
    assert "_SUCCESS" not in files
    logged = len((out / "batches.jsonl").read_text().splitlines())
    data = [file for file in files if file not in ("manifest.json", "batches.jsonl")]
    assert data == [f"A/batch-{index:06}.parquet" for index in range(logged)]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_batches_leaves_whole_batches_only(sheaf, tmp_path, sent):
    job = jobs.write(tmp_path, jobs.MANY_BATCHES)
    run = sheaf.start("run", job, "--out", tmp_path / "out")
    assert run.stdout.readline().startswith(b"batch 0: 10 keys, ")
    run.send_signal(sent)
    out, err = run.communicate(timeout=30)
    assert run.returncode == 130
    assert err == b"sheaf: error: interrupted\n"
    assert b"completed" not in out
    assert_not_complete(tmp_path / "out")


def test_a_signal_that_comes_twice_at_once_leaves_whole_batches_only(sheaf, tmp_path):
    # As `timeout` sends it: to the program, and to its group.
    run = sheaf.start("run", jobs.write(tmp_path, jobs.MANY_BATCHES), "--out", tmp_path / "out")
    assert run.stdout.readline().startswith(b"batch 0: 10 keys, ")
    for _ in range(5):
        run.send_signal(signal.SIGTERM)
        time.sleep(0.002)
    run.communicate(timeout=30)
    assert run.returncode == 130
    assert_not_complete(tmp_path / "out")


@pytest.mark.parametrize("options", [(), ("--out", "-", "--format", "jsonl")])
def test_a_signal_ends_a_run_whose_output_nobody_reads(sheaf, tmp_path, options):
    run = sheaf.start("run", jobs.write(tmp_path, jobs.MANY_BATCHES), *options)
    assert run.stdout.read(1)
    time.sleep(0.5)  # now the pipe is full
    run.send_signal(signal.SIGTERM)
    assert run.wait(30) == 130


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_after_a_run_is_complete_changes_nothing(sheaf, tmp_path, sent):
    many_keys = jobs.MANY_BATCHES.replace("max_keys = 10", "max_keys = 65536")
    job = jobs.write(tmp_path, many_keys)
    for attempt in range(5):
        out = tmp_path / f"out{attempt}"
        run = sheaf.start("run", job, "--strategy", "partition", "--out", out)
        lines = iter(run.stdout.readline, b"")
        assert any(line.startswith(b"completed: ") for line in lines)
        run.send_signal(sent)
        _, err = run.communicate(timeout=30)
        assert run.returncode == 0, err
        assert (out / "_SUCCESS").exists()


def test_a_signal_ends_a_query_that_has_delivered_nothing(sheaf, tmp_path):
    run = sheaf.start("run", jobs.write(tmp_path, jobs.ENDLESS), "--out", tmp_path / "out")
    deadline = time.monotonic() + 30
    while not (tmp_path / "out" / "manifest.json").exists():
        assert time.monotonic() < deadline and run.poll() is None, run.communicate()
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=30)
    assert run.returncode == 130
    assert err == b"sheaf: error: interrupted\n"
    assert_not_complete(tmp_path / "out")


def on_terminal(sheaf, folder, *arguments):
    """Exit code, lines of standard output, and what a terminal as standard error was sent."""
    leader, follower = pty.openpty()
    with (folder / "stdout").open("wb") as out:
        run = subprocess.Popen(
            [sheaf.path, *map(str, arguments)],
            env=sheaf.environment(),
            stdout=out,
            stderr=follower,
        )
    os.close(follower)
    shown = b""
    while True:
        try:
            shown += os.read(leader, 4096)
        except OSError:  # the other end is closed, and all is read
            break
    os.close(leader)
    return run.wait(), (folder / "stdout").read_text().splitlines(), shown.decode()


SLOW = jobs.MANY_BATCHES.replace("max_keys = 10", "max_keys = 3000000").replace(
    "generate_series(1, 1000000)", "generate_series(1, 30000000)"
)


def test_a_terminal_shows_progress_and_is_clear_in_the_end(sheaf, tmp_path):
    code, lines, shown = on_terminal(sheaf, tmp_path, "run", jobs.write(tmp_path, SLOW))
    assert code == 0
    assert [line.split(":")[0] for line in lines] == [f"batch {i}" for i in range(10)] + ["completed"]
    assert " rows/s" in shown and " keys " in shown
    assert shown.rpartition("\r\x1b[K")[2].startswith("table "), "the report follows a clear line"


def test_progress_never_leaves_the_terminal_alone(sheaf, tmp_path):
    job = jobs.write(tmp_path, SLOW)
    assert "\x1b" not in on_terminal(sheaf, tmp_path, "run", job, "--progress", "never")[2]
