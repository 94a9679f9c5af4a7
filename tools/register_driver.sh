#!/usr/bin/env bash
# register_driver.sh MANIFEST: makes the driver known by its name to the ADBC clients of this user
# and of the Python environment. What names another driver stays, as long as that one exists.
source "$(dirname "$0")/common.sh"
manifest=$1
name=$(basename "$manifest")

driver_of() { sed -n 's/^shared = "\(.*\)"/\1/p' "$1"; }

register_in() {
  local target="$1/$name" other
  if [ -e "$target" ]; then
    cmp -s "$manifest" "$target" && return 0
    other=$(driver_of "$target")
    if [ "$other" != "$(driver_of "$manifest")" ] && [ -e "$other" ]; then
      step "$target stays: it names $other"
      return 0
    fi
  fi
  mkdir -p "$1"
  cp "$manifest" "$target"
  step "registered the driver for ADBC clients: $target"
}

register_in "${XDG_CONFIG_HOME:-$HOME/.config}/adbc/drivers"
register_in "$(readlink -f "$venv")/etc/adbc/drivers"
