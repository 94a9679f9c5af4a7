"""DuckDB: the selected keys in a temporary table, and `ORDER BY` a table, semi-joined to them."""

import duckdb
from peer import Delivery, main

ROWS_PER_BATCH = 100_000


def connect(workload: dict) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={
            "memory_limit": f"{workload['memory'] // 2**20}MiB",
            "preserve_insertion_order": False,
            "temp_directory": workload["scratch"],
        }
    )
    for name, folder in workload["tables"].items():
        connection.execute(f"""CREATE VIEW "{name}" AS FROM read_parquet('{folder}/*.parquet')""")
    return connection


def deliver(workload: dict, delivery: Delivery) -> None:
    connection = connect(workload)
    key = ", ".join(workload["key"])
    selecting, *_ = workload["queries"]
    connection.execute(f"CREATE TEMP TABLE keys AS SELECT DISTINCT {key} FROM ({selecting['sql']})")
    for query in workload["queries"]:
        joined = "" if query is selecting else f"SEMI JOIN keys USING ({key})"
        rows = connection.sql(f"SELECT * FROM ({query['sql']}) AS q {joined} ORDER BY {key}")
        reader = rows.to_arrow_reader(ROWS_PER_BATCH)
        for batch in reader:
            delivery.add(query["name"], batch.num_rows, lambda: batch)


if __name__ == "__main__":
    main(deliver)
