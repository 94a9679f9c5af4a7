"""What people use today for the same rows, each as a program of its own for bench/compare.py."""

import argparse
import threading
from pathlib import Path

import adbc_driver_manager
import pyarrow

TABLES = ["P", "logs", "R", "S"]
SELECTING = """SELECT id, timestamp_unix_nano AS timestamp, severity_number, body, trace_id FROM logs
WHERE timestamp_unix_nano >= 1695024000000000000 AND severity_number >= 17"""
QUERIES = {"A": SELECTING, "P": 'SELECT * FROM "P"', "R": 'SELECT * FROM "R"', "S": 'SELECT * FROM "S"'}


def drain(database, query):
    """Reads all rows of a query on a connection of its own, a batch at a time."""
    rows = 0
    with adbc_driver_manager.AdbcConnection(database) as connection:
        with adbc_driver_manager.AdbcStatement(connection) as statement:
            statement.set_sql_query(query)
            stream, _ = statement.execute_query()
            for batch in pyarrow.RecordBatchReader._import_from_c(stream.address):
                rows += batch.num_rows
    return rows


def datafusion(options):
    """The four queries, each with ORDER BY id, and nothing that puts their rows together."""
    with adbc_driver_manager.AdbcDatabase(driver=options.driver) as database:
        with adbc_driver_manager.AdbcConnection(database) as connection:
            for table in TABLES:
                order = "WITH ORDER (id ASC) " if options.declared else ""
                with adbc_driver_manager.AdbcStatement(connection) as statement:
                    statement.set_sql_query(
                        f"""CREATE EXTERNAL TABLE "{table}" STORED AS PARQUET {order}
                        LOCATION '{options.data / table}/'"""
                    )
                    statement.execute_update()
        queries = [f"SELECT * FROM ({q}) AS q ORDER BY id" for q in QUERIES.values()]
        if options.mode == "parallel":
            threads = [threading.Thread(target=drain, args=(database, q)) for q in queries]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        else:
            for query in queries:
                drain(database, query)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--driver", required=True)
    parser.add_argument("--declared", action="store_true")
    peers = parser.add_subparsers(required=True)
    peer = peers.add_parser("datafusion")
    peer.add_argument("--mode", choices=["one after another", "parallel"], required=True)
    peer.set_defaults(run=datafusion)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
