"""Tests of memory object streams."""
