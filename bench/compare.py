"""Times `sheaf run` against a bare scan of the same queries and against its peers.

Every workload makes its data once. All contenders of a workload are first run once and must count the
same rows; then they take turns, so that a change of the machine's speed meets all of them. The best of
the repeats counts. Ratios are to the bare scan of the same workload in the same run.

    python bench/compare.py --ids 1000000 --repeats 5
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TABLES = ["P", "logs", "R", "S"]
SELECTING = """SELECT id, timestamp_unix_nano AS timestamp, severity_number, body, trace_id FROM logs
WHERE timestamp_unix_nano >= 1695024000000000000 AND severity_number >= 17"""


@dataclass
class Measure:
    seconds: float
    peak_mib: float
    output: str


@dataclass
class Contender:
    name: str
    command: list
    count: callable  # output -> rows delivered, by which contenders are compared
    runs: list = field(default_factory=list)


def run(command):
    """Runs a command to its end: wall seconds, peak memory of its process, standard output."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"failed: {' '.join(map(str, command))}")
    return Measure(seconds, usage.ru_maxrss / 1024, output)


def quoted(name):
    return f'"{name}"' if name != name.lower() else name


def write_job(path, data, declared, memory, strategy):
    order = "WITH ORDER (id ASC) " if declared else ""
    setup = [
        f"CREATE EXTERNAL TABLE {quoted(t)} STORED AS PARQUET {order}LOCATION '{data / t}/'"
        for t in TABLES
    ]
    lines = ["[engine]", f"setup = {json.dumps(setup)}", "[batch]", 'key = ["id"]']
    lines += [f'memory = "{memory}"', f'strategy = "{strategy}"']
    lines += ["[[table]]", 'name = "A"', f'query = """{SELECTING}"""']
    lines += ['order_by = ["timestamp"]', "selects_keys = true"]
    for table in ["P", "R", "S"]:
        lines += ["[[table]]", f'name = "{table}"']
    path.write_text("\n".join(lines) + "\n")


def delivered(output):
    return int(re.search(r"completed: \d+ batches, \d+ keys, (\d+) rows", output).group(1))


def contenders(folder, data, build, memory, strategy, declared):
    """The bare scan first: it reads all rows, the others deliver those of the selected ids."""
    scan_job = folder / f"{data.name}-{declared}.toml"
    write_job(scan_job, data, declared, memory, strategy)
    sheaf = [str(build / "sheaf"), "run", str(scan_job), "--progress", "never"]
    peers = [sys.executable, str(ROOT / "bench" / "peers.py"), "--data", str(data)]
    driver = ["--driver", str(build / "libadbc_driver_datafusion.so")]
    yield Contender("bare scan", [str(build / "bare_scan"), str(scan_job)], None)
    yield Contender(f"sheaf run ({memory})", sheaf, delivered)
    order = ["--declared"] if declared else []
    for mode in ["one after another", "parallel"]:
        yield Contender(
            f"DataFusion ORDER BY, {mode}",
            [*peers, *driver, *order, "datafusion", "--mode", mode],
            None,
        )


def measure(name, entries, repeats):
    print(f"\n{name}", flush=True)
    for entry in entries:  # a warm-up that fills the page cache, and the check
        entry.rows = entry.count(run(entry.command).output) if entry.count else None
    counts = {entry.rows for entry in entries if entry.rows is not None}
    if len(counts) > 1:
        raise SystemExit(f"contenders disagree: { {e.name: e.rows for e in entries} }")
    for _ in range(repeats):
        for entry in entries:
            entry.runs.append(run(entry.command))
    base = min(m.seconds for m in entries[0].runs)
    rows = []
    for entry in entries:
        best = min(m.seconds for m in entry.runs)
        peak = max(m.peak_mib for m in entry.runs)
        rows.append(
            {
                "workload": name,
                "contender": entry.name,
                "seconds": round(best, 3),
                "ratio": round(best / base, 2),
                "peak_mib": round(peak),
                "all_seconds": [round(m.seconds, 3) for m in entry.runs],
            }
        )
        print(f"  {entry.name:42} {best:8.2f} s {best / base:6.2f} {peak:8.0f} MiB", flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ids", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", default="2GiB")
    parser.add_argument("--strategy", default="auto")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench")
    options = parser.parse_args()

    options.folder.mkdir(parents=True, exist_ok=True)
    results = []
    for order in ["clustered", "shuffled"]:
        data = options.folder / f"{order}-{options.ids}"
        if not data.exists():
            print(f"making {options.ids} ids, {order}", flush=True)
            generate = ROOT / "examples" / "otel" / "generate.py"
            arguments = ["--ids", str(options.ids), "--order", order, "--out", str(data)]
            run([sys.executable, str(generate), *arguments])
        for declared in [True, False] if order == "clustered" else [False]:
            known = ", order declared" if declared else ""
            name = f"{options.ids} ids, {order}{known}"
            entries = list(
                contenders(
                    options.folder, data, options.build, options.memory, options.strategy, declared
                )
            )
            results += measure(name, entries, options.repeats)
    report = {"machine": platform.platform(), "cores": os.cpu_count(), "results": results}
    (options.folder / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    print(f"\nwritten: {options.folder / 'results.json'}")


if __name__ == "__main__":
    main()
