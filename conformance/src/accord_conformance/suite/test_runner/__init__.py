"""Loops that run only while they are asked to."""
