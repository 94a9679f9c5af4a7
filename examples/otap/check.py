#!/usr/bin/env python3
"""Compares the output of a job of this folder with what DuckDB finds in the same data.

    python check.py JOB DATA OUT

Prints a line for each table. Ends with an error if one row is missing, extra, in the wrong batch or out
of order. Reads keys, links and queries from the job; knows nothing else of sheaf.
"""

import sys
import tomllib
from pathlib import Path

import duckdb

MAX_KEYS = 65_536


class Check:
    def __init__(self, job, data, out):
        self.job, self.data, self.out = job, data, out
        self.tables = {table["name"]: table for table in job["table"]}
        self.db = duckdb.connect()
        self.db.execute("SET preserve_insertion_order = false")
        for folder in data.iterdir():
            files = f"'{folder}/*/*.parquet', hive_partitioning = true, hive_types_autocast = false"
            self.db.execute(f"CREATE VIEW {folder.name} AS FROM read_parquet({files})")

    def key_of(self, name):
        return self.tables[name].get("key", self.job["batch"]["key"])

    def source(self, name):
        """The rows as the job's query delivers them."""
        table = self.tables[name]
        return f"({table['query']})" if "query" in table else table.get("source", name)

    def link_of(self, name):
        """The table that this one hangs on, and its columns; None for a table with the job's key."""
        table = self.tables[name]
        if "references" in table:
            return table["references"]["table"], table["references"]["columns"]
        return (table["parent"], table["parent_columns"]) if "parent" in table else None

    def find_keys(self):
        """Table `keys`: k0, k1, .., each key's rank in the run and its batch."""
        parts = [f"k{i}" for i in range(len(self.job["batch"]["key"]))]
        selects = []
        for name, table in self.tables.items():
            if table.get("selects_keys"):
                columns = [f"{column} AS {part}" for column, part in zip(self.key_of(name), parts)]
                selects.append(f"SELECT {', '.join(columns)} FROM {self.source(name)}")
        max_keys = self.job["batch"].get("max_keys", MAX_KEYS)
        names = ", ".join(parts)
        self.db.execute(f"""
            CREATE TABLE keys AS
            SELECT *, rank // {max_keys} AS batch FROM (
                SELECT {names}, row_number() OVER (ORDER BY {names}) - 1 AS rank
                FROM (SELECT DISTINCT {names} FROM ({' UNION '.join(selects)}))
                WHERE {' AND '.join(f'{part} IS NOT NULL' for part in parts)})""")

    def expect(self, name):
        """Table `due_NAME`: the rows that are due, with their batch. What it hangs on is there already."""
        key, link = self.key_of(name), self.link_of(name)
        if link:
            columns = ", ".join(f"{column} AS k{i}" for i, column in enumerate(link[1]))
            owners = f"(SELECT DISTINCT batch, {columns} FROM due_{link[0]})"
        else:
            owners = "keys"
        on = " AND ".join(f"owner.k{i} = row.{column}" for i, column in enumerate(key))
        self.db.execute(f"""CREATE TABLE due_{name} AS
            SELECT owner.batch, row.* FROM {self.source(name)} AS row JOIN {owners} AS owner ON {on}""")

    def place_of(self, name):
        """SQL: batch, file_row_number and place, which must not fall within a batch."""
        key, link = self.key_of(name), self.link_of(name)
        if "references" in self.tables[name]:
            return f"SELECT batch, file_row_number, ({', '.join(key)}) AS place FROM got_{name}"
        owners, columns, place, same = "keys", [f"k{i}" for i in range(len(key))], "rank", ""
        if link:
            owners, columns, place = f"got_{link[0]}", link[1], "owner.file_row_number"
            same = " AND owner.batch = row.batch"
        on = " AND ".join(f"owner.{c} = row.{k}" for c, k in zip(columns, key, strict=True))
        return f"""SELECT row.batch, row.file_row_number, {place} AS place
            FROM got_{name} AS row JOIN {owners} AS owner ON {on}{same}"""

    def compare(self, name):
        """Rows, and how many are missing, extra and out of order."""
        files = f"'{self.out}/{name}/*.parquet', filename = true, file_row_number = true"
        self.db.execute(f"""CREATE TABLE got_{name} AS SELECT
            regexp_extract(filename, 'batch-(\\d+)', 1)::BIGINT AS batch, * EXCLUDE (filename)
            FROM read_parquet({files})""")
        columns = [row[0] for row in self.db.execute(f"DESCRIBE due_{name}").fetchall()]
        due = f"SELECT {', '.join(columns)} FROM due_{name}"
        got = f"SELECT {', '.join(columns)} FROM got_{name}"
        return self.db.execute(f"""SELECT
            (SELECT count(*) FROM got_{name}),
            (SELECT count(*) FROM ({due} EXCEPT ALL {got})),
            (SELECT count(*) FROM ({got} EXCEPT ALL {due})),
            (SELECT count(*) FROM (SELECT place < lag(place) OVER
                (PARTITION BY batch ORDER BY file_row_number) AS falls FROM ({self.place_of(name)}))
             WHERE falls)""").fetchall()[0]

    def present(self, name):
        table = self.tables[name]
        return "query" in table or (self.data / table.get("source", name)).exists()

    def run(self):
        failed = False
        self.find_keys()
        print("table                    rows  missing  extra  out of order")
        for name in self.tables:  # the jobs here name what a table hangs on before it
            if not self.present(name):
                print(f"{name:20} absent")
                continue
            self.expect(name)
            rows, *faults = self.compare(name)
            print(f"{name:20} {rows:8} {faults[0]:8} {faults[1]:6} {faults[2]:13}")
            failed |= rows == 0 or any(faults)
        print("different" if failed else "the same rows, in the right batches and in order")
        return 1 if failed else 0


def main(job, data, out):
    return Check(tomllib.loads(Path(job).read_text("utf-8")), Path(data), Path(out)).run()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
