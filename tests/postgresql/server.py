"""A PostgreSQL server of the tests' own, where one is installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import program
import pytest
from adbc_driver_manager import dbapi

DRIVER = program.find_driver("postgresql")


def _programs():
    """The folder of initdb and pg_ctl, the newest version's; None where no server is installed."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    found = sorted(versions, key=lambda folder: int(folder.parent.name), reverse=True)
    return found[0] if found else None


class Server:
    """Its data and its socket are in one folder; it listens on no port."""

    # The server refuses to run as root.
    _user = "postgres" if os.geteuid() == 0 else None

    def __init__(self, programs, settings):
        self._programs = programs
        # A socket's path must be short.
        self._folder = Path(tempfile.mkdtemp(prefix="sheaf-pg-"))
        if self._user:
            os.chown(self._folder, pwd.getpwnam(self._user).pw_uid, -1)
        self._run("initdb", "--auth=trust", "--username=test", "--locale=C", "--encoding=UTF8")
        given = " ".join(f"-c {name}={value}" for name, value in settings.items())
        options = f"-k {self._folder} -c listen_addresses= -c fsync=off {given}"
        self._run("pg_ctl", "-w", "-o", options, "-l", self._folder / "log", "start")

    def uri(self, user="test"):
        return f"postgresql:///postgres?host={self._folder}&user={user}"

    def connect(self):
        return dbapi.connect(driver=str(DRIVER), db_kwargs={"uri": self.uri()}, autocommit=True)

    def execute(self, *statements):
        with self.connect() as connection, connection.cursor() as cursor:
            for sql in statements:
                cursor.execute(sql)

    def values(self, sql):
        """The first column of a query."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return [row[0] for row in cursor.fetchall()]

    def stop(self):
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    def _run(self, program, *args):
        command = [self._programs / program, "-D", self._folder / "data", *args]
        subprocess.run(
            list(map(str, command)),
            user=self._user,
            cwd="/",
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )


def start(**settings):
    """Skips the test where there is none."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed")
    return Server(programs, settings)
