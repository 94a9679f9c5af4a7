"""What was measured of each contender and workload."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from contenders import BARE_SCAN
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


def by_workload(results: list[Result]) -> Iterator[tuple[str, list[Result]]]:
    """The results of each workload, with a title that says what it was."""
    for _, group in itertools.groupby(results, lambda result: (result.workload, result.ids)):
        group = list(group)
        first = group[0]
        yield f"{first.workload}: {first.ids:,} ids, {first.memory}", group
