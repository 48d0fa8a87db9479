"""Waiting for file descriptors (area FD)."""
