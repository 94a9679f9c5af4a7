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

# Runs a command, and shows what it printed only when it fails.
quietly() {
  local log status
  log=$(mktemp)
  "$@" >"$log" 2>&1 && status=0 || status=$?
  [ "$status" -eq 0 ] || cat "$log" >&2
  rm -f "$log"
  return "$status"
}
