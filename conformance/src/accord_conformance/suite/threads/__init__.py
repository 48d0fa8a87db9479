"""Tests of calls in worker threads."""
