#!/usr/bin/env bash
# Builds, then times a run against a bare scan and other engines. Arguments go to bench/compare.py.
source "$(dirname "$0")/common.sh"

tools/build.sh
step "building the benchmarks"
cmake --build --preset release --target bench -- --quiet
step "bench/compare.py $*"
"$venv/bin/python" bench/compare.py "$@"
