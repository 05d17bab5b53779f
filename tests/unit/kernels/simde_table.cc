#include "simde_table.h"

#include "kernels/cpu_features.h"

namespace retort {

// The fill functions of avx512/, renamed by the build so that they do not meet the real ones.
void fill_simde_plain(KernelTable& table);
void fill_simde_small(KernelTable& table);
void fill_simde_super(KernelTable& table);
void fill_simde_packed(KernelTable& table);
void fill_simde_ops(KernelTable& table);

namespace testing {

const KernelTable* simde_table() {
  if (!missing_features(Isa::kAvx2, detect_cpu_features()).empty()) return nullptr;
  static const KernelTable table = [] {
    KernelTable t{};
    t.isa = Isa::kAvx512;
    t.name = "avx512_simde";
    fill_simde_plain(t);
    fill_simde_small(t);
    fill_simde_super(t);
    fill_simde_packed(t);
    fill_simde_ops(t);
    return t;
  }();
  return &table;
}

}  // namespace testing
}  // namespace retort
