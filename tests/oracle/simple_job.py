"""Small jobs written by hand: a Parquet file a table, and the fields that a test is about."""

import json

import pyarrow.parquet as pq


def toml(value):
    """A TOML value: a string, number, boolean, list or inline table."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def create_table(name, location=None, order=None):
    declared = f" WITH ORDER ({order})" if order else ""
    location = location or f"{name}.parquet"
    return f"CREATE EXTERNAL TABLE \"{name}\" STORED AS PARQUET{declared} LOCATION '{location}'"


def write_job(folder, tables, selects="A", *, fields=None, setup=None, out="out", **sections):
    """Writes a Parquet file a table, and job.toml; returns the path of the latter.

    `tables`: name -> Arrow table, or None for no file. `fields`: table name -> its fields.
    `setup`: statements in place of those that declare the files. `sections`: batch, policy, engine.
    """
    for name, rows in tables.items():
        if rows is not None:
            pq.write_table(rows, folder / f"{name}.parquet")
    known = [create_table(name) for name, rows in tables.items() if rows is not None]
    engine = {"setup": known if setup is None else setup, **sections.pop("engine", {})}
    batch = {"key": ["id"], **sections.pop("batch", {})}
    output = {"output": {"dir": out}} if out else {}
    lines = []
    for section, values in {"engine": engine, "batch": batch, **sections, **output}.items():
        lines += [f"[{section}]", *(f"{name} = {toml(value)}" for name, value in values.items())]
    for name in tables:
        own = {"name": name, **(fields or {}).get(name, {})}
        if not {"query", "substrait"} & own.keys():
            own.setdefault("source", name)
        if name == selects:
            own.setdefault("selects_keys", True)
        lines += ["[[table]]", *(f"{field} = {toml(value)}" for field, value in own.items())]
    path = folder / "job.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
