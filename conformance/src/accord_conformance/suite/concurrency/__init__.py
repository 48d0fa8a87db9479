"""Tests of the helpers for concurrent programs."""
