"""Tests of the rules that all streams keep, and of the streams that wrap others."""
