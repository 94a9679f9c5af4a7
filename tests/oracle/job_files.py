"""Writes a random job to a folder: data files and job.toml."""

import json

import canonical
import pyarrow as pa
import pyarrow.parquet as pq
from random_job import FILTER_COLUMN


def quote(identifier):
    return '"' + identifier.replace('"', '""') + '"'


def text(value):
    """A TOML string (JSON's escapes are TOML's)."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def texts(values):
    return "[" + ", ".join(text(value) for value in values) + "]"


def write_job(job, folder, duckdb_driver=None):
    """Writes the job's data files and job.toml below `folder`; returns the path of the latter."""
    for index, table in enumerate(job.tables):
        _write_data(table, folder, index)
    return write_job_file(job, folder / "job.toml", "out", duckdb_driver)


def write_job_file(job, path, out, duckdb_driver=None):
    """Writes the TOML file alone, for data that is there."""
    lines = _engine_lines(job, duckdb_driver) + _batch_lines(job)
    for table in job.tables:
        lines += _table_lines(job, table)
    lines += ["[output]", f"dir = {text(out)}", f"format = {text(job.output)}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def location_of(table, index):
    """Where a table's data is: a file, or a folder of files."""
    return f"data{index}.{table.file_format}" if table.files == 1 else f"data{index}/"


def _write_data(table, folder, index):
    location, pieces = folder / location_of(table, index), _split(table)
    if len(pieces) == 1:
        _write_file(table, pieces[0], location)
        return
    location.mkdir()
    for number, piece in enumerate(pieces):
        _write_file(table, piece, location / f"part-{number}.{table.file_format}")


def _split(table):
    """The rows of each file; where the order is declared, every file is in order by itself."""
    if table.files == 1:
        return [table.data]
    if table.declared:
        rows = range(table.data.num_rows)
        return [canonical.take(table.data, rows[i :: table.files]) for i in range(table.files)]
    step = table.data.num_rows // table.files + 1
    return [table.data.slice(i * step, step) for i in range(table.files)]


def _write_file(table, rows, path):
    if table.file_format == "parquet":
        pq.write_table(rows, path, row_group_size=table.row_group)
        return
    # One dictionary a column: files of the IPC format may not replace one.
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows.unify_dictionaries(), max_chunksize=table.row_group)


def _create_statement(job, table, location):
    if job.engine == "duckdb":
        files = location + "*.parquet" if location.endswith("/") else location
        return f"CREATE VIEW {quote(table.source)} AS SELECT * FROM read_parquet('{files}')"
    order = ", ".join(f"{quote(column)} ASC NULLS LAST" for column in table.key)
    declared = f" WITH ORDER ({order})" if table.declared else ""
    stored = table.file_format.upper()
    create = f"CREATE EXTERNAL TABLE {quote(table.source)} STORED AS {stored}"
    return f"{create}{declared} LOCATION '{location}'"


def _engine_lines(job, duckdb_driver):
    options = dict(job.options)
    lines = ["[engine]"]
    setup = [
        _create_statement(job, table, location_of(table, index))
        for index, table in enumerate(job.tables)
    ]
    if job.engine == "duckdb":
        lines.append(f"driver = {text(str(duckdb_driver))}")
        options["entrypoint"] = "duckdb_adbc_init"
    lines += ["setup = [", *(f"  {text(statement)}," for statement in setup), "]"]
    return lines + ["[engine.options]"] + [f"{text(k)} = {text(v)}" for k, v in options.items()]


def _batch_lines(job):
    lines = ["[batch]", f"key = {texts(job.tables[0].key)}", f"max_keys = {job.max_keys}"]
    lines.append(f"strategy = {text(job.strategy)}")
    if job.max_bytes is not None:
        lines.append(f'max_bytes = "{job.max_bytes}B"')
    return lines + [f"ties = {text(job.ties)}", f"memory = {text(job.memory)}"]


def order_text(term):
    words = quote(term.column) if not term.column.isidentifier() else term.column
    words += " DESC" if term.descending else ""
    if term.spelled:
        words += " NULLS FIRST" if term.nulls_first else " NULLS LAST"
    return words


def query_of(table):
    """The table's SQL, in the form that was drawn."""
    source, columns = quote(table.source), ", ".join(quote(column) for column in table.columns)
    by_filter = f"WHERE {table.filter.sql()}" if table.filter else ""
    half = f"{quote(FILTER_COLUMN)} < 2"
    return {
        "all": f"SELECT * FROM {source}",
        "where": f"SELECT * FROM {source} {by_filter}",
        "cte": f"WITH c AS (SELECT * FROM {source}) SELECT * FROM c {by_filter}",
        "union": f"SELECT * FROM {source} WHERE {half} UNION ALL "
        f"SELECT * FROM {source} WHERE ({half}) IS NOT TRUE",
        "project": f"SELECT {columns} FROM {source}",
    }[table.form]


def _table_lines(job, table):
    lines = ["[[table]]", f"name = {text(table.name)}"]
    if table.form == "source":
        lines.append(f"source = {text(table.source)}")
    else:
        lines.append(f"query = {text(query_of(table))}")
    if table.key != job.tables[0].key:
        lines.append(f"key = {texts(table.key)}")
    if table.order_by:
        lines.append(f"order_by = {texts(order_text(term) for term in table.order_by)}")
    if table.selects:
        lines.append("selects_keys = true")
    return lines
