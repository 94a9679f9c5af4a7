#include "sheaf/error.h"

#include <memory>
#include <string_view>

namespace sheaf {
namespace {

constexpr char kDetailType[] = "sheaf::ErrorKind";

class KindDetail final : public arrow::StatusDetail {
 public:
  explicit KindDetail(ErrorKind kind) : kind_(kind) {}

  [[nodiscard]] const char* type_id() const override { return kDetailType; }
  [[nodiscard]] ErrorKind kind() const { return kind_; }

  [[nodiscard]] std::string ToString() const override {
    switch (kind_) {
      case ErrorKind::kJob:
        return "job";
      case ErrorKind::kPolicy:
        return "policy";
      case ErrorKind::kStopped:
        return "stopped";
      case ErrorKind::kEngine:
        break;
    }
    return "engine";
  }

 private:
  ErrorKind kind_;
};

arrow::StatusCode CodeOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kJob:
    case ErrorKind::kPolicy:
      return arrow::StatusCode::Invalid;
    case ErrorKind::kStopped:
      return arrow::StatusCode::Cancelled;
    case ErrorKind::kEngine:
      break;
  }
  return arrow::StatusCode::IOError;
}

}  // namespace

arrow::Status MakeError(ErrorKind kind, std::string message) {
  return {CodeOf(kind), std::move(message), std::make_shared<KindDetail>(kind)};
}

ErrorKind KindOf(const arrow::Status& status) {
  const std::shared_ptr<arrow::StatusDetail>& detail = status.detail();
  // Compared by text: the address of the name differs where two libraries hold a copy of it.
  if (!detail || std::string_view(detail->type_id()) != kDetailType) return ErrorKind::kEngine;
  return static_cast<const KindDetail&>(*detail).kind();
}

arrow::Status WithContext(const arrow::Status& status, const std::string& context) {
  if (status.ok()) return status;
  return status.WithMessage(context, ": ", status.message());
}

}  // namespace sheaf
