"""``python -m accord_conformance.bench``: the same as ``python -m accord_conformance bench``."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
