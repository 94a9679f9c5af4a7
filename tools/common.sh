# Shared by the scripts of this folder: source it, do not run it.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
export SHEAF_CACHE="${SHEAF_CACHE:-$HOME/.cache/sheaf}"
export CARGO_TARGET_DIR="$SHEAF_CACHE/target-cargo"
venv="$root/.venv"
driver_dir="$root/drivers/datafusion"

# One line for each step, so that a wait has a name.
step() { printf '==> %s\n' "$*"; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Installs deps/requirements-NAME.txt into build/NAME/python: what few need stays out of the environment that the build
# and all tests share.
install_apart() {
  local wanted=deps/requirements-$1.txt packages=$root/build/$1/python
  if cmp -s "$wanted" "$packages/installed"; then return; fi
  step "installing $wanted"
  rm -rf "$packages"
  quietly "$venv/bin/pip" install --disable-pip-version-check --only-binary :all: --require-hashes \
    --target "$packages" -r "$wanted"
  cp "$wanted" "$packages/installed"
}

# Runs a command, and shows what it printed only when it fails.
quietly() {
  local log status
  log=$(mktemp)
  "$@" >"$log" 2>&1 && status=0 || status=$?
  [ "$status" -eq 0 ] || cat "$log" >&2
  rm -f "$log"
  return "$status"
}
