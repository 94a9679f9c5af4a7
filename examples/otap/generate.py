#!/usr/bin/env python3
"""Writes example data as OTAP tables: logs, traces and one kind of metrics, in Parquet.

    OUT/logs/_part_id=<uuid>/part-0.parquet
    OUT/log_attrs/_part_id=<uuid>/part-0.parquet    and so on, a folder a table

Columns follow docs/otap-spec.md of open-telemetry/otel-arrow, with ids as a store widens them: u32,
plain (not delta-encoded), and unique within their _part_id only. Rows stand in random order, in several
files a partition; a log without attributes has a null id, as the specification allows.

Every part of the data depends on its name and the seed alone.
"""

import argparse
import concurrent.futures
import multiprocessing
import os
import shutil
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

RESOURCES = 5  # a partition
ATTRIBUTES_OF_A_RESOURCE = 5
SCOPES = 20  # a partition; one in five has attributes
ROWS_PER_GROUP = 131_072

FIRST_NS = 1_700_000_000_000_000_000  # 2023-11-14 22:13:20 UTC
SPAN_NS = 24 * 3_600_000_000_000

EMPTY, STR, INT, DOUBLE, BOOL, MAP, SLICE, BYTES = range(8)  # AnyValue types

RESOURCE_KEYS = ["service.name", "service.version", "host.name", "cloud.region", "process.pid"]
SCOPE_KEYS = ["library.language", "library.stable"]
LOG_KEYS = ("http.method http.status_code http.route user.id user.roles request.bytes retry thread.id "
            "code.function exception.type exception.stacktrace session.id cache.hit latency_ms").split()
SPAN_KEYS = "rpc.system rpc.method db.system db.statement peer.service net.peer.port error".split()
EVENT_KEYS = ["exception.type", "exception.message", "message.id", "message.size"]
LINK_KEYS = ["link.reason", "link.weight"]
WORDS = [f"{a}-{b}" for a in "amber birch cedar delta ember flint grove heath".split()
         for b in "api auth cart ledger mail queue search store".split()]
SEVERITIES = np.repeat([5, 9, 13, 17, 21], [10, 60, 15, 12, 3])
SEVERITY_TEXTS = {5: "DEBUG", 9: "INFO", 13: "WARN", 17: "ERROR", 21: "FATAL"}


@dataclass(frozen=True)
class Part:
    """One partition: how many of everything it has."""

    seed: int
    number: int
    logs: int

    @property
    def name(self):
        return str(uuid.UUID(bytes=self.random("uuid").bytes(16), version=4))

    @property
    def logs_with_id(self):
        return self.logs * 9 // 10

    @property
    def spans(self):
        return self.logs * 2 // 5

    @property
    def spans_with_id(self):
        return self.spans * 19 // 20

    @property
    def events(self):
        return self.logs * 3 // 5

    @property
    def events_with_id(self):
        return self.events * 7 // 10

    @property
    def links(self):
        return self.logs // 5

    @property
    def metrics(self):
        return max(self.logs // 20, 1)

    def random(self, purpose):
        return np.random.default_rng([self.seed, self.number, zlib.crc32(purpose.encode())])


def with_nulls(values, null, pa_type=None):
    return pa.array(values, pa_type, mask=null)


def chosen(random, words, rows, index=pa.uint8(), null=None):
    """A dictionary column of random words."""
    numbers = random.integers(0, len(words), rows, dtype=np.uint16)
    return pa.DictionaryArray.from_arrays(pa.array(numbers, mask=null).cast(index), words)


def random_bytes(random, width, rows, null=None):
    values = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), rows, [None, pa.py_buffer(random.bytes(width * rows))]
    )
    if null is None:
        return values
    return values.take(pa.array(np.arange(rows), mask=null))


def struct(columns, null=None):
    return pa.StructArray.from_arrays(
        list(columns.values()), list(columns), mask=None if null is None else pa.array(null)
    )


def any_value(random, rows):
    """The columns type, str, int, double, bool, bytes and ser: in each row only its type's is set."""
    types = random.choice(
        np.array([STR, INT, DOUBLE, BOOL, MAP, SLICE, BYTES, EMPTY], np.uint8), rows,
        p=[0.55, 0.2, 0.1, 0.08, 0.02, 0.02, 0.02, 0.01],
    )
    cbor = [b"\xa1\x61\x61\x01", b"\x83\x01\x02\x03", b"\xa0", b"\x80"]
    blobs = [bytes([n, 255 - n]) for n in range(100)]
    return {
        "type": pa.array(types),
        "str": chosen(random, WORDS, rows, pa.uint16(), types != STR),
        "int": with_nulls(random.integers(-(10**6), 10**9, rows), types != INT),
        "double": with_nulls(random.normal(size=rows), types != DOUBLE),
        "bool": with_nulls(random.integers(0, 2, rows) == 1, types != BOOL),
        "bytes": chosen(random, pa.array(blobs, pa.binary()), rows, pa.uint16(), types != BYTES),
        "ser": chosen(random, pa.array(cbor, pa.binary()), rows, pa.uint16(),
                      (types != MAP) & (types != SLICE)),
    }


