"""The static half of conformance: whether a backend's objects have the types that the Protocols ask for."""
