"""Tests of what errors look like, and of the package as seen from outside."""
