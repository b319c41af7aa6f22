"""Whether some text fits two patterns: both are walked in step, character by character, until both are at their end."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from tonekeeper.phones.pattern_parts import SORTS, Field, Literal, Way, firsts

_Edge = tuple[frozenset[str], int]


class _Walk:
    """A pattern as states: from each, which characters lead where. Lengths are not counted, so it may take more."""

    def __init__(self, ways: Sequence[Way]) -> None:
        self.edges: list[list[_Edge]] = [[]]
        self.skips: list[list[int]] = [[]]
        self.end = self._state()
        for way in ways:
            self._add(way)

    def reach(self, states: frozenset[int]) -> frozenset[int]:
        """These states, and those that are reached from them without a character."""
        found, open_ = set(states), list(states)
        while open_:
            for state in self.skips[open_.pop()]:
                if state not in found:
                    found.add(state)
                    open_.append(state)
        return frozenset(found)

    def step(self, states: frozenset[int], character: str) -> frozenset[int]:
        return self.reach(frozenset(to for s in states for taken, to in self.edges[s] if character in taken))

    def characters(self, states: frozenset[int]) -> frozenset[str]:
        return frozenset[str]().union(*(taken for s in states for taken, _ in self.edges[s]))

    def _state(self) -> int:
        self.edges.append([])
        self.skips.append([])
        return len(self.edges) - 1

    def _add(self, way: Way) -> None:
        at = 0
        for index, part in enumerate(way):
            following = firsts(way[index + 1]) if index + 1 < len(way) else frozenset[str]()
            at = self._literal(at, part.text) if isinstance(part, Literal) else self._field(at, part, following)
        self.skips[at].append(self.end)

    def _literal(self, at: int, text: str) -> int:
        for character in text:
            at = self._one(at, frozenset(character))
        return at

    def _field(self, at: int, field: Field, following: frozenset[str]) -> int:
        sort, end = SORTS[field.name], self._state()
        for choice in field.choices:
            before, star, after = choice.partition("*")
            state = self._literal(at, before)
            if star:
                state = self._some(state, sort.more - (frozenset(after[0]) if after else following))
            self.skips[self._literal(state, after)].append(end)
        if not field.choices:
            state = self._one(at, sort.first - following)
            for _ in range(1, sort.least):
                state = self._one(state, sort.more - following)
            self.skips[self._some(state, sort.more - following)].append(end)
        return end

    def _one(self, at: int, characters: frozenset[str]) -> int:
        state = self._state()
        self.edges[at].append((characters, state))
        return state

    def _some(self, at: int, characters: frozenset[str]) -> int:
        """Any number of these; in a state of its own, so that nobody else who passes `at` takes them."""
        state = self._state()
        self.skips[at].append(state)
        self.edges[state].append((characters, state))
        return state


def common_text(one: Sequence[Way], other: Sequence[Way]) -> str | None:
    """A text that both patterns match, if there is one. Each is given as the ways it can be read."""
    return _walked(_Walk(one), _Walk(other))


def _walked(ours: _Walk, theirs: _Walk) -> str | None:
    start = (ours.reach(frozenset({0})), theirs.reach(frozenset({0})))
    seen, queue = {start}, deque([(*start, "")])
    while queue:
        one, two, text = queue.popleft()
        if ours.end in one and theirs.end in two:
            return text
        for character in _tellings(ours.characters(one) & theirs.characters(two)):
            pair = (ours.step(one, character), theirs.step(two, character))
            if pair not in seen:
                seen.add(pair)
                queue.append((*pair, text + character))
    return None


def _tellings(characters: frozenset[str]) -> list[str]:
    return sorted(characters, key=lambda c: (not c.isalnum(), c))
