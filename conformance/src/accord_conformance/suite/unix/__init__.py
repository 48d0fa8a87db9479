"""UNIX sockets (area UNIX)."""
