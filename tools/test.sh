#!/usr/bin/env bash
# test.sh [PRESET]: builds and runs the tests. The release preset runs those in C++, Rust and Python,
# the others those in C++.
source "$(dirname "$0")/common.sh"
preset=${1:-release}

tools/build.sh "$preset" programs

# ThreadSanitizer refuses to start where the kernel spreads addresses too widely.
without_aslr=()
if [ "$preset" = tsan ] && setarch --addr-no-randomize true 2>/dev/null; then
  without_aslr=(setarch --addr-no-randomize)
fi
step "C++ tests ($preset)"
log=$root/build/ctest-$preset.log
if ! "${without_aslr[@]}" ctest --preset "$preset" --parallel "$(nproc)" >"$log" 2>&1; then
  cat "$log"
  exit 1
fi
# The summary, with the tests that were skipped.
sed -n '/tests passed/,$p' "$log" | sed '/^$/d'

if [ "$preset" = release ]; then
  step "Rust tests"
  (cd "$driver_dir" && cargo test --release --locked --quiet)
  install_apart drivers
  step "Python tests"
  "$venv/bin/python" -m pytest --quiet tests
fi
