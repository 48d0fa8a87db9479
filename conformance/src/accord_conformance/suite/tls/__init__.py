"""Tests of TLS streams and listeners."""