def attributes(random, parents, mean, keys):
    """Attributes of the ids 0 .. parents - 1: at least one each, `mean` on average, in random order."""
    parent = np.repeat(np.arange(parents, dtype=np.uint32), 1 + random.poisson(mean - 1, parents))
    random.shuffle(parent)
    return {
        "parent_id": pa.array(parent),
        "key": chosen(random, keys, len(parent)),
        **any_value(random, len(parent)),
    }


def ids(random, rows, with_id):
    """`with_id` of the rows are numbered in random order; the others have a null."""
    order = random.permutation(rows).astype(np.uint32)
    return with_nulls(order, order >= with_id)


def moments(random, rows):
    return pa.array(FIRST_NS + random.integers(0, SPAN_NS, rows)).cast(pa.timestamp("ns"))


def resource_and_scope(random, rows):
    no_resource = random.random(rows) < 0.01
    no_scope = random.random(rows) < 0.2
    versions = ["1.0.0", "1.1.0", "2.0.0-rc1"]
    return {
        "resource": struct({
            "id": pa.array(random.integers(0, RESOURCES, rows, dtype=np.uint32)),
            "schema_url": chosen(random, ["https://opentelemetry.io/schemas/1.26.0"], rows),
            "dropped_attributes_count": pa.array(np.zeros(rows, np.uint32)),
        }, no_resource),
        "scope": struct({
            "id": with_nulls(random.integers(0, SCOPES, rows, dtype=np.uint32),
                             random.random(rows) < 0.05),
            "name": chosen(random, WORDS[:8], rows),
            "version": chosen(random, versions, rows),
            "dropped_attributes_count": pa.array(np.zeros(rows, np.uint32)),
        }, no_scope),
    }


def logs(part):
    random, rows = part.random("logs"), part.logs
    severity = random.choice(SEVERITIES, rows).astype(np.int32)
    untraced = random.random(rows) < 0.7
    text = pa.DictionaryArray.from_arrays(
        pa.array(np.searchsorted(list(SEVERITY_TEXTS), severity).astype(np.uint8),
                 mask=random.random(rows) < 0.1), list(SEVERITY_TEXTS.values()))
    bodies = [f"{word} took too long" for word in WORDS]
    moment = moments(random, rows)
    return {
        "id": ids(random, rows, part.logs_with_id),
        **resource_and_scope(random, rows),
        "time_unix_nano": moment,
        "observed_time_unix_nano": moment,
        "trace_id": random_bytes(random, 16, rows, untraced),
        "span_id": random_bytes(random, 8, rows, untraced),
        "severity_number": with_nulls(severity, random.random(rows) < 0.02),
        "severity_text": text,
        "event_name": chosen(random, ["request", "query", "publish"], rows, null=untraced),
        "body": struct({
            "type": pa.array(np.full(rows, STR, np.uint8)),
            "str": chosen(random, bodies, rows, pa.uint16()),
            "int": pa.nulls(rows, pa.int64()),
        }, random.random(rows) < 0.03),
        "dropped_attributes_count": pa.array(np.zeros(rows, np.uint32)),
        "flags": pa.array(random.integers(0, 2, rows, dtype=np.uint32)),
    }


def log_attrs(part):
    return attributes(part.random("log_attrs"), part.logs_with_id, 7, LOG_KEYS)


