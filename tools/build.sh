#!/usr/bin/env bash
# build.sh [PRESET [TARGET]]: builds the program, or another target of CMake's, and the DataFusion driver
# (presets: release, debug, tsan).
source "$(dirname "$0")/common.sh"
preset=${1:-release}
target=${2:-sheaf}
build_dir=$root/build
[ "$preset" = release ] || build_dir=$root/build/$preset

tools/setup.sh
quietly cmake --preset "$preset"
if [ -e "$CARGO_TARGET_DIR/release/libadbc_driver_datafusion.so" ]; then
  step "building sheaf ($preset) and the DataFusion driver"
else
  step "building sheaf ($preset) and the DataFusion driver (20 minutes on 2 cores, the first time)"
fi
quietly cmake --build --preset "$preset" --target "$target" datafusion_driver
[ "$preset" != release ] || tools/register_driver.sh "$build_dir/datafusion.toml"
