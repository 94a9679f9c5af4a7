#include "sink/link_json.h"

namespace sheaf {

void AddLink(const Table& table, Json* json) {
  if (!table.link) return;
  if (table.link->kind == Link::Kind::kParent) {
    (*json)["parent"] = table.link->table;
    (*json)["parent_columns"] = table.link->columns;
    return;
  }
  Json references = Json::object();
  references["table"] = table.link->table;
  references["columns"] = table.link->columns;
  (*json)["references"] = std::move(references);
}

}  // namespace sheaf
