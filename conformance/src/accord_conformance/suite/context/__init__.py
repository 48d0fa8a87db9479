"""Tests of the rules CTX: context variables."""
