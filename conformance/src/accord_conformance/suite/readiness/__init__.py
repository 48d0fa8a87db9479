"""Tests of the rules POLL: readiness of file descriptors."""
