// Unicode normalization form C of text, quick where nothing changes.
#pragma once

#include <string>
#include <string_view>

namespace retort {

/// NFC of `text`: a view of `text` itself where that is NFC already (nearly always; found out at about memory speed for
/// ASCII), otherwise of `storage`, which is overwritten. Bytes that are not UTF-8 stay as they are, and nothing
/// combines across them. O(n log n) at worst (a run of n marks is sorted by class).
std::string_view to_nfc(std::string_view text, std::string& storage);

}  // namespace retort
