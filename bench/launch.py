"""Runs a command and tells its peak of memory, as a line of JSON behind its own.

A process begins with the peak of the one that started it: this one is small, and the benchmark itself is not.
"""

import os
import sys

print('{"event": "ready"}', flush=True)
_, status, usage = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)
print(f'{{"event": "ended", "peak_kib": {usage.ru_maxrss}}}', flush=True)
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
