"""Random jobs must deliver what DuckDB finds in the same files.

SHEAF_RANDOM_JOBS sets how many (1000), SHEAF_RANDOM_SEED the first seed (random, and printed).
"""

import os
import random
from concurrent.futures import ProcessPoolExecutor, as_completed

import random_run

MAX_FAILURES = 5


def test_random_jobs_deliver_what_duckdb_finds_in_the_same_files(sheaf, tmp_path_factory, capsys):
    count = int(os.environ.get("SHEAF_RANDOM_JOBS", 1000))
    first = int(os.environ.get("SHEAF_RANDOM_SEED", random.SystemRandom().randrange(10**9)))
    with capsys.disabled():
        print(f"\n{count} random jobs, SHEAF_RANDOM_SEED={first}", flush=True)
    root = tmp_path_factory.mktemp("random")
    failures = _run_all(range(first, first + count), root, sheaf)
    assert not failures, (
        f"{len(failures)} jobs of SHEAF_RANDOM_SEED={first} disagree:\n" + "\n".join(failures)
    )


def _run_all(seeds, root, sheaf):
    failures = []
    with ProcessPoolExecutor(max_workers=2) as pool:
        runs = [pool.submit(random_run.try_seed, seed, str(root), sheaf) for seed in seeds]
        for run in as_completed(runs):
            if failure := run.result():
                failures.append(failure)
            if len(failures) == MAX_FAILURES:
                pool.shutdown(cancel_futures=True)
                break
    return failures
