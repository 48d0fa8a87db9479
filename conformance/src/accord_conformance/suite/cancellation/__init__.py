"""Tests of the rules CANCEL: cancel scopes."""
