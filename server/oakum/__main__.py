"""`python -m oakum` is the command `oakum`."""

import os
import sys

# `-m` puts the working directory first: a workspace's own `typing.py` or `pygls/` must not be imported in the library's stead.
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != os.getcwd()]

from oakum.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
