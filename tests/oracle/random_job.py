"""Makes a random job from a seed: the tables' rows and how the job reads them.

`make_job(seed)` draws everything; job_files.py writes it to a folder.
"""

import math
from dataclasses import dataclass, field
from random import Random

import key_kinds
import pyarrow as pa

FILTER_COLUMN = "f"  # every table has it: the queries' WHERE conditions use it
MAX_ROWS = 3000
HOT_ROWS = 20_000
HOT_TEXT = 500  # bytes in each row of a table with a hot key: more than the least memory holds

COLUMN_NAMES = (
    "id", "Id2", "parent id", "Key", "größe", "日本", "select", "order", 'quo"te', "it's", "x-y",
    "semi;colon", "a_rather_long_column_name_that_goes_on_and_on", "n1", "N2", "_hidden", "100",
    "space at end ", "v1", "v2", "v3", "body", "Wert", "naïve",
)  # fmt: skip
TABLE_NAMES = ("P", "A", "R", "S", "logs", "Span Events", "größe", "x-y", "T9", "select")

PAYLOAD_TYPES = (
    pa.int64(), pa.int32(), pa.int8(), pa.uint64(), pa.float64(), pa.float32(), pa.bool_(),
    pa.string(), pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.date32(),
    pa.timestamp("us"), pa.timestamp("ms", "UTC"), pa.decimal128(12, 3),
    key_kinds.dictionary(pa.string()), pa.list_(pa.int32()),
    pa.struct([("a", pa.int64()), ("b", pa.string())]),
)  # fmt: skip
# What a DuckDB engine hands out in the same type.
DUCKDB_PAYLOAD_TYPES = tuple(t for t in PAYLOAD_TYPES if t != pa.timestamp("ms", "UTC"))


@dataclass
class OrderTerm:
    column: str
    descending: bool
    nulls_first: bool
    spelled: bool  # whether the job says where nulls go, or leaves it to the default


@dataclass
class Filter:
    """`column op value` over FILTER_COLUMN; rows with a null there never pass."""

    op: str
    value: int

    def sql(self):
        return f'"{FILTER_COLUMN}" {self.op} {self.value}'


@dataclass
class RandomTable:
    name: str
    source: str
    data: pa.Table
    key: list
    selects: bool
    order_by: list = field(default_factory=list)
    file_format: str = "parquet"
    files: int = 1
    form: str = "source"  # source | all | where | cte | union | project
    filter: Filter | None = None
    columns: list = field(default_factory=list)  # what a query delivers, in order
    declared: bool = False  # WITH ORDER by key
    row_group: int = 1000


@dataclass
class RandomJob:
    seed: int
    tables: list
    kinds: list
    max_keys: int
    max_bytes: int | None
    strategy: str
    ties: str
    engine: str
    options: dict
    output: str
    memory: str


def make_job(seed, duckdb=False):
    rng = Random(seed)
    kinds = _draw_kinds(rng, duckdb)
    base_types = [rng.choice(kind.types) for kind in kinds]
    num_tables = rng.choice((1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8))
    types = [_table_types(rng, kinds, base_types) for _ in range(num_tables)]
    hot = rng.random() < 0.02
    keys = _draw_keys(rng, types, duckdb)
    selecting = _draw_selecting(rng, types)
    job_key = _distinct_names(rng, len(kinds), ())
    tables = []
    names = rng.sample(TABLE_NAMES, num_tables)
    for index in range(num_tables):
        table = _make_table(
            rng, types[index], keys, names[index], job_key, hot and index == 0, duckdb
        )
        table.selects = index in selecting
        _draw_reading(rng, table, duckdb)
        tables.append(table)
    strategy = rng.choice(("auto", "merge", "partition", "probe"))
    if strategy == "probe" and not _can_be_probed(types, selecting):
        strategy = "partition"
    # An engine that sorts many tables needs more than the least memory that a job may ask for.
    little = ("1GiB",) if strategy in ("merge", "probe") else ("16MiB", "64MiB")
    return RandomJob(
        seed=seed,
        tables=tables,
        kinds=kinds,
        max_keys=_draw_max_keys(rng, len(keys), num_tables),
        max_bytes=_draw_max_bytes(rng, len(keys), hot),
        strategy=strategy,
        ties=rng.choice(("any", "fixed")),
        engine="duckdb" if duckdb else "datafusion",
        options={} if duckdb else _draw_options(rng, hot, strategy),
        output=rng.choice(("parquet", "parquet", "arrow")),
        memory=rng.choice((*little, "1GiB", "2GiB")),
    )


