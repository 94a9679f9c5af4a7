#include "cli/exit_code.h"

namespace sheaf {
namespace {

bool IsSpaceOrControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= 0x20 || byte == 0x7f;
}

}  // namespace

int ExitCodeOf(const arrow::Status& status) {
  if (status.ok()) return kExitOk;
  switch (KindOf(status)) {
    case ErrorKind::kJob:
      return kExitUsage;
    case ErrorKind::kPolicy:
      return kExitPolicy;
    case ErrorKind::kStopped:
      return kExitInterrupted;
    case ErrorKind::kEngine:
      break;
  }
  return kExitEngine;
}

std::string ErrorLine(std::string_view message) {
  std::string line = "sheaf: error: ";
  bool gap = false;
  for (const char c : message) {
    if (IsSpaceOrControl(c)) {
      gap = true;
      continue;
    }
    if (gap && line.back() != ' ') line += ' ';
    gap = false;
    line += c;
  }
  return line;
}

}  // namespace sheaf
