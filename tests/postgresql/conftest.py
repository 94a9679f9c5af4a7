import pytest
import server as postgresql
from simple_job import write_job


@pytest.fixture(scope="session")
def server():
    # So few locks that a run can't keep one for every table that it fills.
    started = postgresql.start(max_connections=20, max_locks_per_transaction=10)
    yield started
    started.stop()


@pytest.fixture
def database(server):
    """The server, with an empty schema."""
    server.execute(
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
        "GRANT ALL ON SCHEMA public TO PUBLIC",
    )
    return server


@pytest.fixture
def job_of(database, tmp_path):
    """Writes a job on the tables A and R; `fields`: what it says of each."""

    def write(strategy, *, user="test", max_keys=100, **fields):
        return write_job(
            tmp_path,
            {"A": None, "R": None},
            fields=fields,
            setup=[],
            out=None,
            engine={"driver": str(postgresql.DRIVER), "uri": database.uri(user)},
            batch={"strategy": strategy, "max_keys": max_keys},
        )

    return write
