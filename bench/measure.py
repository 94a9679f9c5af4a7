"""Runs a contender as a process of its own, and takes its time and memory."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py"))]


class Failed(Exception):
    """Why a contender has no result: the last line that it said, or that it took too long."""


@dataclass(frozen=True)
class Measure:
    seconds: float
    first_batch: float | None  # seconds until rows of every table were there
    peak_mib: float  # ru_maxrss: pages of files that are mapped are in it
    rows: dict[str, int]  # delivered, a table


def run(command: list, driver: os.PathLike, timeout: float) -> Measure:
    """Runs a command to its end. Time begins with its `ready` line, if it has one."""
    environment = {**os.environ, "SHEAF_DATAFUSION_DRIVER": str(driver)}
    with tempfile.TemporaryFile("w+") as errors:
        start = end = time.monotonic()
        process = subprocess.Popen(
            [*LAUNCHER, *map(str, command)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
            start_new_session=True,
        )

        def kill() -> None:
            os.killpg(process.pid, signal.SIGKILL)

        late = threading.Event()
        alarm = threading.Timer(timeout, lambda: (late.set(), kill()))
        alarm.start()
        first_batch, peak_kib, rows = None, 0, {}
        try:
            for line in process.stdout:
                event = json.loads(line) if line.startswith("{") else {"event": None}
                if event["event"] == "ready":
                    start = time.monotonic()
                elif event["event"] == "batch" and first_batch is None:
                    first_batch = time.monotonic() - start
                elif event["event"] == "completed":
                    tables = event["tables"].items()
                    rows = {name: table["rows_delivered"] for name, table in tables}
                elif event["event"] == "ended":
                    end = time.monotonic()
                    peak_kib = event["peak_kib"]
        except BaseException:
            kill()
            raise
        finally:
            process.wait()
            alarm.cancel()
        if late.is_set():
            raise Failed(f"took more than {timeout:g} s")
        if process.returncode != 0:
            errors.seek(0)
            said = errors.read().strip().splitlines() or [f"exit code {process.returncode}"]
            raise Failed(said[-1])
    return Measure(end - start, first_batch, peak_kib / 1024, rows)
