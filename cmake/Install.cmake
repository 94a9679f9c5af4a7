# cmake --install: the program, the library with its headers and CMake package, the driver and the
# manifest by which ADBC clients find it.

install(TARGETS sheaf)
install(TARGETS sheaf_lib adbc_driver_manager EXPORT sheafTargets)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/sheaf" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(_package "${CMAKE_INSTALL_LIBDIR}/cmake/sheaf")
install(EXPORT sheafTargets NAMESPACE sheaf:: DESTINATION ${_package})
include(CMakePackageConfigHelpers)
write_basic_package_version_file(sheafConfigVersion.cmake COMPATIBILITY SameMinorVersion)
configure_file("${PROJECT_SOURCE_DIR}/cmake/sheafConfig.cmake.in" sheafConfig.cmake @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/sheafConfig.cmake"
              "${PROJECT_BINARY_DIR}/sheafConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindSheafArrow.cmake" DESTINATION ${_package})

install(FILES "${PROJECT_BINARY_DIR}/libadbc_driver_datafusion.so"
        DESTINATION ${CMAKE_INSTALL_LIBDIR})
# The prefix may be chosen at installation, so the manifest is written then.
install(
  CODE "set(PROJECT_VERSION ${PROJECT_VERSION})
  set(DRIVER_PATH \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/libadbc_driver_datafusion.so\")
  configure_file(\"${PROJECT_SOURCE_DIR}/cmake/datafusion.toml.in\"
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/etc/adbc/drivers/datafusion.toml\" @ONLY)")
