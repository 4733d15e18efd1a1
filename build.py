#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The one entry of Atoll: build, run, test, measure. `./build.py --help` lists the commands.

This file only finds the right interpreter; the work is in tools/atoll_build/.
"""

import os
import sys

SYSTEM_PYTHON = "/usr/bin/python3"  # the one that sees Debian's python packages (jinja2, pytest, pexpect)

if os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON) and os.access(SYSTEM_PYTHON, os.X_OK) \
        and "ATOLL_REEXEC" not in os.environ:
    os.environ["ATOLL_REEXEC"] = "1"
    os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, os.path.abspath(__file__), *sys.argv[1:]])
os.environ.pop("ATOLL_REEXEC", None)

if sys.version_info < (3, 11):
    sys.exit("build.py: error: python 3.11 or later is needed; this is "
             f"{sys.version.split()[0]}\n  to mend: apt-get install python3 (Debian 12 or later)")

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "tools"))

from atoll_build.cli import main  # noqa: E402  (the path must be set first)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
