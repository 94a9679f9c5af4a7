#!/usr/bin/env bash
# Builds and runs the benchmark. Arguments go to bench/compare.py (--workload shuffled --repeats 3 ...).
source "$(dirname "$0")/common.sh"

tools/build.sh
step "building the benchmark"
cmake --build --preset release --target bench -- --quiet

# What only the benchmark needs stays out of the environment that the build and the tests share.
packages=$root/build/bench/python
if ! cmp -s deps/requirements-bench.txt "$packages/installed"; then
  step "installing deps/requirements-bench.txt"
  rm -rf "$packages"
  quietly "$venv/bin/pip" install --disable-pip-version-check --only-binary :all: --require-hashes \
    --target "$packages" -r deps/requirements-bench.txt
  cp deps/requirements-bench.txt "$packages/installed"
fi
PATH="$packages/bin:$PATH"

step "bench/compare.py $*"
"$venv/bin/python" bench/compare.py "$@"
