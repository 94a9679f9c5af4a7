// Key columns without any value: an engine has no type for them (`SELECT NULL AS id`), or its driver has guessed one from
// nothing (SQLite's looks at the first rows). They take the type of what they compare with.
#pragma once

#include <vector>

#include "cogroup/table_input.h"

namespace sheaf {

/// Gives such key columns the type that the same column has in another table, or int64 where it has none in any.
/// For tables that are described and not linked.
void TypeUntypedKeys(std::vector<TableInput>* tables);

/// The same of a linked table, whose link is found, and of the columns of the other table that it hangs on.
void TypeUntypedLink(TableInput* other, TableInput* input);

}  // namespace sheaf
