"""Runs the program under test: build/sheaf, or what SHEAF_BIN names."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Program:
    path: Path
    driver: Path

    def environment(self, extra=None):
        # A job may name variables: nothing of the caller's own may stand in for them.
        return {**os.environ, "SHEAF_DATAFUSION_DRIVER": str(self.driver), **(extra or {})}

    def run(self, *args, cwd=None, env=None, timeout=120, preexec_fn=None):
        """Exit code, standard output and standard error of one run."""
        done = subprocess.run(
            [str(self.path), *map(str, args)],
            cwd=cwd,
            env=self.environment(env),
            timeout=timeout,
            preexec_fn=preexec_fn,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *args, cwd=None, env=None):
        """A run in the background."""
        return subprocess.Popen(
            [str(self.path), *map(str, args)],
            cwd=cwd,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def find_driver(name):
    """An ADBC driver that tools/test.sh has installed."""
    path = ROOT / f"build/drivers/python/adbc_driver_{name}/libadbc_driver_{name}.so"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: run `tools/test.sh`")
    return path


def find_program():
    """The program and its driver. Fails where one is missing: what can't run did not pass."""
    path = Path(os.environ.get("SHEAF_BIN", ROOT / "build" / "sheaf")).absolute()
    driver = os.environ.get("SHEAF_DRIVER", ROOT / "build" / "libadbc_driver_datafusion.so")
    for variable, file in (("SHEAF_BIN", path), ("SHEAF_DRIVER", Path(driver))):
        if not file.is_file():
            raise FileNotFoundError(f"{file} is missing: run `make build`, or set {variable}")
    return Program(path, Path(driver).absolute())
