"""Implementations that this project did not write, as accord backends, to see what the conformance suite says of them.

The command finds them from the folder above as ``strangers.anyio_asyncio:backend``, ``strangers.anyio_trio:backend``
and ``strangers.trio_guest:backend``. What it is expected to say is in ``expected``.
"""
