#include "key/text_words.h"

#include <gtest/gtest.h>

#include <string>

namespace sheaf {
namespace {

TEST(TextWordsTest, AWordHasTheNextEightBytesAndZerosBehindTheEnd) {
  const std::string bytes = "\xff\x01 b\x80\x7f\xfez 0123456789";
  for (size_t size = 0; size <= bytes.size(); ++size) {
    const std::string text =
        bytes.substr(0, size);  // of its own, so that the sanitizers see its end
    for (size_t begin = 0; begin <= size; ++begin) {
      uint64_t expected = 0;
      for (size_t i = begin; i < begin + 8; ++i) {
        expected = expected << 8 | (i < size ? static_cast<uint8_t>(text[i]) : 0);
      }
      EXPECT_EQ(WordAt(text, begin), expected) << size << " " << begin;
    }
  }
}

TEST(TextWordsTest, WhatTwoTextsBeginWithIsCounted) {
  EXPECT_EQ(CommonPrefix("abc", "abd"), 2U);
  EXPECT_EQ(CommonPrefix("abc", "ab"), 2U);
  EXPECT_EQ(CommonPrefix("", "ab"), 0U);
}

}  // namespace
}  // namespace sheaf
