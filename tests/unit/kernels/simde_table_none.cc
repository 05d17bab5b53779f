// In place of simde_table.cc where SIMDe is not installed.
#include "simde_table.h"

namespace retort::testing {

const KernelTable* simde_table() { return nullptr; }

}  // namespace retort::testing
