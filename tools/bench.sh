#!/usr/bin/env bash
# Builds and runs the benchmark. Arguments go to bench/compare.py (--workload shuffled --repeats 3 ...).
source "$(dirname "$0")/common.sh"

tools/build.sh
step "building the benchmark"
cmake --build --preset release --target bench -- --quiet

install_apart bench
PATH="$root/build/bench/python/bin:$PATH"

step "bench/compare.py $*"
"$venv/bin/python" bench/compare.py "$@"
