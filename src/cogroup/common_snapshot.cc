#include "cogroup/common_snapshot.h"

#include <optional>

#include "sheaf/error.h"

namespace sheaf {

arrow::Result<bool> ShareSnapshot(const ResolvedJob& resolved) {
  std::optional<Snapshot> shared;
  for (const TableInput& input : resolved.tables) {
    if (input.connection == nullptr) continue;
    if (!shared) {
      auto exported = input.connection->ExportSnapshot();
      if (exported.status().IsNotImplemented()) return false;
      if (!exported.ok()) return WithContext(exported.status(), TableContext(input.table));
      shared = *std::move(exported);
    } else if (const auto status = input.connection->ImportSnapshot(*shared); !status.ok()) {
      return WithContext(status, TableContext(input.table));
    }
  }
  return shared.has_value();
}

}  // namespace sheaf
