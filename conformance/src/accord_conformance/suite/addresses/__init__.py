"""Names, addresses and the resolver (area DNS)."""
