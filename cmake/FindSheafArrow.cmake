# Finds Arrow C++ (with compute) and Parquet, and offers them as one target: sheaf::arrow.
#
#   1. The system's Arrow, where find_package(Arrow) finds one of the pinned major version.
#   2. Else the pinned pyarrow wheel in the Python environment (SHEAF_VENV): it carries the headers
#      and the shared libraries, named libarrow.so.<major>00. Programs find them by their run path.
#
# Sets SheafArrow_FOUND and SheafArrow_ORIGIN (a line for people).

set(_sheaf_arrow_major 26) # the same as pyarrow in deps/requirements.in

find_package(Arrow ${_sheaf_arrow_major} CONFIG QUIET)
if(Arrow_FOUND)
  find_package(ArrowCompute ${_sheaf_arrow_major} CONFIG QUIET)
  find_package(Parquet ${_sheaf_arrow_major} CONFIG QUIET)
endif()

if(TARGET Arrow::arrow_shared AND TARGET ArrowCompute::arrow_compute_shared
   AND TARGET Parquet::parquet_shared)
  set(SheafArrow_ORIGIN "Arrow ${Arrow_VERSION} of the system")
  set(_sheaf_arrow_targets Arrow::arrow_shared ArrowCompute::arrow_compute_shared
                           Parquet::parquet_shared)
else()
  file(GLOB _sheaf_pyarrow "${SHEAF_VENV}/lib/python3*/site-packages/pyarrow")
  set(_sheaf_arrow_targets)
  foreach(_name IN ITEMS parquet arrow_compute arrow)
    set(_file "${_sheaf_pyarrow}/lib${_name}.so.${_sheaf_arrow_major}00")
    if(EXISTS "${_file}")
      if(NOT TARGET sheaf::wheel_${_name})
        add_library(sheaf::wheel_${_name} SHARED IMPORTED)
        set_target_properties(
          sheaf::wheel_${_name}
          PROPERTIES IMPORTED_LOCATION "${_file}"
                     INTERFACE_INCLUDE_DIRECTORIES "${_sheaf_pyarrow}/include")
      endif()
      list(APPEND _sheaf_arrow_targets sheaf::wheel_${_name})
    endif()
  endforeach()
  list(LENGTH _sheaf_arrow_targets _count)
  if(_count EQUAL 3)
    set(SheafArrow_ORIGIN "the pyarrow wheel in ${_sheaf_pyarrow}")
  else()
    set(_sheaf_arrow_targets)
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  SheafArrow
  REQUIRED_VARS SheafArrow_ORIGIN _sheaf_arrow_targets
  REASON_FAILURE_MESSAGE
    "no Arrow C++ ${_sheaf_arrow_major} on the system, no pyarrow in ${SHEAF_VENV}: run make setup")

if(SheafArrow_FOUND AND NOT TARGET sheaf::arrow)
  add_library(sheaf::arrow INTERFACE IMPORTED)
  set_target_properties(sheaf::arrow PROPERTIES INTERFACE_LINK_LIBRARIES "${_sheaf_arrow_targets}")
endif()
