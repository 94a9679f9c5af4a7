"""Runs a contender as a process of its own, and takes its time and memory."""

import json
import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass


class Failed(Exception):
    """The last line of what a contender said when it failed."""


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
            list(map(str, command)), stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        )
        alarm = threading.Timer(timeout, process.kill)
        alarm.start()
        first_batch, rows = None, {}
        for line in process.stdout:
            event = json.loads(line) if line.startswith("{") else {"event": None}
            now = time.monotonic()
            if event["event"] == "ready":
                start = now
            elif event["event"] == "batch" and first_batch is None:
                first_batch = now - start
            elif event["event"] == "completed":
                tables = event["tables"].items()
                rows = {name: table["rows_delivered"] for name, table in tables}
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        late = not alarm.is_alive()
        alarm.cancel()
        if process.returncode != 0:
            errors.seek(0)
            said = errors.read().strip().splitlines() or [f"exit code {process.returncode}"]
            raise Failed(f"took more than {timeout:g} s" if late else said[-1])
    return Measure(seconds, first_batch, usage.ru_maxrss / 1024, rows)
