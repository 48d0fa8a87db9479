"""Tests of accord.itertools."""
