"""Schedules, and exploring them."""
