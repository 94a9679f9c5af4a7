#!/usr/bin/env bash
# Makes deps/*.txt from deps/*.in: every version and its hashes, for all platforms.
source "$(dirname "$0")/common.sh"
tools/setup.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

quietly python3 -m venv "$scratch/venv"
quietly "$scratch/venv/bin/pip" install --disable-pip-version-check uv
cd deps
for wanted in *.in; do
  step "locking deps/$wanted"
  "$scratch/venv/bin/uv" pip compile --quiet --no-config --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
    "$wanted" --output-file "${wanted%.in}.txt"
done
