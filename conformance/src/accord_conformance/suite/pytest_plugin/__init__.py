"""The pytest plugin, seen by a project that uses it."""
