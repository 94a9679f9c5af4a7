#include "cli/open_files.h"

#include <sys/resource.h>

namespace sheaf {

void RaiseLimitOfOpenFiles() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));  // else as many as before
}

}  // namespace sheaf
