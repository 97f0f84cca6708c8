"""The command `oakum` as the extension carries it, for whatever Python the editor has found.

Its own libraries come first: what that Python has installed is neither needed nor able to stand in their way.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("libs")))

from oakum.cli import main

if __name__ == "__main__":
    sys.exit(main())
