"""Tests of the rules RUN: running and detection."""
