"""Tests of events, locks, semaphores, limiters, conditions, futures and guards."""