def _draw_max_bytes(rng, num_keys, hot):
    # Without it a hot key would be cut by the memory, which differs where a run is repeated.
    if hot:
        return rng.choice((50_000, 1_000_000, 100_000_000))
    return rng.choice((1, 5000, 100_000)) if rng.random() < 0.05 and num_keys < 60 else None


def _can_be_probed(types, selecting):
    """Probe wants the selecting keys to have one type, and none to be a duration."""
    if any(pa.types.is_duration(t) for key in types for t in key):
        return False
    # Parquet has no seconds: what two tables hold in one unit may come back in two.
    selected = [types[index] for index in selecting]
    changes = any(key_kinds.tick_ns(t) is not None for key in selected for t in key)
    return len(selected) == 1 or (len(set(map(tuple, selected))) == 1 and not changes)


def _draw_selecting(rng, types):
    """One table that selects keys, or two whose keys one Arrow type can hold."""
    first, *others = rng.sample(range(len(types)), len(types))
    if not others or rng.random() < 0.8:
        return {first}
    second = others[0]
    for a, b in zip(types[first], types[second], strict=True):
        # Nanoseconds end in year 2262, other units later.
        if a != b and key_kinds.tick_ns(a) is not None:
            return {first}
    return {first, second}


def _draw_kinds(rng, duckdb):
    usable = [kind for kind in key_kinds.KINDS if kind.duckdb or not duckdb]
    parts = rng.choices((1, 2, 3), (60, 25, 15))[0]
    # Half of all parts are the types that people use most; the rest covers every type.
    common = [key_kinds.BY_NAME[name] for name in ("int64", "utf8", "int32", "uint64")]
    return [rng.choice(common if rng.random() < 0.4 else usable) for _ in range(parts)]


def _table_types(rng, kinds, base_types):
    return [
        base if rng.random() < 0.7 else rng.choice(kind.types)
        for kind, base in zip(kinds, base_types, strict=True)
    ]


def _draw_keys(rng, types, duckdb):
    """Distinct key tuples that the tables draw from, ascending; composite ones share prefixes."""
    target = rng.choice((0, 1, 3, 10, 30, 30, 100, 100, 300, 300, 1000, 2500))
    parts = len(types[0])
    pools = []
    for part in range(parts):
        size = target if parts == 1 else math.ceil(target ** (1 / parts) * 1.5) + 1
        pool = [
            key_kinds.random_value(rng, rng.choice(types)[part], not duckdb) for _ in range(size)
        ]
        pools.append(pool)
    if parts == 1:
        keys = {(repr(v), type(v)): (v,) for v in pools[0]}
    else:
        picks = (tuple(rng.choice(pool) for pool in pools) for _ in range(target))
        keys = {repr(pick): pick for pick in picks}
    return sorted(keys.values(), key=lambda key: tuple(map(key_kinds.sort_key, key)))


def _distinct_names(rng, count, taken):
    lower = {name.lower() for name in taken}
    return rng.sample([n for n in COLUMN_NAMES if n.lower() not in lower], count)


