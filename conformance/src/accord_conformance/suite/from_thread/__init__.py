"""Calls from threads (area FROM)."""
