"""Options: where they are set, what they do, and what is said about wrong ones."""

import adbc_driver_manager as manager
import pytest

from support import reader, rows

BATCH_SIZE = "datafusion.batch_size"


def batch_rows(connection, **options):
    with reader(connection, "SELECT v FROM generate_series(1, 50000) g(v)", **options) as stream:
        return stream.read_next_batch().num_rows


def test_each_level_starts_from_the_one_above(driver):
    with manager.AdbcDatabase(driver=driver, **{BATCH_SIZE: "1000"}) as database:
        with manager.AdbcConnection(database) as one, manager.AdbcConnection(database) as other:
            assert batch_rows(one) == 1000
            one.set_options(**{BATCH_SIZE: "500"})
            assert batch_rows(one) == 500 and batch_rows(other) == 1000
            assert batch_rows(one, **{BATCH_SIZE: "100"}) == 100
            assert batch_rows(one) == 500
            assert one.get_option_int(BATCH_SIZE) == 500
    assert database is not None


def test_short_and_full_names_are_one_setting(connection):
    for short, full in [
        (BATCH_SIZE, "datafusion.execution.batch_size"),
        ("datafusion.target_partitions", "datafusion.execution.target_partitions"),
    ]:
        connection.set_options(**{short: "3"})
        assert connection.get_option(full) == "3"


def test_numbers_can_be_set_as_numbers(connection):
    connection.set_options(**{BATCH_SIZE: 77})
    assert connection.get_option_int(BATCH_SIZE) == 77
    assert connection.get_option_float(BATCH_SIZE) == 77.0
    assert connection.get_option_bytes(BATCH_SIZE) == b"77"


def test_any_setting_of_datafusion_can_be_set(connection):
    name = "datafusion.execution.parquet.schema_force_view_types"
    assert connection.get_option(name) == "true"
    connection.set_options(**{name: "false"})
    assert connection.get_option(name) == "false"
    connection.set_options(**{"datafusion.runtime.max_spill_merge_fan_in": "16"})


@pytest.mark.parametrize("level", ["database", "connection", "statement"])
def test_an_unknown_option_names_the_nearest(driver, level):
    wrong = {"datafusion.execution.batchsize": "1"}
    expected = "unknown option.*did you mean 'datafusion.execution.batch_size'"
    if level == "database":
        with pytest.raises(manager.ProgrammingError, match=expected):
            manager.AdbcDatabase(driver=driver, **wrong)
        return
    with manager.AdbcDatabase(driver=driver) as database:
        with manager.AdbcConnection(database) as connection:
            target = connection if level == "connection" else manager.AdbcStatement(connection)
            with pytest.raises(manager.ProgrammingError, match=expected):
                target.set_options(**wrong)
            with pytest.raises(manager.ProgrammingError, match="unknown option"):
                target.get_option("datafusion.nothing_like_it")
            if target is not connection:
                target.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("datafusion.memory_limit", "lots"),
        ("datafusion.memory_limit", "-5"),
        (BATCH_SIZE, "0"),
        (BATCH_SIZE, "many"),
        (BATCH_SIZE, "99999999999"),
        ("datafusion.target_partitions", "99999999999"),
        ("datafusion.execution.target_partitions", "4097"),
        ("datafusion.estimated_rows", "1"),
    ],
)
def test_a_wrong_value_is_refused_and_changes_nothing(connection, name, value):
    with manager.AdbcStatement(connection) as statement:
        before = statement.get_option(BATCH_SIZE)
        with pytest.raises(manager.ProgrammingError):
            statement.set_options(**{name: value})
        assert statement.get_option(BATCH_SIZE) == before


def test_more_partitions_than_any_machine_runs_are_refused(connection):
    with pytest.raises(manager.ProgrammingError, match="'.*target_partitions' is at most 4096"):
        connection.set_options(**{"datafusion.target_partitions": 99999999999})
    with pytest.raises(manager.ProgrammingError, match="is at most 4096"):
        rows(connection, "SET datafusion.execution.target_partitions = 99999999999")


def test_the_memory_limit_reads_back_in_bytes(driver):
    with manager.AdbcDatabase(driver=driver, **{"datafusion.memory_limit": "1GiB"}) as database:
        with manager.AdbcConnection(database) as connection:
            assert connection.get_option_int("datafusion.memory_limit") == 1 << 30
            connection.set_options(**{"datafusion.memory_limit": "64MB"})
            assert connection.get_option_int("datafusion.memory_limit") == 64 << 20


def test_a_read_only_connection_only_reads(connection):
    connection.set_options(**{"adbc.connection.readonly": "true"})
    assert rows(connection, "SELECT 1") == [(1,)]
    with pytest.raises(manager.Error, match="read-only"):
        rows(connection, "CREATE TABLE t AS VALUES (1)")


def test_transactions_are_refused(connection):
    with pytest.raises(manager.NotSupportedError, match="no transactions"):
        connection.set_autocommit(False)
    with pytest.raises(manager.Error, match="no transactions"):
        connection.commit()
    with pytest.raises(manager.Error, match="no transactions"):
        connection.rollback()


def test_a_uri_has_nothing_to_name(driver):
    manager.AdbcDatabase(driver=driver, uri="").close()
    with pytest.raises(manager.ProgrammingError, match="'uri' is empty"):
        manager.AdbcDatabase(driver=driver, uri="postgresql://host/db")


def test_a_prepared_change_is_refused_too(connection):
    rows(connection, "CREATE TABLE t (x BIGINT)")
    rows(connection, "PREPARE change AS INSERT INTO t VALUES (1)")
    connection.set_options(**{"adbc.connection.readonly": "true"})
    with pytest.raises(manager.Error, match="read-only"):
        rows(connection, "EXECUTE change")
