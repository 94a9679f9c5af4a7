// The words that stand for enum values in a job file, in messages and in reports.
#pragma once

#include <array>
#include <string_view>

#include "sheaf/job.h"
#include "sheaf/output_options.h"

namespace sheaf {

template <typename Enum>
struct Word {
  std::string_view text;
  Enum value;
};

inline constexpr std::array<Word<Strategy>, 4> kStrategyWords = {
    {{"auto", Strategy::kAuto},
     {"merge", Strategy::kMerge},
     {"partition", Strategy::kPartition},
     {"probe", Strategy::kProbe}}};
inline constexpr std::array<Word<Ties>, 2> kTiesWords = {
    {{"any", Ties::kAny}, {"fixed", Ties::kFixed}}};
inline constexpr std::array<Word<Cardinality>, 3> kCardinalityWords = {
    {{"one", Cardinality::kOne},
     {"at_most_one", Cardinality::kAtMostOne},
     {"any", Cardinality::kAny}}};
inline constexpr std::array<Word<Policy::NullKey>, 2> kNullKeyWords = {
    {{"skip", Policy::NullKey::kSkip}, {"error", Policy::NullKey::kError}}};
inline constexpr std::array<Word<Policy::Missing>, 3> kMissingWords = {
    {{"keep", Policy::Missing::kKeep},
     {"drop", Policy::Missing::kDrop},
     {"error", Policy::Missing::kError}}};
inline constexpr std::array<Word<Policy::Duplicate>, 3> kDuplicateWords = {
    {{"error", Policy::Duplicate::kError},
     {"keep", Policy::Duplicate::kKeep},
     {"first", Policy::Duplicate::kFirst}}};
inline constexpr std::array<Word<Policy::Oversize>, 2> kOversizeWords = {
    {{"continue", Policy::Oversize::kContinue}, {"error", Policy::Oversize::kError}}};
inline constexpr std::array<Word<Format>, 4> kFormatWords = {{{"parquet", Format::kParquet},
                                                              {"arrow", Format::kArrow},
                                                              {"jsonl", Format::kJsonl},
                                                              {"nested", Format::kNested}}};
/// A job without the field has LocalId::kNone.
inline constexpr std::array<Word<LocalId>, 2> kLocalIdWords = {
    {{"uint16", LocalId::kUint16}, {"uint32", LocalId::kUint32}}};

/// The word for a value; every value of an enum has one in its list.
template <typename Words, typename Enum>
constexpr std::string_view WordFor(const Words& words, Enum value) {
  for (const auto& word : words) {
    if (word.value == value) return word.text;
  }
  return "";
}

}  // namespace sheaf
