#!/usr/bin/env python3
"""Writes the example tables P, logs, R and S as Parquet files.

Every id has 1 row in P, 10 in logs, 5 in R and 2 in S. About 60 % of the log rows pass the filter
of the job beside this file, and one id in a hundred has no log row that does.

A row's content depends on its number and the seed alone, so both orders hold the same rows:
`clustered` writes them by ascending id, `shuffled` in a pseudo-random order over the whole table.
Nothing is kept in memory but the rows of one row group.
"""

import argparse
import concurrent.futures
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROWS_PER_GROUP = 262_144
ROWS_PER_FILE = 20 * 1_048_576

DAY_NS = 86_400_000_000_000
CUTOFF_NS = 1_695_024_000_000_000_000  # the job reads logs from here on: 2023-09-18 08:00 UTC
FIRST_NS = CUTOFF_NS - 2 * DAY_NS
SPAN_NS = 10 * DAY_NS

CATEGORIES = "api auth batch billing cache database gateway queue search storage".split()
RESOURCE_TYPES = "cpu memory disk network gpu connections threads licences".split()
STATUSES = "active idle degraded draining stopped".split()
# OpenTelemetry severity numbers, one entry for each percent. From 17 on they are errors.
SEVERITIES = np.repeat(np.array([5, 9, 13, 17, 18, 21], np.int32), [4, 10, 10, 50, 16, 10])
BODIES = [
    f"{action} {target} {problem} "
    for action in ("connect to", "read from", "write to", "sign in at", "fetch from", "commit to")
    for target in ("orders-db", "user-service", "payment gateway", "session cache", "event bus")
    for problem in ("timed out after", "was refused, retry in", "failed, waited", "is slow: took")
]

HEX_PAIRS = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint16)


