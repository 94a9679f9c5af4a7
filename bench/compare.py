"""Times sheaf's strategies and what people use today on the same data, side by side.

Every contender of a workload first runs once, untimed, and writes its rows; these must be the same
for all. Then contenders take turns, so that a change of the machine's speed meets all of them, and
the best of the repeats counts. docs/performance.md explains what is measured.
"""

import argparse
import sys
from pathlib import Path

from contenders import BARE_SCAN, CONTENDERS
from datasets import ROOT, Missing
from report import HEADING, publish, table, write
from side_by_side import Bench
from workloads import WORKLOADS, Workload


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
    parser.add_argument("--timeout", type=float, default=1800,
                        help="seconds that a run may take; default: %(default)s")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="default: build")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench",
                        help="for data and results; default: build/bench")
    parser.add_argument("--publish", action="store_true",
                        help="also put the results into docs/performance.md")
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
        write(folder, results, options.repeats)  # at once: a later workload may fail, or take hours
    if not results:
        sys.exit("nothing was measured")
    print(f"\nwritten: {folder}/results.md, results.json, results.svg")
    if options.publish:
        publish(folder, ROOT / "docs" / "performance.md")


if __name__ == "__main__":
    main()
