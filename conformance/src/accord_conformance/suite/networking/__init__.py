"""Tests of TCP connections."""
