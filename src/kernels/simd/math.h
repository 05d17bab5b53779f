// exp for vectors of fp32 and fp64. Include after an ISA's vec.h.
//
// exp(x) = 2^n * exp(r) with n = round(x / ln 2) and |r| <= ln(2) / 2 = 0.3466. ln 2 is taken away in two pieces, of
// which the first has so few bits that n times it is exact. exp(r) is its Taylor series, cut where the next term is
// below half an ulp: for fp32 after r^7/7! (0.3466^8 / 8! = 5e-9 against 6e-8), for fp64 after r^13/13!
// (0.3466^14 / 14! = 4e-18 against 1.1e-16).
#pragma once

#include "kernels/simd/compiler.h"

namespace retort {
namespace {

/// Error up to 1.5 ulp (of the result, also where it is subnormal); 0 below -104, infinity above 88.73; NaN stays NaN.
RETORT_INLINE F vexp(F x) {
  // NaN is the second operand, which min and max return. Below -104 the result is under half the least subnormal.
  const F bounded = vmin(vset(89.0f), vmax(vset(-104.0f), x));
  const F n = vround(vmul(bounded, vset(1.44269504f)));
  // 0.693359375 = 355/512: 9 bits, and |n| <= 151 has 8.
  F r = vfma(n, vset(-0.693359375f), bounded);
  r = vfma(n, vset(2.12194440e-4f), r);  // 355/512 - ln 2
  F p = vset(1.0f / 5040);
  p = vfma(p, r, vset(1.0f / 720));
  p = vfma(p, r, vset(1.0f / 120));
  p = vfma(p, r, vset(1.0f / 24));
  p = vfma(p, r, vset(1.0f / 6));
  p = vfma(p, r, vset(0.5f));
  p = vfma(p, r, vset(1.0f));
  p = vfma(p, r, vset(1.0f));
  return vscale(p, n);
}

/// For x <= 0 (or NaN). Error below 2 ulp; what is below exp(-700) is given as that, about 1e-304.
RETORT_INLINE D dexp(D x) {
  const D bounded = dmax(dset(-700.0), x);
  const D n = dround(dmul(bounded, dset(1.4426950408889634)));
  // 0x1.62e42feep-1 is ln 2 cut to 32 bits; n has 10.
  D r = dfma(n, dset(-0x1.62e42feep-1), bounded);
  r = dfma(n, dset(-0x1.a39ef35793c76p-33), r);
  D p = dset(1.0 / 6227020800);
  p = dfma(p, r, dset(1.0 / 479001600));
  p = dfma(p, r, dset(1.0 / 39916800));
  p = dfma(p, r, dset(1.0 / 3628800));
  p = dfma(p, r, dset(1.0 / 362880));
  p = dfma(p, r, dset(1.0 / 40320));
  p = dfma(p, r, dset(1.0 / 5040));
  p = dfma(p, r, dset(1.0 / 720));
  p = dfma(p, r, dset(1.0 / 120));
  p = dfma(p, r, dset(1.0 / 24));
  p = dfma(p, r, dset(1.0 / 6));
  p = dfma(p, r, dset(0.5));
  p = dfma(p, r, dset(1.0));
  p = dfma(p, r, dset(1.0));
  return dscale(p, n);
}

}  // namespace
}  // namespace retort
