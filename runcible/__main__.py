"""`python -m runcible`: see `cli.py`."""

import sys

from runcible.cli import main

sys.exit(main(sys.argv[1:]))
