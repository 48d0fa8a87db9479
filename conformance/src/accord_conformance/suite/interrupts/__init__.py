"""Ctrl-C."""