def mix(values: np.ndarray, salt: int) -> np.ndarray:
    """Random-looking 64-bit numbers, the same for the same values and salt (splitmix64)."""
    z = values.astype(np.uint64) + np.uint64(salt * 0x9E3779B97F4A7C15 % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def permute(positions: np.ndarray, size: int, salt: int) -> np.ndarray:
    """A pseudo-random permutation of range(size), computed for some positions only.

    A Feistel network permutes the next power of two; what lands outside of the range goes through
    it again.
    """
    bits = max((size - 1).bit_length(), 2)
    low_bits = np.uint64(bits // 2)
    high_bits = np.uint64(bits - bits // 2)

    def once(x: np.ndarray) -> np.ndarray:
        for round_number in range(4):
            # The halves change places in each round, and with them their widths.
            width, other = (low_bits, high_bits)[:: 1 if round_number % 2 == 0 else -1]
            right = x & ((np.uint64(1) << width) - np.uint64(1))
            left = x >> width
            left ^= mix(right, salt + round_number) >> (np.uint64(64) - other)
            x = (right << other) | left
        return x

    result = once(positions.astype(np.uint64))
    outside = np.flatnonzero(result >= size)
    while outside.size:
        result[outside] = once(result[outside])
        outside = outside[result[outside] >= size]
    return result


def pick(words: list[str], random: np.ndarray) -> pa.Array:
    indices = pa.array((random % np.uint64(len(words))).astype(np.int32))
    return pa.DictionaryArray.from_arrays(indices, words).dictionary_decode()


def hexadecimal(random: np.ndarray) -> pa.Array:
    """32 hexadecimal characters of two 64-bit numbers a row (shape: rows x 2)."""
    characters = HEX_PAIRS[np.ascontiguousarray(random).view(np.uint8)]
    offsets = np.arange(len(random) + 1, dtype=np.int32) * 32
    return pa.StringArray.from_buffers(len(random), pa.py_buffer(offsets), pa.py_buffer(characters))


def p_columns(row: np.ndarray, seed: int) -> dict[str, pa.Array]:
    random = mix(row, seed + 10)
    number = pc.utf8_lpad(pc.cast(pa.array(random % np.uint64(1000)), pa.string()), 3, "0")
    return {
        "id": pa.array(row.astype(np.int64)),
        "name": pc.binary_join_element_wise("service", number, "-"),
        "category": pick(CATEGORIES, random >> np.uint64(32)),
    }


def logs_columns(row: np.ndarray, seed: int) -> dict[str, pa.Array]:
    key = row // np.uint64(10)
    when, what = mix(row, seed + 20), mix(row, seed + 21)
    # One id in a hundred fell silent before the cutoff.
    silent = mix(key, seed + 22) % np.uint64(100) == 0
    span = np.where(silent, np.uint64(CUTOFF_NS - FIRST_NS), np.uint64(SPAN_NS))
    timestamp = np.uint64(FIRST_NS) + when % span
    # An id has two traces of five rows each.
    trace = row // np.uint64(5)
    milliseconds = pc.cast(pa.array(what >> np.uint64(48)), pa.string())
    return {
        "id": pa.array(key.astype(np.int64)),
        "timestamp_unix_nano": pa.array(timestamp.astype(np.int64)),
        "severity_number": pa.array(SEVERITIES[(what >> np.uint64(8)) % np.uint64(100)]),
        "body": pc.binary_join_element_wise(
            pick(BODIES, what >> np.uint64(20)), milliseconds, " ms", ""
        ),
        "trace_id": hexadecimal(np.stack([mix(trace, seed + 23), mix(trace, seed + 24)], axis=1)),
    }


def r_columns(row: np.ndarray, seed: int) -> dict[str, pa.Array]:
    random = mix(row, seed + 30)
    return {
        "id": pa.array((row // np.uint64(5)).astype(np.int64)),
        "resource_type": pick(RESOURCE_TYPES, random),
        "allocation": pa.array((random >> np.uint64(40)) % np.uint64(100_000) / 100.0),
    }


def s_columns(row: np.ndarray, seed: int) -> dict[str, pa.Array]:
    random = mix(row, seed + 40)
    age = (random >> np.uint64(8)) % np.uint64(SPAN_NS // 1000)
    microseconds = np.uint64(FIRST_NS // 1000) + age
    return {
        "id": pa.array((row // np.uint64(2)).astype(np.int64)),
        "status": pick(STATUSES, random),
        "last_updated": pa.array(microseconds.astype(np.int64)).cast(pa.timestamp("us")),
    }


Columns = Callable[[np.ndarray, int], dict[str, pa.Array]]
TABLES: dict[str, tuple[int, Columns]] = {
    "logs": (10, logs_columns),
    "R": (5, r_columns),
    "S": (2, s_columns),
    "P": (1, p_columns),
}


DICTIONARY_ENCODED = ("name", "category", "resource_type", "status")


def write_file(
    path: Path, table: str, ids: int, first: int, last: int, order: str, seed: int
) -> None:
    """Writes the rows at positions first to last of a table, beside the name and then under it."""
    rows_per_id, columns = TABLES[table]
    unfinished = path.with_suffix(".partial")
    writer = None
    for start in range(first, last, ROWS_PER_GROUP):
        row = np.arange(start, min(start + ROWS_PER_GROUP, last), dtype=np.uint64)
        if order == "shuffled":
            row = permute(row, ids * rows_per_id, seed + 100 * rows_per_id)
        group = pa.table(columns(row, seed))
        if writer is None:
            words = [name for name in DICTIONARY_ENCODED if name in group.column_names]
            writer = pq.ParquetWriter(
                unfinished, group.schema, compression="zstd", use_dictionary=words
            )
        writer.write_table(group, row_group_size=ROWS_PER_GROUP)
    writer.close()
    unfinished.rename(path)


def generate(out: Path, ids: int, order: str, seed: int) -> None:
    # One process a core: numpy and the Parquet writer use one core each.
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), spawn) as pool:
        files = []
        for table, (rows_per_id, _) in TABLES.items():
            (out / table).mkdir(parents=True, exist_ok=True)
            for earlier in (out / table).glob("part-*"):
                earlier.unlink()
            rows = ids * rows_per_id
            for part, first in enumerate(range(0, rows, ROWS_PER_FILE)):
                path = out / table / f"part-{part:02}.parquet"
                last = min(first + ROWS_PER_FILE, rows)
                files.append(pool.submit(write_file, path, table, ids, first, last, order, seed))
        for file in files:
            file.result()


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes the example tables P, logs, R and S.")
    parser.add_argument("--ids", type=int, default=1_000_000, help="default: %(default)s")
    parser.add_argument("--order", choices=["clustered", "shuffled"], default="shuffled",
                        help="order of the rows (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("data"), help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other rows")
    arguments = parser.parse_args()
    if arguments.ids < 1:
        parser.error("--ids must be at least 1")
    generate(arguments.out, arguments.ids, arguments.order, arguments.seed * 1000)


if __name__ == "__main__":
    main()
