"""AnyIO's asyncio backend as an accord backend; ``anyio_waist`` says what in it is AnyIO's."""

from __future__ import annotations

from .anyio_waist import AnyIOBackend

backend = AnyIOBackend("asyncio", {"uvloop": {"use_uvloop": True}})