def _pick_keys(rng, keys, types):
    """The keys that one table holds: a subset with a shape that puts orphans in various places."""
    held = [
        key
        for key in keys
        if all(key_kinds.store(v, t) is not None for v, t in zip(key, types, strict=True))
    ]
    shape = rng.choices(
        ("some", "all", "low", "high", "ends", "middle", "none"), (40, 25, 8, 8, 8, 8, 3)
    )[0]
    third = len(held) // 3
    if shape == "some":
        fraction = rng.random()
        return [key for key in held if rng.random() < fraction]
    return {
        "all": held,
        "low": held[: third + 1],
        "high": held[third:],
        "ends": held[:third] + held[-third - 1 :],
        "middle": held[third:-third] if third else held,
        "none": [],
    }[shape]


def _row_keys(rng, keys, types, hot):
    """A key or a tuple with nulls for each row, ascending with nulls last."""
    repeat = rng.choice(("one", "one", "few", "few", "skewed"))
    rows = []
    for key in _pick_keys(rng, keys, types):
        count = {"one": 1, "few": rng.randrange(1, 5), "skewed": 1}[repeat]
        if repeat == "skewed" and rng.random() < 0.02:
            count = rng.randrange(50, 500)
        rows.extend([key] * count)
    if len(rows) > MAX_ROWS:
        rows = [rows[i] for i in sorted(rng.sample(range(len(rows)), MAX_ROWS))]
    if hot and rows:
        at = rng.randrange(len(rows))
        rows[at:at] = [rows[at]] * HOT_ROWS
    null_share = rng.choices((0.0, 0.05, 0.3, 1.0), (70, 18, 10, 2))[0]
    if null_share:
        rows = [
            tuple(None if rng.random() < 0.6 else part for part in row)
            if rng.random() < null_share
            else row
            for row in rows
        ]
    return rows


def _ascending(rows):
    def rank(row):
        return tuple(
            (part is None, 0 if part is None else key_kinds.sort_key(part)) for part in row
        )

    return sorted(rows, key=rank)


def _payload(rng, t, count, limits):
    """A column of random values; now and then from so few that whole rows repeat."""
    few = rng.random() < 0.5
    null_share = rng.choice((0.0, 0.1, 0.5))

    def value():
        if pa.types.is_list(t):
            return (
                None
                if rng.random() < null_share
                else [rng.randrange(3) for _ in range(rng.randrange(4))]
            )
        if pa.types.is_struct(t):
            return (
                None
                if rng.random() < null_share
                else {"a": rng.choice((1, 2, None)), "b": rng.choice("xyz")}
            )
        drawn = key_kinds.random_value(rng, t, limits)
        # The order of 0.0 and -0.0 beside the key is the engine's own affair.
        drawn = 0.0 if drawn == 0.0 and isinstance(drawn, float) else drawn
        drawn = math.nan if isinstance(drawn, float) and math.isnan(drawn) else drawn
        return key_kinds.store(drawn, t)

    pool = [value() for _ in range(3 if few else min(count, 200) + 1)]
    values = [None if rng.random() < null_share else rng.choice(pool) for _ in range(count)]
    if pa.types.is_list(t) or pa.types.is_struct(t):
        return pa.array(values, t)
    return key_kinds.build(values, t)


def _make_table(rng, types, keys, name, job_key, hot, duckdb):
    rows = _row_keys(rng, keys, types, hot)
    sorted_rows = rng.random() < 0.3
    if sorted_rows:
        rows = _ascending(rows)
    else:
        rng.shuffle(rows)
    own_names = rng.random() < 0.3
    key = _distinct_names(rng, len(types), (FILTER_COLUMN,)) if own_names else list(job_key)
    columns = {}
    for part, (column, t) in enumerate(zip(key, types, strict=True)):
        stored = [None if row[part] is None else key_kinds.store(row[part], t) for row in rows]
        columns[column] = key_kinds.build(stored, t)
    count = len(rows)
    columns[FILTER_COLUMN] = pa.array(
        [rng.choice((0, 1, 2, 3, None)) for _ in range(count)], pa.int32()
    )
    for column in _distinct_names(rng, rng.randrange(5), columns):
        t = rng.choice(DUCKDB_PAYLOAD_TYPES if duckdb else PAYLOAD_TYPES)
        columns[column] = _payload(rng, t, count, limits=not duckdb)
    if hot:
        texts = pa.array([str(digit) * HOT_TEXT for digit in range(10)])
        columns["hot text"] = texts.take(
            pa.array([rng.randrange(10) for _ in range(count)], pa.int32())
        )
    order = list(columns)
    rng.shuffle(order)
    data = pa.table({column: columns[column] for column in order})
    table = RandomTable(name, "t_" + name, data, key, False)
    table.declared = sorted_rows and rng.random() < 0.5 and _engine_order(rows)
    return table


