#!/usr/bin/env bash
# lint.sh: checks the format of C++ and Rust, then the code with clang-tidy and clippy.
# lint.sh --fix: rewrites both in the project's format, and checks nothing.
source "$(dirname "$0")/common.sh"

tools/setup.sh
mapfile -t cpp < <(git ls-files --cached --others --exclude-standard -- '*.cc' '*.h')

if [ "${1:-}" = --fix ]; then
  step "clang-format and rustfmt"
  "$venv/bin/clang-format" -i "${cpp[@]}"
  (cd "$driver_dir" && cargo fmt --all)
  exit
fi

step "clang-format"
"$venv/bin/clang-format" --dry-run --Werror "${cpp[@]}"
step "rustfmt"
(cd "$driver_dir" && cargo fmt --all --check)

step "clang-tidy"
quietly cmake --preset release
tidy() { quietly "$venv/bin/clang-tidy" -p build --quiet "$@"; }
export -f tidy quietly
export venv
git ls-files --cached --others --exclude-standard -- 'src/*.cc' ':!*_test.cc' |
  xargs -P "$(nproc)" -I{} bash -c 'tidy {}'

# Debian's Rust for browsers comes without clippy.
if cargo clippy --version >/dev/null 2>&1; then
  step "clippy"
  (cd "$driver_dir" && cargo clippy --release --locked --workspace --quiet --all-targets -- -D warnings)
else
  step "clippy is not installed: left out"
fi
