# Third-party libraries as targets: tarn_dep_<name>.
#
# With TARN_STATIC_LIBS (the release preset) the archive is linked when the system has one, so that `tarn` is one
# file; Debian ships CRoaring only as a shared library.

option(TARN_STATIC_LIBS "link third-party libraries and the C++ runtime into the program" OFF)

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

# tarn_find_library(NAME HEADER LIBRARY [needs...]) declares tarn_dep_NAME
function(tarn_find_library name header library)
  find_path(TARN_${name}_INCLUDE_DIR ${header})
  set(names ${library})
  if(TARN_STATIC_LIBS)
    set(names lib${library}.a ${library})
  endif()
  find_library(TARN_${name}_LIBRARY NAMES ${names})
  mark_as_advanced(TARN_${name}_INCLUDE_DIR TARN_${name}_LIBRARY)
  if(NOT TARN_${name}_INCLUDE_DIR OR NOT TARN_${name}_LIBRARY)
    message(FATAL_ERROR "${header} and lib${library} were not found; run scripts/setup")
  endif()
  # Imported, so that CMake knows what each archive needs and keeps the order of the link line.
  add_library(tarn_dep_${name} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(
    tarn_dep_${name} PROPERTIES IMPORTED_LOCATION ${TARN_${name}_LIBRARY} INTERFACE_LINK_LIBRARIES "${ARGN}"
                                INTERFACE_INCLUDE_DIRECTORIES ${TARN_${name}_INCLUDE_DIR})
endfunction()

# The C++ runtime, which DuckDB's and snappy's archives need: inside the program or shared.
if(TARN_STATIC_LIBS)
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=libstdc++.a OUTPUT_VARIABLE _libstdcxx
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  add_library(tarn_cxx_runtime UNKNOWN IMPORTED GLOBAL)
  set_target_properties(tarn_cxx_runtime PROPERTIES IMPORTED_LOCATION ${_libstdcxx} INTERFACE_LINK_LIBRARIES m
                                                    INTERFACE_LINK_OPTIONS -static-libgcc)
else()
  add_library(tarn_cxx_runtime INTERFACE)
  target_link_libraries(tarn_cxx_runtime INTERFACE stdc++ m)
endif()

tarn_find_library(yaml yaml.h yaml)
tarn_find_library(z zlib.h z)
tarn_find_library(zstd zstd.h zstd)
tarn_find_library(snappy snappy-c.h snappy tarn_cxx_runtime)
tarn_find_library(lz4 lz4.h lz4)
tarn_find_library(sqlite3 sqlite3.h sqlite3 m dl Threads::Threads)
tarn_find_library(crypto openssl/evp.h crypto dl Threads::Threads)
if(TARN_STATIC_LIBS) # what libedit's archive leaves open
  tarn_find_library(md md5.h md)
  tarn_find_library(bsd bsd/string.h bsd tarn_dep_md)
  tarn_find_library(tinfo curses.h tinfo)
  tarn_find_library(edit histedit.h edit tarn_dep_bsd tarn_dep_tinfo)
else()
  tarn_find_library(edit histedit.h edit)
endif()
find_package(DuckDB REQUIRED)
