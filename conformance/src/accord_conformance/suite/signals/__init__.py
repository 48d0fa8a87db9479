"""Receiving signals."""
