# Compiler flags of every room and test: tarn_flags. No -fvisibility=hidden and no -D_FILE_OFFSET_BITS=64 here, ever:
# the engine reads through our own pread(), which both would silently switch off.

set(TARN_SANITIZE "" CACHE STRING "sanitizers, as for -fsanitize= (address,undefined or thread)")
option(TARN_FUZZ "build tests/fuzz with libFuzzer (clang)" OFF)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# Asserts guard our own promises and stay on in every build, so -DNDEBUG is in none of these.
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")
set(CMAKE_C_FLAGS_RELEASE "-O2")

add_library(tarn_flags INTERFACE)
target_compile_definitions(tarn_flags INTERFACE _GNU_SOURCE TARN_VERSION="${PROJECT_VERSION}")
target_compile_options(tarn_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror -fno-omit-frame-pointer)
target_include_directories(tarn_flags INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(
    tarn_flags INTERFACE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
                         -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
  target_link_options(tarn_flags INTERFACE -Wl,-z,relro,-z,now)
endif()

if(TARN_SANITIZE)
  target_compile_options(tarn_flags INTERFACE -fsanitize=${TARN_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(tarn_flags INTERFACE -fsanitize=${TARN_SANITIZE})
endif()
if(TARN_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "fuzzing needs clang: use the preset `fuzz`")
  endif()
  target_compile_options(tarn_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(CCACHE ccache)
mark_as_advanced(CCACHE)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()
