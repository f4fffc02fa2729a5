# Finds DuckDB's C library: DuckDB::duckdb.
#
#   DUCKDB_ROOT   folder with duckdb.h and the library, flat or as include/ and lib/. Default: what scripts/setup
#                 fetched. Any other build of the same minor version will do.
#   DUCKDB_LINK   shared: link libduckdb.so.  static: link libduckdb_static.a and its parts into the program.

set(TARN_DUCKDB_VERSION 1.5.5)
if(DEFINED ENV{TARN_CACHE})
  set(_duckdb_default "$ENV{TARN_CACHE}/duckdb-${TARN_DUCKDB_VERSION}")
else()
  set(_duckdb_default "$ENV{HOME}/.cache/tarn/duckdb-${TARN_DUCKDB_VERSION}")
endif()

set(DUCKDB_ROOT "${_duckdb_default}" CACHE PATH "folder with duckdb.h and libduckdb.so or libduckdb_static.a")
set(DUCKDB_LINK "shared" CACHE STRING "shared or static")
set_property(CACHE DUCKDB_LINK PROPERTY STRINGS shared static)

find_path(DuckDB_INCLUDE_DIR duckdb.h HINTS ${DUCKDB_ROOT} PATH_SUFFIXES include)
if(DUCKDB_LINK STREQUAL "static")
  find_library(DuckDB_LIBRARY NAMES libduckdb_static.a HINTS ${DUCKDB_ROOT} PATH_SUFFIXES lib)
else()
  find_library(DuckDB_LIBRARY NAMES duckdb HINTS ${DUCKDB_ROOT} PATH_SUFFIXES lib)
endif()
mark_as_advanced(DuckDB_INCLUDE_DIR DuckDB_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  DuckDB
  REQUIRED_VARS DuckDB_LIBRARY DuckDB_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "run scripts/setup, or pass -DDUCKDB_ROOT=folder (DUCKDB_LINK is ${DUCKDB_LINK})")

if(DuckDB_FOUND AND NOT TARGET DuckDB::duckdb)
  add_library(DuckDB::duckdb UNKNOWN IMPORTED GLOBAL)
  set_target_properties(DuckDB::duckdb PROPERTIES IMPORTED_LOCATION ${DuckDB_LIBRARY}
                                                  INTERFACE_INCLUDE_DIRECTORIES ${DuckDB_INCLUDE_DIR})
  if(DUCKDB_LINK STREQUAL "static")
    get_filename_component(_duckdb_dir ${DuckDB_LIBRARY} DIRECTORY)
    file(GLOB _duckdb_parts ${_duckdb_dir}/lib*.a)
    # The parts refer to each other in circles. tpch and tpcds make benchmark data; nothing registers them.
    list(FILTER _duckdb_parts EXCLUDE REGEX "tpch|tpcds")
    list(JOIN _duckdb_parts "," _duckdb_parts)
    set_property(
      TARGET DuckDB::duckdb PROPERTY INTERFACE_LINK_LIBRARIES
                                     "-Wl,--start-group,${_duckdb_parts},--end-group;tarn_cxx_runtime;dl")
  endif()
endif()
