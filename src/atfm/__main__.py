"""`python -m atfm` is the command `atfm`."""

import sys

from atfm.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
