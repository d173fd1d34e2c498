"""Child process: one command of the portal, timed; its memory is its own, not that of whoever started it."""

import sys
import time

from benchmarks.lists import timed
from portal.cli import main

if __name__ == "__main__":
    began = time.monotonic()
    status = main(sys.argv[1:])
    print(timed(began))
    sys.exit(status)
