#!/usr/bin/env bash
# Builds and runs the benchmarks of bench/. Arguments go to each of them (--benchmark_filter=...).
source "$(dirname "$0")/common.sh"

tools/build.sh
step "building the benchmarks"
cmake --build --preset release --target bench -- --quiet
shopt -s nullglob
for program in build/*_bench; do
  step "$program"
  "$program" "$@"
done
