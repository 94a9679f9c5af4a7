"""Runs a contender as a process of its own, and takes its time and memory."""

import json
import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass


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
        start = time.monotonic()
        process = subprocess.Popen(
            [*map(str, command)], stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        )
        late = threading.Event()
        alarm = threading.Timer(timeout, lambda: (late.set(), process.kill()))
        alarm.start()
        first_batch, rows = None, {}
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
        except BaseException:
            process.kill()
            raise
        finally:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            alarm.cancel()
        if late.is_set():
            raise Failed(f"took more than {timeout:g} s")
        if process.returncode != 0:
            errors.seek(0)
            said = errors.read().strip().splitlines() or [f"exit code {process.returncode}"]
            raise Failed(said[-1])
    return Measure(seconds, first_batch, usage.ru_maxrss / 1024, rows)
