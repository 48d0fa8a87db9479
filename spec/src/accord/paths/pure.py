"""What paths do without input and output: how they are made, and how others are derived from them.

A path is a ``pathlib.PurePath`` of the system's flavour, so that the operations on names, comparison and hash are
pathlib's own. From Python 3.12 on each derived path is made by ``with_segments``; before that this module sees to it.
"""

from __future__ import annotations

import os
import pathlib
import sys
from typing import Any, Self

from ..sync import CapacityLimiter

if sys.platform == "win32":
    from pathlib import PureWindowsPath as NativePurePath
else:
    from pathlib import PurePosixPath as NativePurePath

StrPath = str | os.PathLike[str]
"""What stands for a path."""


class PurePathWithLimiter(NativePurePath):
    """A path that knows which limiter its input and output is to use, and hands it on to paths derived from it."""

    __slots__ = ("_limiter",)

    _limiter: CapacityLimiter | None

    if sys.version_info < (3, 12):

        def __new__(cls, *args: StrPath, **_keywords: Any) -> Self:
            """Make a path; there, that is done here and not in ``__init__``."""
            return super().__new__(cls, *args)

    def __init__(  # pyright: ignore[reportInconsistentConstructor]
        self, *args: StrPath, limiter: CapacityLimiter | None = None
    ) -> None:
        if limiter is not None and not isinstance(limiter, CapacityLimiter):
            raise TypeError(f"limiter must be a CapacityLimiter, not {type(limiter).__name__}")
        if sys.version_info >= (3, 12):
            super().__init__(*args)
        self._limiter = limiter

    @property
    def limiter(self) -> CapacityLimiter | None:
        """Where each call takes its token; None for the run's default limiter."""
        return self._limiter

    @property
    def sync(self) -> pathlib.Path:
        """The same path as a ``pathlib.Path``, whose methods block."""
        return pathlib.Path(self)

    @classmethod
    def from_sync(cls, path: pathlib.PurePath, *, limiter: CapacityLimiter | None = None) -> Self:
        """Return the same path as this class; ``TypeError`` for what is no path of pathlib.

        :param path: a path of the system's flavour.
        :param limiter: where its calls take their tokens.
        """
        if not isinstance(path, pathlib.PurePath):
            raise TypeError(f"path must be a path of pathlib, not {type(path).__name__}")
        return cls(path, limiter=limiter)

    def with_segments(self, *pathsegments: StrPath) -> Self:
        """Make a path of the same class and with the same limiter; whatever gives further paths makes them by this.

        A subclass whose constructor takes other arguments overrides this.
        """
        path = type(self)(*pathsegments)
        path._limiter = self._limiter
        return path

    def __copy__(self) -> Self:
        return self.with_segments(self)

    def __deepcopy__(self, _memo: object) -> Self:
        return self.with_segments(self)  # the limiter is shared, as a lock would be

    if sys.version_info < (3, 12):

        def joinpath(self, *args: StrPath) -> Self:
            """Return the path with ``args`` behind it."""
            return self.with_segments(self, *args)

        def __truediv__(self, key: StrPath) -> Self:
            try:
                return self.with_segments(self, key)
            except TypeError:
                return NotImplemented

        def __rtruediv__(self, key: StrPath) -> Self:
            try:
                return self.with_segments(key, self)
            except TypeError:
                return NotImplemented

        @property
        def parent(self) -> Self:
            """The directory that it is in, going by the name."""
            return self.with_segments(super().parent)

        @property
        def parents(self) -> tuple[Self, ...]:
            """The directories that it is in, from the innermost on."""
            return tuple(self.with_segments(path) for path in super().parents)

        def relative_to(self, *other: StrPath) -> Self:
            """Return the path as seen from another; ``ValueError`` if it does not lie there."""
            return self.with_segments(super().relative_to(*other))

        def with_name(self, name: str) -> Self:
            """Return the path with another last part."""
            return self.with_segments(super().with_name(name))

        def with_suffix(self, suffix: str) -> Self:
            """Return the path with another ending of its last part."""
            return self.with_segments(super().with_suffix(suffix))
