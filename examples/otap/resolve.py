#!/usr/bin/env python3
"""Proves that each batch of a run with local ids resolves by itself.

    python resolve.py OUT

Reads the files of one batch at a time, and of the manifest only how the tables hang together. Ends with an
error if a batch has more than 65,536 rows in a table of one row a key, or an id twice there; if a row has
no parent in its batch, or names one that is not there; or if joins by local ids and by the real keys differ.
"""

import json
import sys
from pathlib import Path

import duckdb

MAX_KEYS = 65_536


class Batch:
    """The files of one batch, as tables."""

    def __init__(self, tables, files):
        self.tables = tables
        self.db = duckdb.connect()
        for name, file in files.items():
            rows = f"read_parquet('{file}', file_row_number = true)"
            self.db.execute(f'CREATE TABLE "{name}" AS FROM {rows}')

    def count(self, query):
        return self.db.execute(f"SELECT count(*) FROM ({query})").fetchone()[0]

    def primary_faults(self, name):
        """More ids than sixteen bits count, or one of them twice."""
        rows = self.count(f'FROM "{name}"')
        ids = self.count(f'SELECT DISTINCT local_id FROM "{name}"')
        return max(rows - MAX_KEYS, 0) + rows - ids

    def join_faults(self, owner, own, name):
        """Rows of a table without a parent, ids of the owner that lead nowhere, and pairs of rows that only one
        of both joins finds."""
        table, key = self.tables[name], self.tables[name]["key"]
        columns = table.get("parent_columns") or table.get("references", {}).get("columns")
        columns = columns or self.tables[owner]["key"]
        by_key = " AND ".join(f"o.{left} = r.{right}" for left, right in zip(columns, key, strict=True))
        by_id = f'o."{own}" = r.local_id'
        pairs = f'SELECT o.file_row_number AS o, r.file_row_number AS r FROM "{owner}" o JOIN "{name}" r ON'
        lost = f'FROM "{name}" r WHERE NOT EXISTS (FROM "{owner}" o WHERE {by_id})'
        dangling = f'FROM "{owner}" o WHERE "{own}" IS NOT NULL AND NOT EXISTS (FROM "{name}" r WHERE {by_id})'
        return (
            self.count(lost)
            + (self.count(dangling) if "references" in table else 0)
            + self.count(f"{pairs} {by_id} EXCEPT {pairs} {by_key}")
            + self.count(f"{pairs} {by_key} EXCEPT {pairs} {by_id}")
        )

    def faults(self):
        """What is wrong, by table."""
        linked = {n for n, table in self.tables.items() if {"parent", "references"} & table.keys()}
        primary = [n for n, t in self.tables.items() if t["rows_per_key"] == "one" and n not in linked]
        faults = {name: self.primary_faults(name) for name in primary}
        for name, table in self.tables.items():
            if name in linked:
                owner = table.get("parent") or table["references"]["table"]
                faults[name] = self.join_faults(owner, f"{name}_local_id", name)
            elif name not in primary:
                faults[name] = sum(self.join_faults(owner, "local_id", name) for owner in primary)
        return faults


def main(out):
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    if manifest["local_id"] is None:
        sys.exit("the run has no local_id")
    tables = {table["name"]: table for table in manifest["tables"]}
    totals, rows, batches = dict.fromkeys(tables, 0), dict.fromkeys(tables, 0), 0
    for line in (out / "batches.jsonl").read_text("utf-8").splitlines():
        parts = json.loads(line)["tables"]
        batch = Batch(tables, {name: out / part["file"] for name, part in parts.items()})
        for name, faults in batch.faults().items():
            totals[name] += faults
        for name, part in parts.items():
            rows[name] += part["rows"]
        batches += 1
    print("table                    rows  unresolved")
    for name in tables:
        print(f"{name:20} {rows[name]:8} {totals[name]:11}")
    failed = batches == 0 or any(totals.values())
    print("not resolved" if failed else f"{batches} batches, each of them resolves by itself")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
