"""Random tables with a column of each type, and how DuckDB says what their values are in JSON."""

import base64
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa

TEXTS = ("", "a", 'say "x"', "back\\slash", "line\nbreak", "tab\t", "é日\U0001f600", "\x01", "long " * 20)


@dataclass(frozen=True)
class ColumnKind:
    """`draw(rng)` makes a value; `sql` is its JSON form in DuckDB, where {0} is the column;
    `read` makes what was read from JSON comparable with that."""

    type: pa.DataType
    draw: object
    sql: str = "{0}"
    read: object = lambda value: value


def _integer(t, bits, signed=True):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return ColumnKind(t, lambda rng: rng.choice((low, high, 0, rng.randint(low, high))))


def _float(rng):
    special = (0.0, 5e-324, 1e300, 0.1, float("nan"), float("inf"), float("-inf"))
    return rng.choice((*special, rng.uniform(-1e6, 1e6), rng.gauss(0, 1)))


def _decimal(precision, scale):
    def draw(rng):
        digits = rng.randint(-(10**precision) + 1, 10**precision - 1)
        return Decimal((digits < 0, tuple(map(int, str(abs(digits)))), -scale))

    return ColumnKind(pa.decimal128(precision, scale), draw, read=Decimal)


def _ticks(low, high):
    return lambda rng: rng.choice((low, high, 0, rng.randint(low, high)))


_MOMENT = "strftime({0}, '%Y-%m-%dT%H:%M:%S.{1}')"
_SPAN_US = 4_000_000_000_000_000  # about 127 years around 1970
_FINITE = "CASE WHEN isfinite({0}) THEN {0} END"

KINDS = {
    "i8": _integer(pa.int8(), 8),
    "i64": _integer(pa.int64(), 64),
    "u64": _integer(pa.uint64(), 64, signed=False),
    "f64": ColumnKind(pa.float64(), _float, _FINITE, float),
    "f32": ColumnKind(
        pa.float32(), lambda rng: float(np.float32(rng.gauss(0, 1e3))), _FINITE, np.float32
    ),
    "small_decimal": _decimal(9, 2),
    "large_decimal": _decimal(38, 10),
    "flag": ColumnKind(pa.bool_(), lambda rng: rng.random() < 0.5),
    "text": ColumnKind(pa.string(), lambda rng: rng.choice(TEXTS)),
    "word": ColumnKind(pa.dictionary(pa.int32(), pa.string()), lambda rng: rng.choice(TEXTS)),
    "bytes": ColumnKind(
        pa.binary(), lambda rng: rng.randbytes(rng.randrange(9)), read=base64.b64decode
    ),
    "day": ColumnKind(pa.date32(), _ticks(-40_000, 40_000), "strftime({0}, '%Y-%m-%d')"),
    "time": ColumnKind(
        pa.time64("us"),
        _ticks(0, 86_399_999_999),
        "strftime(DATE '2000-01-01' + {0}, '%H:%M:%S.%f')",
    ),
    "millis": ColumnKind(
        pa.timestamp("ms"), _ticks(-_SPAN_US // 1000, _SPAN_US // 1000), _MOMENT.format("{0}", "%g")
    ),
    "micros": ColumnKind(pa.timestamp("us"), _ticks(-_SPAN_US, _SPAN_US), _MOMENT.format("{0}", "%f")),
    "nanos": ColumnKind(
        pa.timestamp("ns"), _ticks(-_SPAN_US * 1000, _SPAN_US * 1000), _MOMENT.format("{0}", "%n")
    ),
    "zoned": ColumnKind(
        pa.timestamp("us", "UTC"),
        _ticks(-_SPAN_US, _SPAN_US),
        _MOMENT.format("make_timestamp(epoch_us({0}))", "%fZ"),
    ),
    "numbers": ColumnKind(
        pa.list_(pa.int32()), lambda rng: [rng.choice((None, 1, -2)) for _ in range(rng.randrange(4))]
    ),
    "pair": ColumnKind(
        pa.struct([("x", pa.int64()), ("y", pa.string())]),
        lambda rng: {"x": rng.choice((None, 7)), "y": rng.choice(TEXTS)},
    ),
    "pairs": ColumnKind(
        pa.list_(pa.struct([("x", pa.int64())])),
        lambda rng: [rng.choice((None, {"x": 1}, {"x": None})) for _ in range(rng.randrange(3))],
    ),
    "map": ColumnKind(
        pa.map_(pa.string(), pa.int64()),
        lambda rng: [(word, rng.choice((None, 5))) for word in rng.sample(TEXTS, rng.randrange(4))],
    ),
}


def random_table(rng, ids):
    """A row an id, with a column `n` that numbers the rows and about half of all kinds."""
    columns = {"id": pa.array(ids, pa.int64()), "n": pa.array(range(len(ids)), pa.int32())}
    for name, kind in KINDS.items():
        if rng.random() < 0.5:
            continue
        share = rng.choice((0.0, 0.2, 1.0))
        values = [None if rng.random() < share else kind.draw(rng) for _ in ids]
        columns[name] = pa.array(values, kind.type, from_pandas=False)
    return pa.table(columns)


def json_forms(names):
    """SQL for the JSON form of each column."""
    return ", ".join(
        f'{KINDS[name].sql.format(name)} AS "{name}"' if name in KINDS else name for name in names
    )


def read_row(row):
    """A row of a document, with values that compare with those of DuckDB."""
    return {
        name: value if value is None or name not in KINDS else KINDS[name].read(value)
        for name, value in row.items()
    }
