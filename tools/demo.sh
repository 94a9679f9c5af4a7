#!/usr/bin/env bash
# Makes example data, runs the main job on it and compares the output with the queries, row by row.
source "$(dirname "$0")/common.sh"
ids=200000
demo=$root/build/demo

tools/build.sh

# The data is made once for each generator.
stamp=$( (cat examples/otel/generate.py; echo "$ids") | sha256sum)
if [ "$(cat "$demo/data.stamp" 2>/dev/null)" != "$stamp" ]; then
  step "making example data: $ids ids, $((ids * 18)) rows"
  mkdir -p "$demo"
  "$venv/bin/python" examples/otel/generate.py --ids "$ids" --out "$demo/data"
  echo "$stamp" >"$demo/data.stamp"
fi

cp examples/otel/job.toml "$demo/job.toml"
rm -rf "$demo/out"
step "build/sheaf run build/demo/job.toml"
build/sheaf run build/demo/job.toml
step "comparing build/demo/out with the queries, in DuckDB"
"$venv/bin/python" examples/otel/check.py build/demo/data build/demo/out
