"""Subprocesses, their pipes, and what worker processes and interpreters share (areas PROC and WORKER)."""
