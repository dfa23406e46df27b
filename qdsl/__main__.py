"""`python -m qdsl`."""

import sys

from qdsl.cli import main

if __name__ == "__main__":
    sys.exit(main())
