"""Tests of gather, amap and as_completed."""
