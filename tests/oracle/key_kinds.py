"""The kinds of key columns: which Arrow types compare with each other, and values worth trying.

A value is kept in a form that all types of its kind share: time in nanoseconds, decimals as
Decimal, text as str. `store` says how one type holds it, or None where that type can't.
"""

import math
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, localcontext

import numpy as np
import pyarrow as pa

UNIT_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
DAY_NS = 86_400 * 10**9


@dataclass(frozen=True)
class Kind:
    """Types that compare with each other."""

    name: str
    types: tuple
    duckdb: bool = True  # whether a DuckDB engine keeps these values unchanged


def dictionary(value_type, index_type=None):
    return pa.dictionary(index_type or pa.int32(), value_type)


TEXT_TYPES = (
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    dictionary(pa.string()),
    dictionary(pa.large_string(), pa.int16()),
)
BYTES_TYPES = (pa.binary(), pa.large_binary(), pa.binary_view(), dictionary(pa.binary()))

KINDS = (
    Kind("int8", (pa.int8(), pa.int16(), pa.int64())),
    Kind("int16", (pa.int16(), pa.int32())),
    Kind("int32", (pa.int32(), pa.int64(), pa.int8(), dictionary(pa.int32()))),
    Kind("int64", (pa.int64(), pa.int32(), pa.uint32(), dictionary(pa.int64()))),
    Kind("uint8", (pa.uint8(), pa.uint16(), pa.int16())),
    Kind("uint16", (pa.uint16(), pa.uint32(), pa.uint64())),
    Kind("uint32", (pa.uint32(), pa.int64())),
    Kind("uint64", (pa.uint64(), pa.uint32(), pa.int64())),
    Kind("integer with decimal", (pa.int64(), pa.decimal128(22, 2)), duckdb=False),
    Kind("decimal(10,2)", (pa.decimal128(10, 2), pa.decimal128(18, 4))),
    Kind("decimal(38,10)", (pa.decimal128(38, 10),)),
    Kind("decimal(50,5)", (pa.decimal256(50, 5),), duckdb=False),
    Kind("decimal(76,0)", (pa.decimal256(76, 0),), duckdb=False),
    Kind("float32", (pa.float32(),)),
    Kind("float64", (pa.float64(), pa.float32())),
    Kind("bool", (pa.bool_(),)),
    Kind("date32", (pa.date32(),)),
    Kind("date64", (pa.date64(), pa.date32()), duckdb=False),
    Kind("time32", (pa.time32("ms"), pa.time32("s")), duckdb=False),
    Kind("time64", (pa.time64("us"), pa.time64("ns")), duckdb=False),
    Kind("timestamp(s)", (pa.timestamp("s"), pa.timestamp("ms")), duckdb=False),
    Kind("timestamp(ms)", (pa.timestamp("ms"), pa.timestamp("us")), duckdb=False),
    Kind(
        "timestamp(us)", (pa.timestamp("us"), pa.timestamp("ms"), pa.timestamp("ns")), duckdb=False
    ),
    Kind("timestamp(ns)", (pa.timestamp("ns"),), duckdb=False),
    Kind("timestamp(us,UTC)", (pa.timestamp("us", "UTC"), pa.timestamp("ms", "UTC")), duckdb=False),
    Kind(
        "timestamp(ns,zone)",
        (pa.timestamp("ns", "Europe/Berlin"), pa.timestamp("us", "+02:00")),
        duckdb=False,
    ),
    Kind("duration", (pa.duration("us"), pa.duration("ms")), duckdb=False),
    Kind("utf8", TEXT_TYPES),
    Kind("binary", BYTES_TYPES),
    Kind("fixed(3)", (pa.binary(3),)),
    Kind("fixed(16)", (pa.binary(16), pa.binary())),
)
BY_NAME = {kind.name: kind for kind in KINDS}


def is_text(t):
    return pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t)


def is_bytes(t):
    return (
        pa.types.is_binary(t)
        or pa.types.is_large_binary(t)
        or pa.types.is_binary_view(t)
        or pa.types.is_fixed_size_binary(t)
    )


def value_type(t):
    return t.value_type if pa.types.is_dictionary(t) else t


def tick_ns(t):
    """Nanoseconds that one step of a temporal type stands for; None for other types."""
    if pa.types.is_date32(t):
        return DAY_NS
    if pa.types.is_date64(t):
        return UNIT_NS["ms"]
    if pa.types.is_time(t) or pa.types.is_timestamp(t) or pa.types.is_duration(t):
        return UNIT_NS[t.unit]
    return None


def storage_int(t):
    """The integer type that a temporal type is stored as."""
    return pa.int32() if t.bit_width == 32 else pa.int64()


def integer_limits(t):
    if pa.types.is_unsigned_integer(t):
        return 0, 2**t.bit_width - 1
    return -(2 ** (t.bit_width - 1)), 2 ** (t.bit_width - 1) - 1


