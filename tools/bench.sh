#!/usr/bin/env bash
# Builds and runs the benchmark. Arguments go to bench/compare.py (--ids 4000000 --repeats 3 ...).
source "$(dirname "$0")/common.sh"

tools/build.sh
step "building the benchmark"
cmake --build --preset release --target bench -- --quiet
step "bench/compare.py $*"
"$venv/bin/python" bench/compare.py "$@"
