"""TCP over non-blocking sockets and the backend's pollers."""
