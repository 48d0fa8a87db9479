"""Tests of open_url()."""
