"""Running a test under many schedules (area SCHED)."""

from .reports import ScheduleError
from .running import ExploreResult, explore, explored, replay

__all__ = ["ExploreResult", "ScheduleError", "explore", "explored", "replay"]