def resource_attrs(part):
    random, rows = part.random("resource_attrs"), RESOURCES * ATTRIBUTES_OF_A_RESOURCE
    order = random.permutation(rows)
    keys = pa.array(order % ATTRIBUTES_OF_A_RESOURCE, pa.uint8())
    return {
        "parent_id": pa.array(order // ATTRIBUTES_OF_A_RESOURCE, pa.uint32()),
        "key": pa.DictionaryArray.from_arrays(keys, RESOURCE_KEYS),
        **any_value(random, rows),
    }


def scope_attrs(part):
    return attributes(part.random("scope_attrs"), SCOPES // 5, 2, SCOPE_KEYS)


def spans(part):
    random, rows = part.random("spans"), part.spans
    failed = random.random(rows) < 0.1
    return {
        "id": ids(random, rows, part.spans_with_id),
        **resource_and_scope(random, rows),
        "start_time_unix_nano": moments(random, rows),
        "duration_time_unix_nano": pa.array(random.integers(10**3, 10**10, rows), pa.duration("ns")),
        "trace_id": random_bytes(random, 16, rows),
        "span_id": random_bytes(random, 8, rows),
        "parent_span_id": random_bytes(random, 8, rows, random.random(rows) < 0.3),
        "name": chosen(random, WORDS, rows),
        "kind": pa.array(random.integers(0, 6, rows, dtype=np.int32)),
        "status": struct({
            "code": pa.array(np.where(failed, 2, 1).astype(np.int32)),
            "status_message": chosen(random, ["timeout", "refused", "reset"], rows, null=~failed),
        }, random.random(rows) < 0.3),
        "flags": pa.array(random.integers(0, 2, rows, dtype=np.uint32)),
    }


def span_attrs(part):
    return attributes(part.random("span_attrs"), part.spans_with_id, 4, SPAN_KEYS)


def span_events(part):
    random, rows = part.random("span_events"), part.events
    return {
        "id": ids(random, rows, part.events_with_id),
        "parent_id": pa.array(random.integers(0, part.spans_with_id, rows, dtype=np.uint32)),
        "time_unix_nano": moments(random, rows),
        "name": chosen(random, ["exception", "message", "retry"], rows),
        "dropped_attributes_count": pa.array(np.zeros(rows, np.uint32)),
    }


def span_event_attrs(part):
    return attributes(part.random("span_event_attrs"), part.events_with_id, 3, EVENT_KEYS)


def span_links(part):
    random, rows = part.random("span_links"), part.links
    return {
        "id": ids(random, rows, rows),
        "parent_id": pa.array(random.integers(0, part.spans_with_id, rows, dtype=np.uint32)),
        "trace_id": random_bytes(random, 16, rows),
        "span_id": random_bytes(random, 8, rows),
        "trace_state": chosen(random, ["", "vendor=1"], rows),
    }


def span_link_attrs(part):
    return attributes(part.random("span_link_attrs"), part.links, 1, LINK_KEYS)


def univariate_metrics(part):
    random, rows = part.random("univariate_metrics"), part.metrics
    return {
        "id": ids(random, rows, rows),
        **resource_and_scope(random, rows),
        "metric_type": pa.array(random.integers(1, 3, rows, dtype=np.uint8)),
        "name": chosen(random, WORDS, rows),
        "unit": chosen(random, ["By", "ms", "1"], rows),
    }


def number_data_points(part):
    random, rows = part.random("number_data_points"), part.metrics * 10
    whole = random.random(rows) < 0.5
    return {
        "id": ids(random, rows, rows),
        "parent_id": pa.array(random.integers(0, part.metrics, rows, dtype=np.uint32)),
        "time_unix_nano": moments(random, rows),
        "int_value": with_nulls(random.integers(0, 10**6, rows), ~whole),
        "double_value": with_nulls(random.normal(size=rows), whole),
    }


TABLES = {make.__name__: make for make in (
    log_attrs, logs, span_attrs, span_event_attrs, spans, span_events, number_data_points,
    span_links, span_link_attrs, univariate_metrics, resource_attrs, scope_attrs,
)}


def write_table(out, name, part, files):
    folder = out / name / f"_part_id={part.name}"
    folder.mkdir(parents=True)
    table = pa.table(TABLES[name](part))
    rows = -(-table.num_rows // files) or 1
    for number in range(files):
        pq.write_table(table.slice(number * rows, rows), folder / f"part-{number}.parquet",
                       row_group_size=ROWS_PER_GROUP, compression="zstd")


def generate(out, logs_in_all, parts, files, seed, without=()):
    for name in TABLES:
        shutil.rmtree(out / name, ignore_errors=True)
    counts = np.diff(np.linspace(0, logs_in_all, parts + 1).astype(int))
    # One process a core: numpy and the Parquet writer use one core each.
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), spawn) as pool:
        written = [
            pool.submit(write_table, out, name, Part(seed, number, int(count)), files)
            for name in TABLES if name not in without
            for number, count in enumerate(counts)
        ]
        for table in written:
            table.result()


def main():
    parser = argparse.ArgumentParser(description="Writes example data as OTAP tables.")
    parser.add_argument("--logs", type=int, default=1_000_000,
                        help="about 12 rows are written for each (default: %(default)s)")
    parser.add_argument("--parts", type=int, default=4, help="partitions (default: %(default)s)")
    parser.add_argument("--files", type=int, default=2,
                        help="files a table and partition (default: %(default)s)")
    parser.add_argument("--without", nargs="*", default=[], choices=TABLES, metavar="TABLE",
                        help="tables that are not written")
    parser.add_argument("--out", type=Path, default=Path("data"), help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other rows")
    arguments = parser.parse_args()
    if arguments.logs < 10 * arguments.parts or arguments.parts < 1 or arguments.files < 1:
        parser.error("at least one partition, one file, and ten logs a partition")
    generate(arguments.out, arguments.logs, arguments.parts, arguments.files, arguments.seed,
             arguments.without)


if __name__ == "__main__":
    main()
