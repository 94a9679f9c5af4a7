"""Where the tests find the program and the driver."""

import os
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent / "build"

os.environ.setdefault("SHEAF_BIN", str(BUILD / "sheaf"))
os.environ.setdefault("SHEAF_DRIVER", str(BUILD / "libadbc_driver_datafusion.so"))
