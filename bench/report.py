"""What was measured, for readers: a table as Markdown, all numbers as JSON, a plot as SVG."""

import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import tomllib
from dataclasses import asdict
from pathlib import Path

from datasets import ROOT
from plot import plot
from results import Result, by_workload, ratio

MARK = "<!-- From here on: written by `tools/bench.sh --publish`. -->"
LONGEST_PROBLEM = 150  # characters in the table; the JSON has all of it
HEADING = """\
| workload | contender | seconds | x scan | peak MiB | first batch |
|----------|-----------|--------:|-------:|---------:|------------:|"""


def table(results: list[Result]) -> str:
    """The lines below HEADING. A workload's title stands in its first line."""
    lines = []
    for title, group in by_workload(results):
        for result in group:
            lines.append(f"| {title} | {result.contender} | {' | '.join(_cells(result, group))} |")
            title = ""
    return "\n".join(lines)


def _cells(result: Result, group: list[Result]) -> list[str]:
    if not result.runs:
        return [result.problem.replace("|", "/")[:LONGEST_PROBLEM], "", "", ""]
    best, scan = result.best, ratio(result, group)
    first = "" if best.first_batch is None else f"{best.first_batch:.2f}"
    return [f"{best.seconds:.2f}", f"{scan:.2f}" if scan else "", f"{result.peak_mib:.0f}", first]


def circumstances(repeats: int) -> dict[str, str]:
    """The machine and the versions that the numbers belong to."""
    driver = tomllib.loads((ROOT / "drivers" / "datafusion" / "Cargo.toml").read_text())
    datafusion = driver["workspace"]["dependencies"]["datafusion"]["version"].lstrip("=")
    commit = ["git", "-C", ROOT, "describe", "--always", "--dirty"]
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "machine": f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores, "
        f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": platform.platform(),
        "sheaf": subprocess.run(commit, capture_output=True, text=True, check=False).stdout.strip(),
        "DataFusion": datafusion,
        **{name: _version(name) for name in ("duckdb", "polars", "pyarrow")},
        "repeats": f"best of {repeats}",
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def write(folder: Path, results: list[Result], repeats: int) -> None:
    """Writes results.md, which has the circumstances too, results.json and results.svg."""
    about = circumstances(repeats)
    record = {**about, "results": [_record(result, results) for result in results]}
    facts = "\n".join(f"- {name}: {value}" for name, value in about.items())
    (folder / "results.json").write_text(json.dumps(record, indent=1) + "\n")
    (folder / "results.md").write_text(f"{facts}\n\n{HEADING}\n{table(results)}\n")
    (folder / "results.svg").write_text(plot(results))


def publish(folder: Path, document: Path) -> None:
    """Puts the results of `folder` below MARK in a document, and their plot beside it."""
    above, mark, _ = document.read_text().partition(MARK)
    picture = document.with_suffix(".svg")
    shutil.copyfile(folder / "results.svg", picture)
    results = (folder / "results.md").read_text()
    document.write_text(f"{above}{mark}\n\n{results}\n![The same as bars]({picture.name})\n")


def _record(result: Result, results: list[Result]) -> dict:
    return {**asdict(result), "ratio": ratio(result, results) if result.runs else None}
