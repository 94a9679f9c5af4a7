// The TOML texts that a job is read from: its file and the overrides of the command line.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <filesystem>
#include <string>
#include <toml++/toml.hpp>
#include <utility>

#include "job/environment.h"

namespace sheaf {

/// Knows where every node stands, and what ${VAR} stood for. Threads: one.
class JobSource {
 public:
  /// Reads and parses a file. Errors: kEngine where it can't be read, kJob with the line where it
  /// is not TOML.
  static arrow::Result<JobSource> Load(const std::filesystem::path& path);

  /// Applies `path=value` (LoadJobFile describes it). Errors: kJob.
  arrow::Status Override(const std::string& text);

  [[nodiscard]] const toml::table& root() const { return root_; }

  /// A kJob error that begins with the file and line of `where`, or says that it came from the
  /// command line.
  [[nodiscard]] arrow::Status Error(const toml::source_region& where,
                                    const std::string& message) const;

  /// A string's value with its variables replaced.
  arrow::Result<std::string> Expand(const toml::value<std::string>& text);

  [[nodiscard]] const Environment& environment() const { return environment_; }

 private:
  JobSource(std::string file, toml::table root) : file_(std::move(file)), root_(std::move(root)) {}

  std::string file_;
  toml::table root_;
  Environment environment_;
};

}  // namespace sheaf
