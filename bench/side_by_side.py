"""Contenders side by side: all deliver the same rows, and then they are timed in turns."""

import shutil
from pathlib import Path

from contenders import BARE_SCAN, CONTENDERS, Contender, lacks
from digest import digest
from measure import Failed, Measure, run
from results import Result, ratio
from workloads import Case, Workload, make_case

# How many times the bare scan's time a contender may take to be run again: beyond it, best of five
# says no more than once does.
REPEATED_UP_TO = 10


class Bench:
    """Runs contenders of what `build` holds; data and what they write is below `root`."""

    def __init__(self, build: Path, root: Path, repeats: int, timeout: float):
        self.build, self.root, self.repeats, self.timeout = build, root, repeats, timeout

    def run(self, contender: Contender, case: Case, *more: str) -> Measure:
        command = [*contender.command(self.build, case), *more]
        return run(command, self.build / "libadbc_driver_datafusion.so", self.timeout)

    def check(
        self, contenders: list[Contender], case: Case
    ) -> tuple[dict[str, int], dict[str, str]]:
        """Ends the program unless all deliver the same rows.

        Returns how many rows each table has, and the contenders that failed, with what they said.
        """
        names = [query.name for query in case.workload.queries]
        out = self.root / "out"
        failed, digests = {}, {}
        for contender in contenders:
            shutil.rmtree(out, ignore_errors=True)
            try:
                if contender.name == BARE_SCAN:
                    self.run(contender, case)
                    continue
                self.run(contender, case, "--out", str(out))
                only_selected = case.workload.key if contender.delivers_all else ()
                digests[contender.name] = digest(out, names, only_selected)
            except Failed as failure:
                failed[contender.name] = str(failure)
        shutil.rmtree(out, ignore_errors=True)
        different = {tuple(tables.items()) for tables in digests.values()}
        if len(different) > 1:
            raise SystemExit(f"{case.workload.name}: contenders deliver different rows: {digests}")
        return {name: rows for tables in different for name, (rows, _) in tables}, failed

    def time(self, contender: Contender, case: Case, rows: dict[str, int]) -> Measure:
        """One timed run, which delivers as many rows as the checked one."""
        measure = self.run(contender, case)
        if not contender.delivers_all and contender.name != BARE_SCAN and measure.rows != rows:
            raise SystemExit(f"{case.workload.name}: {contender.name}: {measure.rows}, not {rows}")
        return measure

    def measure(self, workload: Workload, ids: int, names: list[str]) -> list[Result]:
        """Checks and times the contenders of one workload."""
        case = make_case(workload, ids, self.root)
        chosen = [contender for contender in CONTENDERS if contender.name in names]
        results = {c.name: Result(workload.name, case.ids, workload.memory, c.name) for c in chosen}
        for contender in chosen:
            if absent := lacks(contender, self.build):
                results[contender.name].problem = f"{absent} is not installed"
        ready = [contender for contender in chosen if not results[contender.name].problem]
        rows, failed = self.check(ready, case)
        for name, problem in failed.items():
            results[name].problem = problem
        for _ in range(self.repeats):
            for contender in ready:
                result = results[contender.name]
                if result.problem or _is_slow(result, list(results.values())):
                    continue
                try:
                    result.runs.append(self.time(contender, case, rows))
                except Failed as failure:
                    result.problem = str(failure)
        return list(results.values())


def _is_slow(result: Result, results: list[Result]) -> bool:
    scans = ratio(result, results) if result.runs else None
    return scans is not None and scans > REPEATED_UP_TO
