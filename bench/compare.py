"""Times sheaf's strategies and what people use today on the same data, side by side.

Every contender of a workload first runs once, untimed, and writes its rows; these must be the same for
all. Then contenders take turns, so that a change of the machine's speed meets all of them, and the best
of the repeats counts. docs/performance.md explains what is measured.
"""

import argparse
import shutil
import sys
from pathlib import Path

from contenders import BARE_SCAN, CONTENDERS, Contender, lacks
from datasets import ROOT, Missing
from digest import digest
from measure import Failed, Measure, run
from report import HEADING, Result, table, write
from workloads import WORKLOADS, Case, Workload, make_case


class Bench:
    def __init__(self, build: Path, root: Path, repeats: int, timeout: float):
        self.build, self.root, self.repeats, self.timeout = build, root, repeats, timeout

    def run(self, contender: Contender, case: Case, *more: str) -> Measure:
        command = [*contender.command(self.build, case), *more]
        return run(command, self.build / "libadbc_driver_datafusion.so", self.timeout)

    def check(self, contenders: list[Contender], case: Case) -> tuple[dict[str, int], dict[str, str]]:
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
        for repeat in range(self.repeats):
            for contender in ready:
                result = results[contender.name]
                if result.problem or (contender.once and repeat > 0):
                    continue
                try:
                    result.runs.append(self.time(contender, case, rows))
                except Failed as failure:
                    result.problem = str(failure)
        return list(results.values())


def chosen_workloads(options: argparse.Namespace) -> list[Workload]:
    if options.workload:
        return [workload for workload in WORKLOADS if workload.name in options.workload]
    return [workload for workload in WORKLOADS if options.all or workload.default]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    workloads = [workload.name for workload in WORKLOADS]
    contenders = [contender.name for contender in CONTENDERS]
    parser.add_argument("--workload", action="append", choices=workloads, metavar="NAME",
                        help=f"one of: {', '.join(workloads)}; may be repeated")
    parser.add_argument("--all", action="store_true", help="all workloads; takes hours and 40 GB")
    parser.add_argument("--contender", action="append", choices=contenders, metavar="NAME",
                        help=f"one of: {'; '.join(contenders)}; may be repeated")
    parser.add_argument("--ids", type=int, default=1_000_000, help="default: %(default)s")
    parser.add_argument("--repeats", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds a run; default: %(default)s")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="default: build")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench",
                        help="for data and results; default: build/bench")
    return parser.parse_args()


def main() -> None:
    options = parse()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.build.resolve(), folder, options.repeats, options.timeout)
    results = []
    print(HEADING, flush=True)
    for workload in chosen_workloads(options):
        names = [n for n in workload.contenders if n in (options.contender or workload.contenders)]
        names = list(dict.fromkeys([BARE_SCAN, *names]))
        try:
            measured = bench.measure(workload, options.ids, names)
        except Missing as missing:
            print(f"{workload.name} is left out: {missing}", file=sys.stderr)
            continue
        print(table(measured), flush=True)
        results += measured
    write(folder, results, options.repeats)


if __name__ == "__main__":
    main()
