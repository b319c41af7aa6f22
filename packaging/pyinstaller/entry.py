"""Where a bundle begins."""

import os
import sys
from contextlib import suppress

from tonekeeper.app import main

unpacked = sys._MEIPASS
if os.path.dirname(unpacked) != os.path.dirname(sys.executable):
    # A single file unpacks itself in alphabetical order, and compiled profiles must not be older than their sources.
    with suppress(OSError):
        os.utime(os.path.join(unpacked, "share/tonekeeper/firmware-profiles/profiles.json"))
sys.exit(main())
