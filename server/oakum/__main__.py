"""`python -m oakum` is the command `oakum`."""

import sys

from oakum.cli import main

if __name__ == "__main__":
    sys.exit(main())
