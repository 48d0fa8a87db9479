"""Tests of a project that uses the plugin; some fail, as they should."""
