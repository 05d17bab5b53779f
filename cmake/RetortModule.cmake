# One target per folder of src/: retort_module(io SOURCES a.cc b.cc LINKS retort::core PRIVATE_LINKS CURL::libcurl)
# makes the static library retort_io, known as retort::io, whose public headers are <io/...>.

find_program(RETORT_CCACHE ccache)
if(RETORT_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${RETORT_CCACHE})
endif()

add_library(retort_options INTERFACE)
target_compile_options(retort_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> -Werror
  # Designated initializers leave out what keeps its default.
  -Wno-missing-field-initializers
  # The same source gives the same bits on every build: no contraction of a*b+c behind our back,
  # fused only where a kernel says fma.
  -ffp-contract=off
  -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 at -O2 sees overlaps in inlined std::string code (its bugs 105329, 105651) and uninitialised payloads of
  # std::optional (80635, 105562) that are not there; clang, ASan and UBSan look for the real ones.
  target_compile_options(retort_options INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(retort_options INTERFACE -Wno-shorten-64-to-32 -Wno-implicit-int-float-conversion)
endif()
if(RETORT_SANITIZE)
  target_compile_options(retort_options INTERFACE -fsanitize=${RETORT_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(retort_options INTERFACE -fsanitize=${RETORT_SANITIZE})
endif()

if(RETORT_FUZZ)
  # Coverage of the libraries too: without it a fuzzer sees only its own few lines and mutates blindly.
  target_compile_options(retort_options INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(retort_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(retort_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(retort_${name} STATIC ${arg_SOURCES})
  add_library(retort::${name} ALIAS retort_${name})
  set_target_properties(retort_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(retort_${name} PUBLIC cxx_std_20)
  target_include_directories(retort_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src> $<INSTALL_INTERFACE:include/retort>)
  target_link_libraries(retort_${name} PUBLIC ${arg_LINKS}
    PRIVATE $<BUILD_INTERFACE:retort_options> ${arg_PRIVATE_LINKS})
  set_property(GLOBAL APPEND PROPERTY RETORT_MODULES retort_${name})
endfunction()

# retort_test(io_gguf_test SOURCES gguf_test.cc LINKS retort::io LABELS fast [TIMEOUT 60])
# One executable, one ctest entry per GoogleTest case, found when the tests run. Labels:
#   fast     seconds, no real model        slow   minutes
#   real     needs a real checkpoint       threads   starts threads: also runs under ThreadSanitizer
# Real and slow tests use every core themselves, so ctest runs nothing beside them.
#
# RETORT_UNITY_TESTS compiles them eight files at a time: half the work for a test file is the headers that all of them
# have in common. So names in anonymous namespaces differ between the files of a test program.
add_custom_target(threaded_tests)
function(retort_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS fast)
  endif()
  # One label with commas: a list does not survive the script that gtest_discover_tests writes, and ctest -L searches
  # for a match within a label.
  list(JOIN arg_LABELS "," labels)
  set(serial OFF)
  if("real" IN_LIST arg_LABELS OR "slow" IN_LIST arg_LABELS)
    set(serial ON)
  endif()
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${RETORT_UNITY_TESTS} UNITY_BUILD_BATCH_SIZE 8)
  target_link_libraries(${name} PRIVATE retort_options retort_testing ${arg_LINKS} GTest::gtest GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${labels}" TIMEOUT ${arg_TIMEOUT} RUN_SERIAL ${serial})
  if("threads" IN_LIST arg_LABELS)
    add_dependencies(threaded_tests ${name})
  endif()
endfunction()
