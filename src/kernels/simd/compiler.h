// What the vector kernels ask of the compiler.
#pragma once

/// For the small pieces that a kernel's inner loop is made of: a call there would cost more than the work.
#define RETORT_INLINE [[gnu::always_inline]] inline

/// Before a loop of constant length over arrays that are meant to live in registers.
#ifdef __clang__
#define RETORT_UNROLL _Pragma("unroll")
#else
#define RETORT_UNROLL _Pragma("GCC unroll 16")
#endif
