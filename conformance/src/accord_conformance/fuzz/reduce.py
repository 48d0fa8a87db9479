"""Making a program smaller while it still does what is to be explained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from .programs import Block, Catch, Child, Finally, Group, Scope, Spawn, Statement, Swallow


def reduce(program: Block, still: Callable[[Block], bool], attempts: int = 2000) -> Block:
    """Return a smaller program for which ``still`` is true, as it is for this one."""
    tried = 0
    smaller = _blocks(program)
    while tried < attempts and (candidate := next(smaller, None)) is not None:
        tried += 1
        if still(candidate):
            program, smaller = candidate, _blocks(candidate)
    return program


def _blocks(block: Block) -> Iterator[Block]:
    """Return the block with one thing left out, the greatest things first."""
    for index, statement in enumerate(block):
        before, after = block[:index], block[index + 1 :]
        yield (*before, *after)
        for inner in _inner(statement):
            yield (*before, *inner, *after)
    for index, statement in enumerate(block):
        for changed in _statements(statement):
            yield (*block[:index], changed, *block[index + 1 :])


def _inner(statement: Statement) -> Iterator[Block]:
    """Return the blocks that may stand for the whole statement."""
    match statement:
        case Scope(body=body) | Group(body=body) | Catch(body) | Swallow(body):
            yield body
        case Finally(body, clean_up):
            yield (*body, *clean_up)
        case _:
            pass


def _statements(statement: Statement) -> Iterator[Statement]:
    """Return the statement with one thing left out."""
    match statement:
        case Scope():
            yield from _scopes(statement)
        case Group(_, children, body):
            for index, child in enumerate(children):
                before, after = children[:index], children[index + 1 :]
                yield replace(statement, children=(*before, *after))
                for changed in _children(child):
                    yield replace(statement, children=(*before, changed, *after))
            for smaller in _blocks(body):
                yield replace(statement, body=smaller)
        case Spawn(_, child):
            for changed in _children(child):
                yield replace(statement, child=changed)
        case Catch(body) | Swallow(body):
            for smaller in _blocks(body):
                yield replace(statement, body=smaller)
        case Finally(body, clean_up):
            for smaller in _blocks(body):
                yield replace(statement, body=smaller)
            for smaller in _blocks(clean_up):
                yield replace(statement, clean_up=smaller)
        case _:
            pass


def _scopes(scope: Scope) -> Iterator[Statement]:
    if scope.fail:
        yield replace(scope, fail=False)
    elif scope.seconds is not None:
        yield replace(scope, seconds=None)
    if scope.shield:
        yield replace(scope, shield=False)
    for smaller in _blocks(scope.body):
        yield replace(scope, body=smaller)


def _children(child: Child) -> Iterator[Child]:
    if child.before_started is not None:
        yield replace(child, before_started=None)
        for smaller in _blocks(child.before_started):
            yield replace(child, before_started=smaller)
    for smaller in _blocks(child.body):
        yield replace(child, body=smaller)
