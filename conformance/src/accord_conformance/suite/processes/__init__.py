"""Tests of subprocesses and their pipes."""
