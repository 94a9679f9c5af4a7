"""Runs one random job and checks it; also a program: `python tests/oracle/random_run.py SEED`."""

import filecmp
import shutil
import sys
import tempfile
from pathlib import Path
from random import Random

import duckdb
from compare import check_run
from job_files import write_job, write_job_file
from oracle import Oracle
from program import find_program
from random_job import make_job
from run_directory import data_files, read_run

_oracle = None


def duckdb_driver():
    """The library of the duckdb package, which is an ADBC driver too."""
    folder = Path(duckdb.__file__).parent.parent
    return next(folder.glob("_duckdb*.so"))


def uses_duckdb(seed):
    return Random(f"engine {seed}").random() < 0.05


def run_job(seed, folder, sheaf):
    """Makes, runs and checks the job of a seed below `folder`; AssertionError says what is off."""
    global _oracle
    _oracle = _oracle or Oracle()
    job = make_job(seed, uses_duckdb(seed))
    path = write_job(job, folder, duckdb_driver())
    expected = _oracle.expect(job, folder)
    _run_program(sheaf, path)
    check_run(job, expected, read_run(folder / "out"))
    if job.ties == "fixed" and job.engine == "datafusion" and seed % 2:
        _check_repeats(job, folder, sheaf)


def _run_program(sheaf, path):
    result = sheaf.run("run", path)
    assert result.code == 0, f"exit code {result.code}: {result.err.strip()}"


def _check_repeats(job, folder, sheaf):
    """With ties = "fixed" another strategy and rhythm of the engine leave the same bytes."""
    partitions = "1" if job.options.get("datafusion.target_partitions") == "4" else "4"
    job.strategy = {"merge": "partition", "partition": "merge"}.get(job.strategy, "merge")
    job.memory = "1GiB"
    job.options = {"datafusion.target_partitions": partitions, "datafusion.batch_size": "100"}
    _run_program(sheaf, write_job_file(job, folder / "again.toml", "again"))
    names = data_files(folder / "out")
    assert names == data_files(folder / "again"), "a second run made other files"
    _, differ, failed = filecmp.cmpfiles(folder / "out", folder / "again", names, shallow=False)
    assert not differ and not failed, f"a second run made other bytes: {differ[:3]}"


def try_seed(seed, root, sheaf):
    """None where the job agrees; else what is wrong, and its folder stays."""
    folder = Path(root) / f"seed-{seed}"
    folder.mkdir(parents=True)
    try:
        run_job(seed, folder, sheaf)
    except Exception as error:
        return (
            f"seed {seed}: {type(error).__name__}: {error}\n"
            f"  its files: {folder}\n  run just it: python tests/oracle/random_run.py {seed}"
        )
    shutil.rmtree(folder)
    return None


if __name__ == "__main__":
    failures = [
        failure
        for argument in sys.argv[1:]
        if (
            failure := try_seed(
                int(argument), tempfile.mkdtemp(prefix="sheaf-random-"), find_program()
            )
        )
    ]
    print("\n".join(failures) or "agrees")
    sys.exit(bool(failures))
