"""Tests of the rules TIME: clock, sleep and deadlines."""
