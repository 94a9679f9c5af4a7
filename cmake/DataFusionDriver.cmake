# The ADBC driver for DataFusion: cargo builds it, once for all build directories and checkouts, and
# it is copied beside the program. Cargo decides what is fresh, so the target always runs.

set(_driver_source "${PROJECT_SOURCE_DIR}/drivers/datafusion")
set(_driver_name libadbc_driver_datafusion.so)
set(_cargo_target "${SHEAF_CACHE}/target-cargo")

find_program(CARGO cargo REQUIRED)
add_custom_target(
  datafusion_driver ALL
  COMMAND ${CMAKE_COMMAND} -E env "CARGO_TARGET_DIR=${_cargo_target}" ${CARGO} build --release
          --locked --quiet
  COMMAND ${CMAKE_COMMAND} -E copy_if_different "${_cargo_target}/release/${_driver_name}"
          "${PROJECT_BINARY_DIR}/${_driver_name}"
  WORKING_DIRECTORY "${_driver_source}"
  BYPRODUCTS "${PROJECT_BINARY_DIR}/${_driver_name}"
  COMMENT "Building the DataFusion driver"
  USES_TERMINAL VERBATIM)

# The manifest by which ADBC clients find the driver under the name "datafusion".
set(DRIVER_PATH "${PROJECT_BINARY_DIR}/${_driver_name}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/datafusion.toml.in" datafusion.toml @ONLY)
