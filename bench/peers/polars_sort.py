"""Polars, streaming: sort a table, semi-joined to the selected keys. It knows no memory limit."""

import polars
from peer import Delivery, main


def deliver(workload: dict, delivery: Delivery) -> None:
    tables = {
        name: polars.scan_parquet(f"{folder}/*.parquet")
        for name, folder in workload["tables"].items()
    }
    context = polars.SQLContext(tables)
    key = workload["key"]
    selecting, *_ = workload["queries"]
    selected = context.execute(selecting["sql"], eager=False).select(key).unique()
    keys = selected.collect(engine="streaming").lazy()
    for query in workload["queries"]:
        rows = context.execute(query["sql"], eager=False)
        if query is not selecting:
            rows = rows.join(keys, on=key, how="semi")
        for frame in rows.sort(key).collect_batches(engine="streaming"):
            delivery.add(query["name"], frame.height, frame.to_arrow)


if __name__ == "__main__":
    main(deliver)
