"""DataFusion: `ORDER BY` a table, one after another.

Nothing drops the rows of keys that are not selected, and nothing puts the tables' rows together:
that is left to whoever reads them.
"""

import os

import adbc_driver_manager
import pyarrow
from peer import Delivery, main


def open_database(workload: dict) -> adbc_driver_manager.AdbcDatabase:
    return adbc_driver_manager.AdbcDatabase(
        driver=os.environ["SHEAF_DATAFUSION_DRIVER"],
        **{"datafusion.memory_limit": str(workload["memory"])},
    )


def set_up(database: adbc_driver_manager.AdbcDatabase, workload: dict) -> None:
    for sql in workload["setup"]:
        with (
            adbc_driver_manager.AdbcConnection(database) as connection,
            adbc_driver_manager.AdbcStatement(connection) as statement,
        ):
            statement.set_sql_query(sql)
            statement.execute_update()


def deliver_table(database, workload: dict, query: dict, delivery: Delivery) -> None:
    """Reads all rows of one query on a connection of its own."""
    order = ", ".join(workload["key"])
    with (
        adbc_driver_manager.AdbcConnection(database) as connection,
        adbc_driver_manager.AdbcStatement(connection) as statement,
    ):
        statement.set_sql_query(f"SELECT * FROM ({query['sql']}) AS q ORDER BY {order}")
        stream, _ = statement.execute_query()
        for batch in pyarrow.RecordBatchReader._import_from_c(stream.address):
            delivery.add(query["name"], batch.num_rows, lambda: pyarrow.Table.from_batches([batch]))


def deliver(workload: dict, delivery: Delivery) -> None:
    with open_database(workload) as database:
        set_up(database, workload)
        for query in workload["queries"]:
            deliver_table(database, workload, query, delivery)


if __name__ == "__main__":
    main(deliver)
