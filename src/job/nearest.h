// Names the valid word that was probably meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sheaf {

/// The candidate with the fewest edits from `word`, letter case aside; empty where there is none.
std::string NearestWord(std::string_view word, const std::vector<std::string>& candidates);

/// What to append to an "unknown ..." message: `; did you mean "x"?` for a likely typo, else the
/// candidates where they are few, else the nearest of them. Empty where there is no candidate.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace sheaf
