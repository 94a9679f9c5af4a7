#!/usr/bin/env bash
# install.sh PREFIX: builds, then installs the program, the library, the driver and its manifest.
source "$(dirname "$0")/common.sh"

tools/build.sh
step "installing into $1"
quietly cmake --install build --prefix "$1"
