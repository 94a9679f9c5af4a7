# The ADBC driver manager and toml++, from the sources in the pinned adbc-driver-manager wheel.
#
#   adbc_driver_manager   static library; headers <arrow-adbc/adbc.h>, adbc_driver_manager.h beside it
#   tomlplusplus          header <toml++/toml.hpp>

file(GLOB _adbc "${SHEAF_VENV}/lib/python3*/site-packages/adbc_driver_manager")
if(NOT EXISTS "${_adbc}/adbc_driver_manager.cc")
  message(FATAL_ERROR "no ADBC driver manager in ${SHEAF_VENV}; run: make setup")
endif()

add_library(
  adbc_driver_manager STATIC
  "${_adbc}/adbc_driver_manager.cc" "${_adbc}/adbc_driver_manager_api.cc"
  "${_adbc}/adbc_driver_manager_driver_loading.cc" "${_adbc}/adbc_driver_manager_profiles.cc")
target_include_directories(adbc_driver_manager SYSTEM PUBLIC $<BUILD_INTERFACE:${_adbc}>)
target_link_libraries(adbc_driver_manager PUBLIC ${CMAKE_DL_LIBS})
target_compile_options(adbc_driver_manager PRIVATE -w) # not ours to warn about
set_target_properties(adbc_driver_manager PROPERTIES POSITION_INDEPENDENT_CODE ON)

add_library(tomlplusplus INTERFACE)
target_include_directories(tomlplusplus SYSTEM INTERFACE $<BUILD_INTERFACE:${_adbc}>)
