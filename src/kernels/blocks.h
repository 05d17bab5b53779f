// The block-quantized types of GGUF, byte for byte. Every integer is little-endian, every scale an IEEE binary16.
//
// This header is included by the files of every instruction set, so it holds layouts and constants only: an inline
// function compiled for AVX-512 could be the copy that the linker keeps for everyone. How blocks are decoded is
// written down once, plainly, in ref/dequantize_*.cc.
//
// 32 elements to a block ("d" scale, "m" minimum, "h" the fifth bits, "q" quants):
//
//   byte    0    2    4        6         8               18   20   22   24                34
//   Q4_0    [ d ][ q 16 bytes, 2 per byte                ]                                      x = d * (q - 8)
//   Q4_1    [ d ][ m ][ q 16 bytes                            ]                                 x = d * q + m
//   Q5_0    [ d ][ h 4 bytes   ][ q 16 bytes                       ]                            x = d * (q - 16)
//   Q5_1    [ d ][ m ][ h 4 bytes       ][ q 16 bytes                   ]                       x = d * q + m
//   Q8_0    [ d ][ q 32 signed bytes                                                     ]      x = d * q
//   IQ4_NL  [ d ][ q 16 bytes                            ]                                      x = d * kIq4Values[q]
//
//   q byte l (0..15):   low nibble -> element l        high nibble -> element l + 16
//   h bit i  (0..31):   bit 4 of element i
//
// 256 elements to a super-block, which has 8 groups of 32 (Q4_K, Q5_K, IQ4_XS) or 16 of 16 (Q2_K, Q3_K, Q6_K), each
// with a small integer scale of its own:
//
//   byte    0        16       32                 84      96    110     128     144     176     192     208 210
//   Q2_K    [ s 16   ][ q 64 bytes       ][d][dmin]
//   Q3_K    [ h 32 bytes      ][ q 64 bytes      ][ s 12 ][ d ]
//   Q4_K    [d][dmin][ s 12 ][ q 128 bytes                             ]
//   Q5_K    [d][dmin][ s 12 ][ h 32 bytes ][ q 128 bytes                       ]
//   Q6_K    [ q 128 bytes                              ][ h 64 bytes                   ][ s 16 signed  ][ d ]
//   IQ4_XS  [d][sh][ sl 4 ][ q 128 bytes                       ]
//
//   Q2_K, Q3_K   q byte 32 h + l, bits 2j, 2j+1   -> element 128 h + 32 j + l      (h 0..1, j 0..3, l 0..31)
//                Q3_K: h byte l, bit 4 h + j set  -> nothing; clear -> 4 less
//   Q4_K, Q5_K   q byte 32 c + l, low nibble      -> element 64 c + l              (c 0..3, l 0..31)
//                                 high nibble     -> element 64 c + 32 + l
//                Q5_K: h byte l, bit j            -> bit 4 of element 32 j + l     (j 0..7)
//   Q6_K         q byte 64 h + 32 (g % 2) + l, nibble g / 2 -> low 4 bits of element 128 h + 32 g + l   (g 0..3)
//                h byte 32 h + l, bits 2g, 2g+1   -> its bits 4, 5; then minus 32
//   IQ4_XS       q byte 16 j + l, low nibble      -> element 32 j + l              (j 0..7, l 0..15)
//                                 high nibble     -> element 32 j + 16 + l
//
//   x = (d * scale) * q - (dmin * min)     Q2_K (4-bit scale and min), Q4_K, Q5_K (6-bit)
//   x = (d * scale) * q                    Q3_K (6-bit, minus 32), Q6_K (8-bit signed), IQ4_XS (6-bit, minus 32)
//
// The 6-bit scales and minima of Q4_K and Q5_K, group i < 4:
//
//   s[i]      = scale[i]      bits 0..5 | scale[i+4] bits 4..5 on top
//   s[i + 4]  = min[i]        bits 0..5 | min[i+4]   bits 4..5 on top
//   s[i + 8]  = scale[i+4]    bits 0..3 | min[i+4]   bits 0..3 on top
//
// and the 6-bit scales of Q3_K, i < 16: the low 4 bits are nibble i / 8 of s[i % 8], the high 2 bits are bits 2(i/4),
// 2(i/4)+1 of s[8 + i % 4].
#pragma once

#include <cstdint>

namespace retort {

inline constexpr int kSmallBlock = 32;
inline constexpr int kSuperBlock = 256;

// Alignment 1 (packed): a file may place a tensor at any byte.
struct [[gnu::packed]] BlockQ4_0 {
  std::uint16_t d;
  std::uint8_t qs[16];
};
struct [[gnu::packed]] BlockQ4_1 {
  std::uint16_t d;
  std::uint16_t m;
  std::uint8_t qs[16];
};
struct [[gnu::packed]] BlockQ5_0 {
  std::uint16_t d;
  std::uint8_t qh[4];
  std::uint8_t qs[16];
};
struct [[gnu::packed]] BlockQ5_1 {
  std::uint16_t d;
  std::uint16_t m;
  std::uint8_t qh[4];
  std::uint8_t qs[16];
};
struct [[gnu::packed]] BlockQ8_0 {
  std::uint16_t d;
  std::int8_t qs[32];
};
struct [[gnu::packed]] BlockQ2_K {
  std::uint8_t scales[16];  ///< low nibble scale, high nibble min
  std::uint8_t qs[64];
  std::uint16_t d;
  std::uint16_t dmin;
};
struct [[gnu::packed]] BlockQ3_K {
  std::uint8_t hmask[32];
  std::uint8_t qs[64];
  std::uint8_t scales[12];
  std::uint16_t d;
};
struct [[gnu::packed]] BlockQ4_K {
  std::uint16_t d;
  std::uint16_t dmin;
  std::uint8_t scales[12];
  std::uint8_t qs[128];
};
struct [[gnu::packed]] BlockQ5_K {
  std::uint16_t d;
  std::uint16_t dmin;
  std::uint8_t scales[12];
  std::uint8_t qh[32];
  std::uint8_t qs[128];
};
struct [[gnu::packed]] BlockQ6_K {
  std::uint8_t ql[128];
  std::uint8_t qh[64];
  std::int8_t scales[16];
  std::uint16_t d;
};
struct [[gnu::packed]] BlockIQ4_NL {
  std::uint16_t d;
  std::uint8_t qs[16];
};
struct [[gnu::packed]] BlockIQ4_XS {
  std::uint16_t d;
  std::uint16_t scales_h;    ///< bits 2j, 2j+1: bits 4, 5 of scale j
  std::uint8_t scales_l[4];  ///< nibble j: bits 0..3 of scale j
  std::uint8_t qs[128];
};

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22);
static_assert(sizeof(BlockQ5_1) == 24 && sizeof(BlockQ8_0) == 34 && sizeof(BlockIQ4_NL) == 18);
static_assert(sizeof(BlockQ2_K) == 84 && sizeof(BlockQ3_K) == 110 && sizeof(BlockQ4_K) == 144);
static_assert(sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210 && sizeof(BlockIQ4_XS) == 136);

/// What the 16 codes of IQ4_NL and IQ4_XS stand for: denser near zero, where weights are.
inline constexpr std::int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

}  // namespace retort
