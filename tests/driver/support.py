"""What several test files need."""

import contextlib
import time

import adbc_driver_manager as manager
import pyarrow as pa


@contextlib.contextmanager
def reader(connection, sql, **options):
    """An open result; the statement lives as long as it does."""
    with manager.AdbcStatement(connection) as statement:
        if options:
            statement.set_options(**options)
        statement.set_sql_query(sql)
        handle, _ = statement.execute_query()
        with pa.RecordBatchReader._import_from_c(handle.address) as stream:
            yield stream


def rows(connection, sql, **options):
    """Every row of a query's result, as a list of tuples."""
    with reader(connection, sql, **options) as stream:
        return [tuple(row.values()) for row in stream.read_all().to_pylist()]


def run(connection, sql, **options):
    """Runs a statement for what it does and returns the rows it changed."""
    with manager.AdbcStatement(connection) as statement:
        if options:
            statement.set_options(**options)
        statement.set_sql_query(sql)
        return statement.execute_update()


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def threads():
    """The names of this process's threads."""
    import pathlib

    names = []
    for task in pathlib.Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            names.append((task / "comm").read_text().strip())
    return names


def queries_end(seconds=20):
    """Waits until no thread of the driver is left; false where that takes too long."""
    deadline = time.monotonic() + seconds
    while "datafusion" in threads() and time.monotonic() < deadline:
        time.sleep(0.1)
    return "datafusion" not in threads()


def text_of(*values):
    """Bytes as Arrow text, whether they are any or not."""
    _, offsets, data = pa.array(values, pa.binary()).buffers()
    return pa.Array.from_buffers(pa.string(), len(values), [None, offsets, data])
