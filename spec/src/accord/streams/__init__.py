"""Streams that are portable code."""
