#!/usr/bin/env bash
# test.sh [PRESET]: builds and runs the tests. The release preset runs those in C++, Rust and Python,
# the others those in C++.
source "$(dirname "$0")/common.sh"
preset=${1:-release}

tools/build.sh "$preset"

# ThreadSanitizer refuses to start where the kernel spreads addresses too widely.
without_aslr=()
if [ "$preset" = tsan ] && setarch --addr-no-randomize true 2>/dev/null; then
  without_aslr=(setarch --addr-no-randomize)
fi
step "C++ tests ($preset)"
"${without_aslr[@]}" ctest --preset "$preset" --parallel "$(nproc)" --progress --no-label-summary

if [ "$preset" = release ]; then
  step "Rust tests"
  (cd "$driver_dir" && cargo test --release --locked --quiet)
  step "Python tests"
  "$venv/bin/python" -m pytest --quiet tests
fi
