"""Arrow columns in forms that compare: for DuckDB (by value) and for the check (bit by bit)."""

from decimal import Context

import key_kinds
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_PARQUET_UNITS = {
    pa.timestamp("s"): pa.timestamp("ms"),
    pa.time32("s"): pa.time32("ms"),
    pa.date64(): pa.date32(),
}


def take(table, rows):
    """Rows of a table; Arrow has no such kernel for views."""
    plain = table
    for index, field in enumerate(table.schema):
        if pa.types.is_string_view(field.type) or pa.types.is_binary_view(field.type):
            values = pa.chunked_array([decoded(table.column(index))])
            plain = plain.set_column(index, field.name, values)
    return plain.take(pa.array(rows, pa.int64())).cast(table.schema)


def decoded(column):
    """One chunk, without dictionary, view or large types: the same values in a plain type."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    t = column.type
    if pa.types.is_list(t) or pa.types.is_struct(t):
        return column
    if key_kinds.is_text(t):
        return column.cast(pa.large_string())
    if key_kinds.is_bytes(t):
        return column.cast(pa.binary()).cast(pa.large_binary())
    return column


def logical_type(t):
    """What must be the same in a source and in the output, whatever the encoding."""
    t = key_kinds.value_type(t)
    if key_kinds.is_text(t):
        return "text"
    if key_kinds.is_bytes(t):
        return "bytes"
    if t in _PARQUET_UNITS:  # Parquet knows no seconds and no dates in milliseconds
        return str(_PARQUET_UNITS[t])
    if pa.types.is_list(t):
        return ("list", logical_type(t.value_type))
    if pa.types.is_struct(t):
        return ("struct", tuple((f.name, logical_type(f.type)) for f in t))
    return str(t)


def _unscaled(column):
    """A decimal128 column's integers, as decimal(38, 0)."""
    plain = pa.concat_arrays([column])
    return pa.Array.from_buffers(
        pa.decimal128(38, 0), len(plain), plain.buffers(), offset=plain.offset
    )


def comparable(column, scale):
    """(Arrow column, SQL template) whose values DuckDB compares as sheaf compares keys.

    `scale`: decimal places that all columns of this key part share; None where not a decimal.
    """
    column = decoded(column)
    t = column.type
    tick = key_kinds.tick_ns(t)
    if tick is not None:
        return column.view(key_kinds.storage_int(t)), f"CAST({{0}} AS HUGEINT) * {tick}"
    if pa.types.is_integer(t):
        return column, f"CAST({{0}} AS HUGEINT) * {10 ** (scale or 0)}"
    if pa.types.is_decimal128(t):
        return _unscaled(column), f"CAST({{0}} AS HUGEINT) * {10 ** (scale - t.scale)}::HUGEINT"
    if pa.types.is_decimal256(t):
        # Wider than any number of DuckDB: as text of a fixed width that sorts as the number does.
        return _sortable_text(column), "{0}"
    if pa.types.is_floating(t):
        value = "CAST({0} AS DOUBLE)"
        whole = (
            f"CASE WHEN isnan({value}) THEN 'nan'::DOUBLE WHEN {value} = 0 THEN 0 ELSE {value} END"
        )
        return column, whole
    return column, "{0}"


def _sortable_text(column):
    """Each number plus 10^80, in 81 digits."""
    exact, scale = Context(prec=100), column.type.scale
    values = column.to_pylist()
    shifted = [
        None if v is None else f"{10**80 + int(v.scaleb(scale, exact)):081d}" for v in values
    ]
    return pa.array(shifted, pa.large_string())


def _bits(column):
    """The column in a type that dictionary_encode tells apart bit by bit."""
    t = column.type
    if pa.types.is_float64(t):
        return column.view(pa.int64())
    if pa.types.is_float32(t):
        return column.view(pa.int32())
    if t in _PARQUET_UNITS:
        column = column.cast(_PARQUET_UNITS[t])
    if key_kinds.tick_ns(t) is not None:
        return column.view(key_kinds.storage_int(column.type))
    if pa.types.is_list(t) or pa.types.is_struct(t):
        return pa.array([repr(value) for value in column.to_pylist()], pa.large_string())
    return column


def codes(columns):
    """An array of ints for each column: equal values have equal ints, null is one of them."""
    plain = [_bits(decoded(column)) for column in columns]
    encoded = pa.chunked_array(plain).combine_chunks().dictionary_encode()
    indices = pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    return np.split(indices.astype(np.int64), np.cumsum([len(column) for column in plain])[:-1])
