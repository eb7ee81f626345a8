"""`python -m roadseg`: the command, where its script is not on the path."""

import sys

from roadseg.cli import main

if __name__ == "__main__":
    sys.exit(main())
