// The encoders that encoder_of() chooses from. EncodeFn says what they take.
#pragma once

#include <cstdint>

namespace retort {

void encode_q8_0(const float* x, const float* weight, void* row, std::int64_t n);
void encode_q4_0(const float* x, const float* weight, void* row, std::int64_t n);
void encode_q5_0(const float* x, const float* weight, void* row, std::int64_t n);
void encode_q4_k(const float* x, const float* weight, void* row, std::int64_t n);
void encode_q5_k(const float* x, const float* weight, void* row, std::int64_t n);
void encode_q6_k(const float* x, const float* weight, void* row, std::int64_t n);

}  // namespace retort
