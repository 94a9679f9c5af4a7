"""Where few keys are selected of a table that is in order, the engine leaves out the rows of others."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROWS = 1_100_000  # from a million on the engine is asked


def numbers(kind):
    return pa.array(range(ROWS), pa.int64()).view(kind)


# What the selected keys are, and those of the large table: kinds of two units that each hold what the other doesn't.
PAIRS = {
    "numbers": (pa.array([5, 77], pa.int32()), numbers(pa.int64())),
    "times": (pa.array([5, 77], pa.int32()).view(pa.time32("ms")), numbers(pa.time64("us"))),
    "timestamps": (
        pa.array([5_000_000, 77_000_000]).view(pa.timestamp("ns")),
        pa.concat_arrays(
            [numbers(pa.timestamp("ms")), pa.array([253402300799000]).view(pa.timestamp("ms"))]
        ),
    ),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_merge_and_partition_deliver_the_same(sheaf, tmp_path, kind):
    selected, keys = PAIRS[kind]
    pq.write_table(pa.table({"id": selected}), tmp_path / "A.parquet")
    pq.write_table(pa.table({"id": keys}), tmp_path / "R.parquet")
    setup = [
        f'CREATE EXTERNAL TABLE "{name}" STORED AS PARQUET WITH ORDER (id ASC NULLS LAST) '
        f"LOCATION '{name}.parquet'"
        for name in "AR"
    ]
    (tmp_path / "job.toml").write_text(
        f"[engine]\nsetup = {json.dumps(setup)}\n"
        '[batch]\nkey = ["id"]\n'
        '[[table]]\nname = "A"\nsource = "A"\nselects_keys = true\n'
        '[[table]]\nname = "R"\nsource = "R"\n'
    )
    for strategy in ("merge", "partition"):
        result = sheaf.run("run", tmp_path / "job.toml", "--strategy", strategy)
        assert result.code == 0, result.err
        # Of the timestamps 5 and 77 milliseconds; of the times 5,000 and 77,000 microseconds.
        assert result.out.splitlines()[0] == "batch 0: 2 keys, 4 rows  A 2  R 2"
