# Exact::exact, exact numbers: FLINT, with Arb, Calcium and GMP, which Debian 12 packages apart and without a pkg-config file.
# Imported, so that warnings in their headers are not ours.
find_path(RETORT_CALCIUM_INCLUDE NAMES calcium/ca.h REQUIRED)
add_library(Exact::exact INTERFACE IMPORTED GLOBAL)
foreach(library calcium flint-arb flint gmp)
  string(MAKE_C_IDENTIFIER ${library} name)
  find_library(RETORT_LIBRARY_${name} NAMES ${library} REQUIRED)
  target_link_libraries(Exact::exact INTERFACE ${RETORT_LIBRARY_${name}})
endforeach()
target_include_directories(Exact::exact SYSTEM INTERFACE ${RETORT_CALCIUM_INCLUDE})
