"""A differential fuzzer: random programs of scopes, groups and sleeps must do the same on every backend.

``programs`` makes them, ``interpreter`` runs one and notes what happens, ``compare`` runs many on several backends and
reports where they differ. Run it as ``python -m accord_conformance.fuzz``.
"""
