// What a model says is not to be trusted with a terminal: control characters can move the cursor, rewrite what stands
// above, set the title or the clipboard, and bidirectional overrides can make a text read as another.
#pragma once

#include <string>
#include <string_view>

namespace retort::cli {

/// UTF-8 text with every control character but \n and \t spelled out (\x1b, \r, \u009b), and bidirectional controls
/// likewise (\u202e). Other text is left as it is. `text` holds whole characters, as a detokenizer gives them; bytes
/// that are not UTF-8 are spelled out too.
std::string terminal_safe(std::string_view text);

}  // namespace retort::cli