def temporal_limits(t):
    """The least and greatest count of ticks: what Parquet's own units can hold as well."""
    if pa.types.is_time(t):
        return 0, DAY_NS // UNIT_NS[t.unit] - 1
    if pa.types.is_date32(t):
        return -(2**31), 2**31 - 1
    if pa.types.is_date64(t):
        return -(2**31) * 86_400_000, (2**31 - 1) * 86_400_000
    limit = 2**63 - 1
    return (-(limit // 1000), limit // 1000) if t.unit == "s" else (-limit - 1, limit)


def decimal_limit(t):
    return Decimal(10**t.precision - 1).scaleb(-t.scale, Context(prec=100))


def store(value, t):
    """What an array of type `t` holds for the value; None where it can't hold it."""
    t = value_type(t)
    if pa.types.is_integer(t):
        low, high = integer_limits(t)
        return int(value) if value == int(value) and low <= value <= high else None
    if pa.types.is_decimal(t):
        value = Decimal(value)
        with localcontext(Context(prec=100, traps=[Inexact])):
            if abs(value) > decimal_limit(t):
                return None
            try:
                return value.quantize(Decimal(1).scaleb(-t.scale))
            except Inexact:
                return None
    if pa.types.is_float32(t):
        with np.errstate(over="ignore"):
            return value if math.isnan(value) or float(np.float32(value)) == value else None
    tick = tick_ns(t)
    if tick is not None:
        low, high = temporal_limits(t)
        return value // tick if value % tick == 0 and low <= value // tick <= high else None
    if pa.types.is_fixed_size_binary(t):
        return value if len(value) == t.byte_width else None
    return value


def build(stored, t):
    """An array of stored values and nulls."""
    if pa.types.is_dictionary(t):
        encoded = build(stored, t.value_type).dictionary_encode()
        return pa.DictionaryArray.from_arrays(
            encoded.indices.cast(t.index_type), encoded.dictionary
        )
    if tick_ns(t) is not None:
        return pa.array(stored, storage_int(t)).view(t)
    return pa.array(stored, t, from_pandas=False)


def sort_key(value):
    """Sorts values of one kind in sheaf's key order (for the plain Python reference)."""
    if isinstance(value, float):
        return (math.isnan(value), 0.0 if math.isnan(value) else value)
    return value.encode() if isinstance(value, str) else value


_WORDS = (
    "",
    " ",
    "a",
    "A",
    "aa",
    "ab",
    "b",
    "B",
    "Z",
    "z",
    "ä",
    "é",
    "e\u0301",
    "ß",
    "日本",
    "\uffff",
    "\U0001f600",
    "10",
    "9",
    "-1",
    "a\x00",
    "a\x00b",
    "same start, same start, one",
    "same start, same start, two",
    "same start",
    "null",
    "NULL",
    "'",
    '"',
    "\\",
    "\n",
    "\t",
)
_BYTES = (
    b"",
    b"\x00",
    b"\x00\x00",
    b"\x01",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xff\xff",
    b"ab",
    b"abc",
    b"\xff\x00",
)


def _random_text(rng):
    if rng.random() < 0.3:
        return rng.choice(_WORDS)
    prefix = rng.choice(("", "key-", "a rather long common prefix ", "ü"))
    return prefix + str(rng.randrange(10**6))


def _random_bytes(rng, t):
    if pa.types.is_fixed_size_binary(t):
        start = rng.choice((b"", b"\x00" * t.byte_width, b"\xff" * t.byte_width))
        return (
            (start + rng.randbytes(t.byte_width))[-t.byte_width :]
            if rng.random() < 0.5
            else (start + rng.randbytes(t.byte_width))[: t.byte_width]
        )
    return rng.choice(_BYTES) if rng.random() < 0.3 else rng.randbytes(rng.randrange(1, 20))


def _random_float(rng, t):
    special = (0.0, -0.0, math.nan, -math.nan, math.inf, -math.inf, 5e-324, -5e-324, 1.5, -1.5)
    if rng.random() < 0.3:
        return rng.choice(special)
    value = rng.choice(
        (rng.uniform(-10, 10), float(rng.randrange(-50, 50)), rng.uniform(-1e30, 1e30))
    )
    return float(np.float32(value)) if pa.types.is_float32(t) or rng.random() < 0.5 else value


def _random_int(rng, low, high):
    center = rng.choice((0, 0, rng.randint(low, high)))
    width = rng.choice((10, 1000, 10**6, high - low))
    return min(high, max(low, center + rng.randint(-width, width)))


def _random_ticks(rng, t):
    low, high = temporal_limits(t)
    if pa.types.is_date64(t):
        return rng.randrange(-40_000, 40_000) * 86_400_000
    if pa.types.is_time(t):
        return rng.randint(low, high)
    # Around now and before 1970, within what 64 bits of nanoseconds can hold.
    span = min(high, (2**62) // tick_ns(t))
    return rng.choice((rng.randint(-span, span), rng.randint(-1000, 1000)))


def _limits(t):
    if pa.types.is_integer(t):
        return integer_limits(t)
    if pa.types.is_decimal(t):
        return -decimal_limit(t), decimal_limit(t)
    if tick_ns(t) is not None:
        low, high = temporal_limits(t)
        return low * tick_ns(t), high * tick_ns(t)
    return ()


def random_value(rng, t, limits=True):
    """A random value that type `t` can hold, in the form that the kind shares."""
    t = value_type(t)
    ends = _limits(t)
    if limits and ends and rng.random() < 0.02:
        return rng.choice(ends)
    if pa.types.is_boolean(t):
        return rng.random() < 0.5
    if pa.types.is_integer(t):
        return _random_int(rng, *ends)
    if pa.types.is_decimal(t):
        digits = rng.choice((2, 6, t.precision))
        with localcontext(Context(prec=100)):
            return Decimal(rng.randint(-(10**digits) + 1, 10**digits - 1)).scaleb(-t.scale)
    if pa.types.is_floating(t):
        return _random_float(rng, t)
    if tick_ns(t) is not None:
        return _random_ticks(rng, t) * tick_ns(t)
    return _random_text(rng) if is_text(t) else _random_bytes(rng, t)
