"""A stress test: many tasks use every primitive and are cancelled at random; afterwards the books must balance.

``arena`` holds the primitives, the work and the books; ``__main__`` runs rounds of it for a given time.
"""
