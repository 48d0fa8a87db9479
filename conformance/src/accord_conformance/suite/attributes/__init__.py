"""Tests of typed attributes."""
