#!/usr/bin/env bash
# Installs what the build needs and says what it does. Silent and quick when all is there.
source "$(dirname "$0")/common.sh"

# Fills `missing` with the packages of deps/debian.txt that are absent or too old.
find_missing_packages() {
  missing=()
  local name lowest installed
  while read -r name lowest _; do
    installed=$(dpkg-query -W -f='${db:Status-Status} ${Version}' "$name" 2>/dev/null || true)
    if [[ $installed != installed\ * ]] ||
      dpkg --compare-versions "$(upstream "${installed#* }")" lt "$lowest"; then
      missing+=("$name")
    fi
  done < <(grep -v '^#' deps/debian.txt)
}

# 4:12.2.0-3 is version 12.2.0.
upstream() {
  local version=${1#*:}
  printf '%s' "${version%%[-+]*}"
}

rust_lowest() { sed -n 's/^rust-version = "\(.*\)"/\1/p' "$driver_dir/Cargo.toml"; }

rust_is_new_enough() {
  local have
  have=$(cd "$driver_dir" && cargo --version 2>/dev/null | cut -d' ' -f2) || return 1
  [ -n "$have" ] && printf '%s\n%s\n' "$(rust_lowest)" "$have" | sort -V -C
}

apt_install() {
  step "installing $*"
  export DEBIAN_FRONTEND=noninteractive
  quietly apt-get update -q && quietly apt-get install -q -y --no-install-recommends "$@"
}

install_packages() {
  local missing
  find_missing_packages
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -eq 0 ]; then
    apt_install "${missing[@]}" || die "apt-get could not install: ${missing[*]}"
    find_missing_packages
    [ ${#missing[@]} -eq 0 ] || die "older here than deps/debian.txt asks for: ${missing[*]}"
  else
    die "packages are missing; run: sudo apt-get install -y ${missing[*]}"
  fi
}

# Debian 12 carries a current Rust for its browsers: cargo-web and rustc-web.
install_rust() {
  rust_is_new_enough && return 0
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null && ! command -v cargo >/dev/null; then
    apt_install cargo-web rustc-web rustfmt-web && rust_is_new_enough && return 0
  fi
  die "Rust $(rust_lowest) or newer is missing; run: curl -sSf https://sh.rustup.rs | sh -s -- -y"
}

check_commands() {
  local name absent=()
  for name in c++ cmake ninja protoc python3; do
    command -v "$name" >/dev/null || absent+=("$name")
  done
  [ ${#absent[@]} -eq 0 ] ||
    die "commands are missing: ${absent[*]}; deps/debian.txt has the packages by their Debian names"
}

# The environment is named after what is in it: checkouts share it, and new pins make a new one.
make_venv() {
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "python3 is older than 3.11"
  local name target
  name=venv-$( (cat deps/requirements.txt; python3 --version) | sha256sum | cut -c1-12)
  target="$SHEAF_CACHE/$name"
  mkdir -p "$SHEAF_CACHE"
  (
    flock 9
    [ -e "$target/complete" ] && exit 0
    step "installing the Python packages of deps/requirements.txt (a minute)"
    rm -rf "$target"
    quietly python3 -m venv "$target"
    quietly "$target/bin/pip" install --disable-pip-version-check --no-compile --only-binary :all: \
      --require-hashes -r deps/requirements.txt
    touch "$target/complete"
  ) 9>"$SHEAF_CACHE/$name.lock"
  [ "$(readlink "$venv" 2>/dev/null)" = "$target" ] || ln -sfn "$target" "$venv"
}

if command -v dpkg-query >/dev/null; then install_packages; else check_commands; fi
install_rust
make_venv
