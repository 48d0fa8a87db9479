"""Tests of calls in worker processes and interpreters."""
