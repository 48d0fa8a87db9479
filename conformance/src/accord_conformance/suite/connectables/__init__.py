"""Tests of connectables."""
