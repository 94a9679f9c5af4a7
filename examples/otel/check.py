#!/usr/bin/env python3
"""Compares the output of job.toml with the queries it stands for, run by DuckDB on the same data.

    python check.py DATA OUT

Prints a line for each table. Ends with an error if one row is missing, extra, in the wrong batch or
out of order.
"""

import sys

import duckdb

MAX_KEYS = 65_536

A = """
SELECT id, timestamp_unix_nano AS timestamp, severity_number, body, trace_id FROM logs
WHERE timestamp_unix_nano >= 1695024000000000000 AND severity_number >= 17"""
EXPECTED = {
    "A": A,
    "P": "FROM P SEMI JOIN A USING (id)",
    "R": "FROM R SEMI JOIN A USING (id)",
    "S": "FROM S SEMI JOIN A USING (id)",
}

ORDER = {"A": "(id, timestamp)"}  # the others promise the order of their ids only

# Rows are compared as a multiset, so a row delivered twice is an extra row. A file holds one batch: at
# most max_keys ids, all above those of the file before it.
COMPARE = """
WITH
    delivered AS (FROM read_parquet('{out}/{table}/*.parquet')),
    expected AS ({query}),
    placed AS (
        SELECT id, filename, {order} < lag({order}) OVER
            (PARTITION BY filename ORDER BY file_row_number) AS out_of_order
        FROM read_parquet('{out}/{table}/*.parquet', filename = true, file_row_number = true)
    ),
    file AS (
        SELECT count(DISTINCT id) AS ids, min(id) AS first, max(id) AS last
        FROM placed GROUP BY filename
    ),
    batch AS (SELECT ids > {max_keys} OR first <= lag(last) OVER (ORDER BY first) AS bad FROM file)
SELECT
    (SELECT count(*) FROM delivered),
    (SELECT count(*) FROM (FROM expected EXCEPT ALL FROM delivered)),
    (SELECT count(*) FROM (FROM delivered EXCEPT ALL FROM expected)),
    (SELECT count(*) FROM batch WHERE bad),
    (SELECT count(*) FROM placed WHERE out_of_order)
"""


def main(data: str, out: str) -> int:
    connection = duckdb.connect()
    for table in ("P", "logs", "R", "S"):
        connection.execute(f"CREATE VIEW {table} AS FROM read_parquet('{data}/{table}/*.parquet')")
    connection.execute(f"CREATE VIEW A AS {A}")

    failed = False
    print("table       rows  missing  extra  wrong batches  out of order")
    for table, query in EXPECTED.items():
        order = ORDER.get(table, "id")
        text = COMPARE.format(out=out, table=table, query=query, order=order, max_keys=MAX_KEYS)
        rows, *faults = connection.execute(text).fetchone()
        print(f"{table:5} {rows:10} {faults[0]:8} {faults[1]:6} {faults[2]:14} {faults[3]:13}")
        failed |= rows == 0 or any(faults)
    print("different" if failed else "the same rows, in the right batches and in order")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
