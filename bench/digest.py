"""What contenders delivered, in a form that is the same in whatever order the rows came."""

from pathlib import Path

import duckdb

Digest = dict[str, tuple[int, int]]


def digest(folder: Path, tables: list[str], only_selected: tuple[str, ...] = ()) -> Digest:
    """Of each table below `folder`: how many rows it has, and the sum of their hashes.

    With `only_selected`, the key columns, rows whose key the first table lacks do not count.
    """
    keys = ", ".join(only_selected)
    join = f'SEMI JOIN (SELECT DISTINCT {keys} FROM "{tables[0]}") USING ({keys})' if keys else ""
    result = {}
    with duckdb.connect() as connection:
        for name in tables:
            connection.execute(
                f"""CREATE VIEW "{name}" AS FROM read_parquet('{folder}/{name}/*.parquet')"""
            )
        for name in tables:
            columns = sorted(connection.table(f'"{name}"').columns)
            values = ", ".join(f'"{column}"' for column in columns)
            result[name] = connection.execute(
                f'SELECT count(*), sum(hash({values})) FROM "{name}" {join}'
            ).fetchone()
    return result
