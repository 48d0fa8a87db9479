"""Tests of the lines of streams."""