def _engine_order(rows):
    """Whether an engine that orders floats by their bits agrees that the rows ascend."""
    return not any(
        isinstance(part, float) and (part == 0.0 or math.isnan(part))
        for row in rows
        for part in row
    )


def _orderable(t):
    return not (pa.types.is_list(t) or pa.types.is_struct(t))


def _draw_reading(rng, table, duckdb):
    names = table.data.column_names
    table.columns = list(names)
    free = [c for c in names if c not in table.key and _orderable(table.data.schema.field(c).type)]
    for column in rng.sample(free, min(len(free), rng.choice((0, 0, 1, 1, 2)))):
        descending, spelled = rng.random() < 0.4, rng.random() < 0.4
        nulls_first = rng.random() < 0.5 if spelled else descending
        table.order_by.append(OrderTerm(column, descending, nulls_first, spelled))
    table.form = rng.choices(
        ("source", "all", "where", "cte", "union", "project"), (50, 5, 15, 10, 5, 15)
    )[0]
    if table.form in ("where", "cte"):
        table.filter = Filter(rng.choice(("<", ">=", "=", "<>")), rng.randrange(4))
    if table.form == "project":
        needed = set(table.key) | {term.column for term in table.order_by}
        table.columns = [c for c in names if c in needed or rng.random() < 0.6]
        rng.shuffle(table.columns)
    if not duckdb and rng.random() < 0.2:
        table.file_format = "arrow"
    table.files = rng.choice((1, 1, 1, 2, 3)) if table.data.num_rows > 3 else 1
    if any(pa.types.is_duration(table.data.schema.field(name).type) for name in table.key):
        # DataFusion puts files in order by their statistics; durations have none, and it then reads
        # them one after another: sheaf finds the rows out of order, rightly, and ends the run.
        table.declared = table.declared and table.files == 1
    table.row_group = rng.choice((7, 100, 1000, 100_000)) if table.data.num_rows < 1000 else 1000


def _draw_max_keys(rng, num_keys, num_tables):
    # Few batches where there are many keys: a job should be over in a tenth of a second.
    smallest = max(1, num_keys * num_tables // 60)
    choices = [65_535, 65_536, num_keys + 1, max(1, num_keys)]
    choices += [rng.randint(smallest, max(smallest, num_keys)) for _ in range(4)]
    choices += [small for small in (1, 2) if small >= smallest] * 2
    return rng.choice(choices)


def _draw_options(rng, hot, strategy):
    batch_size = 8192 if hot else rng.choice((1, 3, 64, 64, 64, 8192))
    if strategy in ("merge", "probe"):
        # An engine's sort counts a slice of an Arrow file as the whole, and its joins make a block of 1 MiB
        # for the text of each batch: many small ones exceed any limit.
        batch_size = max(batch_size, 64)
    options = {"datafusion.batch_size": str(batch_size)}
    if rng.random() < 0.5:
        options["datafusion.target_partitions"] = rng.choice(("1", "2", "4"))
        # Even the smallest file comes in as many parts.
        options["datafusion.optimizer.repartition_file_min_size"] = rng.choice(("1", "10485760"))
    return options
