"""Argument checks with one text for every backend (rules TIME-4 to TIME-6, CANCEL-19, RUN-4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf, isnan
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from ..protocols import Schedule
    from ..testing.clock import VirtualClock

DEFAULT_BUDGET = 16


def _check_real(value: object, name: str) -> float:
    # A bool is an int to Python, but `deadline=True` is a mistake and not one second.
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise TypeError(f"{name} must be a real number (seconds), not {type(value).__name__}")
    try:
        value = float(value)
    except OverflowError:
        raise ValueError(f"{name} is too large for a float") from None
    if isnan(value):
        raise ValueError(f"{name} must not be NaN")
    return value


def check_positive(value: object, name: str) -> float:
    """Return ``value`` as float if it is a positive, finite number; ``TypeError`` or ``ValueError`` otherwise."""
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise TypeError(f"{name} must be a real number, not {type(value).__name__}")
    if not 0 < value < inf:
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return float(value)


def check_deadline(value: object) -> float:
    """Return a deadline as float; ``TypeError`` or ``ValueError`` (NaN) if it is none."""
    return _check_real(value, "deadline")


def check_delay(value: object) -> float:
    """Return a delay as float; ``TypeError`` or ``ValueError`` (NaN) if it is none."""
    return _check_real(value, "delay")


def check_shield(value: object) -> bool:
    """Return ``value`` if it is a bool; ``TypeError`` otherwise."""
    if not isinstance(value, bool):
        raise TypeError(f"shield must be a bool, not {type(value).__name__}")
    return value


def check_amount(value: object, name: str) -> float:
    """Return ``value`` if it is an int of at least 0 or ``math.inf``; ``TypeError`` or ``ValueError`` otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be an int or math.inf, not {type(value).__name__}")
    if isnan(value) or value < 0:
        raise ValueError(f"{name} must be at least 0, got {value}")
    if isinstance(value, float) and value != inf:
        raise TypeError(f"{name} must be an int or math.inf, not the float {value}")
    return value


def check_flag(options: Mapping[str, object], name: str) -> bool:
    """Return the option ``name``, which is a bool, False by default."""
    flag = options.get(name, False)
    if not isinstance(flag, bool):
        raise TypeError(f"{name} must be a bool, not {type(flag).__name__}")
    return flag


def check_virtual_time(options: Mapping[str, object]) -> VirtualClock | None:
    """Return the clock that the option ``virtual_time`` asks for, a bool or a ``VirtualClock``; None for real time."""
    wanted = options.get("virtual_time", options.get("schedule") is not None)
    if wanted is False:
        return None
    from ..testing.clock import VirtualClock  # not sooner: it is no part of an ordinary run

    if wanted is True:
        return VirtualClock()
    if not isinstance(wanted, VirtualClock):
        raise TypeError(f"virtual_time must be a bool or a VirtualClock, not {type(wanted).__name__}")
    return wanted


def check_schedule(options: Mapping[str, object]) -> Schedule | None:
    """Return the option ``schedule``, None by default; ``ValueError`` if it stands with real time."""
    schedule = options.get("schedule")
    if schedule is None:
        return None
    if not callable(getattr(schedule, "choose", None)):
        raise TypeError(f"schedule must be a Schedule, with a method choose, not {type(schedule).__name__}")
    if options.get("virtual_time") is False:
        raise ValueError("schedule brings virtual_time: no order is the same twice while real time flows")
    return cast("Schedule", schedule)


def refuse_schedule(options: Mapping[str, object]) -> None:
    """Raise ``ValueError`` if the option ``schedule`` is given, for what is more than one run."""
    if options.get("schedule") is not None:
        raise ValueError("a runner takes no schedule: that is for a single run")


def check_budget(options: Mapping[str, object]) -> int:
    """Return the option ``checkpoint_budget``: in how many operations a task yields at least once (CKPT-5)."""
    budget = options.get("checkpoint_budget", DEFAULT_BUDGET)
    if isinstance(budget, bool) or not isinstance(budget, int):
        raise TypeError(f"checkpoint_budget must be an int, not {type(budget).__name__}")
    if budget < 1:
        raise ValueError(f"checkpoint_budget must be at least 1, got {budget}")
    return budget


def check_options(backend: str, options: Mapping[str, object], known: Iterable[str]) -> None:
    """Raise ``TypeError`` for the first option that is not known, and list those that are."""
    names = sorted(known)
    for option in options:
        if option not in names:
            raise TypeError(f"backend {backend!r} has no option {option!r}; its options are {', '.join(names)}")
