"""Backends that are wrong on purpose, to show that the suite notices.

A mutant is a conforming backend with one rule broken, in a function of a few lines whose decorator names the rule. The
suite must fail it, in a test of that very rule; a mutant that survives shows a test that cannot fail. One process runs
one mutant, so that nothing is ever put back.

``python -m accord_conformance.mutants`` runs them all and prints the kill matrix. One of them is, for
``python -m accord_conformance run``, the backend ``accord_conformance.mutants.zoo:NAME``.
"""
