"""``python -m lineageflow_jupyter`` is the command line."""

import sys

from lineageflow_jupyter.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
