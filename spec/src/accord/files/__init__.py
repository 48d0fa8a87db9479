"""Files and temporary files: the functions and objects of the standard library, in threads."""

from .async_file import AsyncFile
from .opening import open_file, wrap_file
from .spooled import SpooledTemporaryFile
from .temporary import (
    NamedTemporaryFile,
    TemporaryDirectory,
    TemporaryFile,
    gettempdir,
    gettempdirb,
    mkdtemp,
    mkstemp,
)

__all__ = [
    "AsyncFile",
    "NamedTemporaryFile",
    "SpooledTemporaryFile",
    "TemporaryDirectory",
    "TemporaryFile",
    "gettempdir",
    "gettempdirb",
    "mkdtemp",
    "mkstemp",
    "open_file",
    "wrap_file",
]
