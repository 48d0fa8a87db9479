"""UDP sockets (area UDP)."""
