#include "io/digest.h"

#include <array>
#include <openssl/evp.h>

namespace retort {

void Digest::Free::operator()(void* context) const { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context)); }

Expected<Digest> Digest::make(const char* algorithm) {
  Digest digest(EVP_MD_CTX_new());
  auto* context = static_cast<EVP_MD_CTX*>(digest.context_.get());
  const EVP_MD* kind = EVP_get_digestbyname(algorithm);
  if (context == nullptr || kind == nullptr || EVP_DigestInit_ex(context, kind, nullptr) != 1) {
    return fail(ErrorCode::kUnsupported, "OpenSSL here does not compute {}, which is needed to check downloads",
                algorithm);
  }
  return digest;
}

Expected<Digest> Digest::sha256() { return make("SHA256"); }

Expected<Digest> Digest::git_blob(std::uint64_t size) {
  RETORT_TRY(auto digest, make("SHA1"));
  const std::string header = fmt::format("blob {}", size);
  digest.update({header.c_str(), header.size() + 1});  // with its NUL
  return digest;
}

void Digest::update(std::string_view bytes) {
  const int done = EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_.get()), bytes.data(), bytes.size());
  RETORT_CHECK(done == 1);
}

std::string Digest::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int length = 0;
  RETORT_CHECK(EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_.get()), bytes.data(), &length) == 1);
  std::string text;
  for (unsigned int i = 0; i < length; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

}  // namespace retort
