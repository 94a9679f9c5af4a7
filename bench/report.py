"""What was measured: a table as Markdown, all numbers as JSON, a plot as SVG."""

import html
import importlib.metadata
import itertools
import json
import os
import platform
import re
import subprocess
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from contenders import BARE_SCAN
from datasets import ROOT
from measure import Measure


@dataclass
class Result:
    """One contender of one workload."""

    workload: str
    ids: int
    memory: str
    contender: str
    runs: list[Measure] = field(default_factory=list)
    problem: str = ""  # why there is no time

    @property
    def best(self) -> Measure:
        return min(self.runs, key=lambda run: run.seconds)

    @property
    def peak_mib(self) -> float:
        return max(run.peak_mib for run in self.runs)


def ratio(result: Result, results: list[Result]) -> float | None:
    """Time as a multiple of the bare scan's of the same workload."""
    for base in results:
        if (base.workload, base.contender) == (result.workload, BARE_SCAN) and base.runs:
            return result.best.seconds / base.best.seconds
    return None


def _by_workload(results: list[Result]):
    return itertools.groupby(results, lambda result: (result.workload, result.ids, result.memory))


HEADING = """\
| workload | contender | seconds | x scan | peak MiB | first batch |
|----------|-----------|--------:|-------:|---------:|------------:|"""


def table(results: list[Result]) -> str:
    """The lines below HEADING. A workload's name stands in its first line."""
    lines = []
    for (workload, ids, memory), group in _by_workload(results):
        group = list(group)
        name = f"{workload}: {ids:,} ids, {memory}"
        for result in group:
            lines.append(f"| {name} | {result.contender} | {' | '.join(_cells(result, group))} |")
            name = ""
    return "\n".join(lines)


def _cells(result: Result, group: list[Result]) -> list[str]:
    if not result.runs:
        return [result.problem or "not run", "", "", ""]
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
    """Writes results.md, results.json and results.svg."""
    about = circumstances(repeats)
    (folder / "results.json").write_text(
        json.dumps({**about, "results": [_record(r, results) for r in results]}, indent=1) + "\n"
    )
    facts = "\n".join(f"- {name}: {value}" for name, value in about.items())
    (folder / "results.md").write_text(f"{facts}\n\n{HEADING}\n{table(results)}\n")
    (folder / "results.svg").write_text(plot(results))
    print(f"\n{facts}\nwritten: {folder}/results.md, results.json, results.svg")


def _record(result: Result, results: list[Result]) -> dict:
    return {**asdict(result), "ratio": ratio(result, results) if result.runs else None}


BAR, LEFT, WIDTH = 18, 230, 480


def plot(results: list[Result]) -> str:
    """A bar a contender and workload, as long as its ratio to the bare scan; the longest are cut."""
    longest = 8
    elements, y = [], 10
    for (workload, ids, memory), group in _by_workload(results):
        group = [result for result in group if result.runs]
        y += BAR
        elements.append(_text(10, y, f"{workload}: {ids:,} ids, {memory}", bold=True))
        for result in group:
            y += BAR
            scan = ratio(result, group)
            length = WIDTH * min(scan, longest) / longest
            colour = "#2a6fbb" if result.contender.startswith("sheaf") else "#b8bec6"
            elements.append(_text(20, y, result.contender))
            elements.append(
                f'<rect x="{LEFT}" y="{y - 12}" width="{length:.0f}" height="14" fill="{colour}"/>'
            )
            elements.append(_text(LEFT + length + 6, y, f"{scan:.2f}"))
        y += BAR // 2
    elements.append(_text(LEFT, y + BAR, "time as a multiple of a bare scan's; shorter is better"))
    size = f'width="{LEFT + WIDTH + 70}" height="{y + 2 * BAR}"'
    style = 'font-family="sans-serif" font-size="12"'
    body = "\n".join(elements)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{body}\n</svg>\n'


def _text(x: float, y: float, text: str, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.0f}" y="{y}"{weight}>{html.escape(text)}</text>'
