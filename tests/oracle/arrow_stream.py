"""Reads what a run writes to standard output as an Arrow stream."""

import subprocess

import pyarrow as pa


def run_to_batches(sheaf, job):
    """The record batches of a run that succeeds."""
    done = subprocess.run(
        [sheaf.path, "run", job, "--format", "arrow", "--out", "-"],
        env=sheaf.environment(),
        timeout=120,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    with pa.ipc.open_stream(done.stdout) as reader:
        return list(reader)
