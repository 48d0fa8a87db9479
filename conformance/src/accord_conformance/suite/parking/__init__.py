"""Tests of the rules PARK: parking."""
