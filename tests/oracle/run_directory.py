"""Reads a run directory: what was delivered, and whether its commit log and its files agree."""

import json
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq


@dataclass
class Run:
    batches: list  # the lines of batches.jsonl
    totals: dict  # _SUCCESS
    manifest: dict
    tables: dict  # name -> one pa.Table a batch


def read_table_file(path):
    if path.suffix == ".parquet":
        return pq.ParquetFile(path).read()
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def read_log(folder):
    return [json.loads(line) for line in (folder / "batches.jsonl").read_text("utf-8").splitlines()]


def data_files(folder):
    """Paths of all data files below a run directory, as the commit log spells them."""
    top = {"manifest.json", "batches.jsonl", "_SUCCESS"}
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in found if name not in top)


def logged_files(batches):
    return sorted(table["file"] for line in batches for table in line["tables"].values())


def read_run(folder):
    """Everything in the folder of a finished run. Fails where log and files disagree."""
    batches = read_log(folder)
    assert [line["index"] for line in batches] == list(range(len(batches))), (
        "batches are not numbered 0, 1, 2"
    )
    assert data_files(folder) == logged_files(batches), "files and batches.jsonl disagree"
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    names = [table["name"] for table in manifest["tables"]]
    tables = {name: [_read_logged(folder, line, name) for line in batches] for name in names}
    for line in batches:
        assert line["rows"] == sum(tables[name][line["index"]].num_rows for name in names)
    return Run(batches, json.loads((folder / "_SUCCESS").read_text("utf-8")), manifest, tables)


def _read_logged(folder, line, name):
    """One table of a batch, from the file that the log names."""
    logged, index = line["tables"][name], line["index"]
    path = folder / logged["file"]
    assert path.stem == f"batch-{index:06d}" and path.parent.name == name, (
        f"a file is called {path}"
    )
    assert path.stat().st_size == logged["bytes"], f"{path.name}: the log has another size"
    rows = read_table_file(path)
    assert rows.num_rows == logged["rows"], (
        f"{path.name} has {rows.num_rows} rows, the log {logged['rows']}"
    )
    return rows
