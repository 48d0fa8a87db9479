"""Rules that no mutant breaks, with the reason."""

from __future__ import annotations

REASONS: dict[str, str] = {}
