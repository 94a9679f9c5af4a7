"""DuckDB: each table as one list of rows a key, the lists joined to the selected keys."""

from functools import partial

import pyarrow
from duckdb_sort import connect
from peer import Delivery, main

KEYS_PER_BATCH = 65_536


def nested(workload: dict) -> str:
    """One row a key: the key columns, then a list column a table."""
    key = ", ".join(workload["key"])
    selecting, *others = [
        f"""(SELECT {key}, list(q) AS "{query['name']}"
        FROM ({query["sql"]}) AS q GROUP BY {key})"""
        for query in workload["queries"]
    ]
    joins = " ".join(f"LEFT JOIN {other} USING ({key})" for other in others)
    return f"SELECT * FROM {selecting} {joins} ORDER BY {key}"


def deliver(workload: dict, delivery: Delivery) -> None:
    for batch in connect(workload).sql(nested(workload)).to_arrow_reader(KEYS_PER_BATCH):
        for query in workload["queries"]:
            rows = batch.column(query["name"]).flatten()
            to_arrow = partial(pyarrow.RecordBatch.from_struct_array, rows)
            delivery.add(query["name"], len(rows), to_arrow)


if __name__ == "__main__":
    main(deliver)
