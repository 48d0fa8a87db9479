"""The conformance kit of accord: the rules as data, a suite that tests them on any backend, and a command to run it.

``python -m accord_conformance run BACKEND`` is the documented way in. The suite is a set of ordinary pytest tests, and
the kit a pytest plugin, so ``pytest --pyargs accord_conformance.suite --conformance-backend=BACKEND`` works too.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
