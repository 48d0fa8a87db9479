"""Makes the broken backends importable for tests in this folder, as they are for the command that runs in it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
