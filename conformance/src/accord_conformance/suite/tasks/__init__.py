"""Tests of task groups, handles and task information."""
