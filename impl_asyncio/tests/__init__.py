"""Tests of the asyncio backend beyond the conformance suite."""
