"""Random conditions over all that can be said: most of them well typed, some not; and attempts to reach beyond."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from chaos.reference.product import names as names_of
from chaos.reference.situations import TEXTS

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from selftimer.facts.types import Type

DEEPEST = 3
"""How many dots a path has at most."""
ILL = 0.02
"""How often a value of some other type stands where one was wanted."""
_ORDER = ("==", "!=", "<", "<=", ">", ">=")
_EQUAL = ("==", "!=")
_NUMBERS = ("0", "1", "2", "30", "50", "50.01", "0.5", "3", "60", "-1")
_SPANS = ("3 days", "1 day", "2 weeks", "1 month", "13 months", "1 year", "4 business days", "9999 years")
_EXACT = ("90 minutes", "1 hour", "36 hours")


def _key(kind: Type) -> str:
    return f"{kind.name} {kind.table}" if kind.name == "record" else "texts" if str(kind.of) == "a text" else kind.name


@lru_cache(maxsize=16)
def paths(about: str) -> Mapping[str, tuple[tuple[tuple[str, Type], ...], ...]]:
    """Every path that can be said, by what it holds and how many dots it has."""
    names = names_of(about)
    level = [(name, root.type) for name, root in sorted(names.roots.items())]
    found: dict[str, list[list[tuple[str, Type]]]] = {}
    for depth in range(DEEPEST + 1):
        for text, kind in level:
            found.setdefault(_key(kind), [[] for _ in range(DEEPEST + 1)])[depth].append((text, kind))
        level = [
            (f"{text}.{name}", names.tables[kind.table][name].type)
            for text, kind in level
            if kind.name == "record"
            for name in sorted(names.fields(kind.table))
        ]
    return {key: tuple(tuple(one) for one in by_depth if one) for key, by_depth in found.items()}


class Writer:
    """Writes conditions, each with the choices of `rng`."""

    def __init__(self, rng: random.Random, about: str) -> None:
        self.rng = rng
        self.paths = paths(about)
        self.names = names_of(about)
        self.records = [key for key in self.paths if key.startswith("record")]
        often = (self._alone, self._numbers, self._amounts)
        seldom = (self._none, self._times, self._texts, self._word, self._flag, self._same, self._lengths, self._among)
        self.atoms = (*often, *often, *seldom, self._containing)

    def condition(self) -> str:
        """A whole condition."""
        return self.truth(self.rng.choice((0, 0, 1, 1, 2, 2, 3)))

    # --- truths -------------------------------------------------------------------------------------------------------

    def truth(self, depth: int) -> str:
        """A condition of some depth; brackets are left out where they may be."""
        if depth == 0:
            return self.rng.choice(self.atoms)()
        match self.rng.randrange(5):
            case 0:
                return f"not {self._beside(depth - 1)}"
            case 1 | 2:
                return " and ".join(self._beside(depth - 1) for _ in range(self.rng.randint(2, 3)))
            case _:
                return " or ".join(self._beside(depth - 1) for _ in range(self.rng.randint(2, 3)))

    def _beside(self, depth: int) -> str:
        text = self.truth(depth)
        return text if self.rng.random() < 0.3 else f"({text})"

    def _alone(self) -> str:
        return self.path(self.rng.choice(("yes/no", "yes/no", "list", "texts", "date", "instant", *self.records[:4])))

    def _none(self) -> str:
        told = self.rng.choice((self.path, lambda _key: self.number(1), lambda _key: self.money(1)))
        return f"({told(self.rng.choice(list(self.paths)))}) is {self.rng.choice(('none', 'not none'))}"

    def _numbers(self) -> str:
        if self.rng.random() < 0.15:
            return f"{self.number(1)} {self.rng.choice(_ORDER)} {self.number(1)} {self.rng.choice(_ORDER)} 30"
        sides = [self.number(2), self.rng.choice((self.number(1), self.rng.choice(_NUMBERS)))]
        self.rng.shuffle(sides)
        return f"{sides[0]} {self.rng.choice(_ORDER)} {sides[1]}"

    def _amounts(self) -> str:
        sides = [self.money(2), self.rng.choice((self.money(1), self.rng.choice(_NUMBERS), self.number(1)))]
        self.rng.shuffle(sides)
        return f"{sides[0]} {self.rng.choice(_ORDER)} {sides[1]}"

    def _times(self) -> str:
        key = self.rng.choice(("instant", "date"))
        return f"{self.time(key, 1)} {self.rng.choice(_ORDER)} {self.time(key, 1)}"

    def _texts(self) -> str:
        sides = [self.text(1), self.rng.choice((self.text(1), self.said()))]
        self.rng.shuffle(sides)
        return f"{sides[0]} {self.rng.choice(_EQUAL)} {sides[1]}"

    def _word(self) -> str:
        text, word = self.enum()
        return f"{text} {self.rng.choice(_EQUAL)} {word}"

    def _flag(self) -> str:
        return (
            f"{self.path('yes/no')} {self.rng.choice(_EQUAL)} {self.rng.choice(('true', 'false', self.path('yes/no')))}"
        )

    def _same(self) -> str:
        key = self.rng.choice(self.records)
        return f"{self.path(key)} {self.rng.choice(_EQUAL)} {self.path(key)}"

    def _lengths(self) -> str:
        return f"{self.path('duration')} {self.rng.choice(_EQUAL)} {self.path('duration')}"

    def _among(self) -> str:
        within = self.rng.choice(("in", "not in"))
        match self.rng.randrange(3):
            case 0:
                text, word = self.enum()
                return f"{text} {within} [{word}]"
            case 1:
                return f"{self.text(1)} {within} [{self.said()}, {self.said()}]"
            case _:
                return f"{self.number(1)} {within} [{', '.join(self.rng.sample(_NUMBERS, 3))}]"

    def _containing(self) -> str:
        item = self.path(self.rng.choice(("text", "texts")))
        needle = self.rng.choice((self.text(0), repr(self.rng.choice([text for text in TEXTS if text]))))
        return f"{item} is {self.rng.choice(('containing', 'not containing'))} {needle}"

    # --- values -------------------------------------------------------------------------------------------------------

    def path(self, key: str) -> str:
        """A path to a value of a type, or now and then of another."""
        if self.rng.random() < ILL:
            key = self.rng.choice(list(self.paths))
        return self.rng.choice(self.rng.choice(self.paths[key]))[0]

    def said(self) -> str:
        """A fixed text."""
        return repr(self.rng.choice(TEXTS))

    def enum(self) -> tuple[str, str]:
        """A path to one of several words, and one of them."""
        text, kind = self.rng.choice(self.rng.choice(self.paths["enum"]))
        words = [*kind.values, "cancelled"] if "canceled" in kind.values else list(kind.values)
        return text, repr("nonsense" if self.rng.random() < ILL else self.rng.choice(words))

    def text(self, depth: int) -> str:
        """A text that is no fixed one."""
        if depth and self.rng.random() < 0.25:
            return f"{self.path(self.rng.choice(('text', 'enum')))} | lower"
        return self.path(self.rng.choice(("text", "text", "text", "enum")))

    def number(self, depth: int) -> str:
        """A number that is no fixed one."""
        match self.rng.randrange(7 if depth else 1):
            case 0 | 1:
                return self.path("number")
            case 2:
                return f"{self.many()} | count"
            case 3 | 4:
                item = self.time(self.rng.choice(("date", "instant")), 1)
                return f"{item} | {self.rng.choice(('days_ago', 'days_until'))}"
            case 5:
                return self._sum("number")
            case _:
                return self._calculation(depth, "number")

    def money(self, depth: int) -> str:
        """An amount."""
        match self.rng.randrange(4 if depth else 1):
            case 0 | 1:
                return self.path("money")
            case 2:
                return self._sum("money")
            case _:
                return self._calculation(depth, "money")

    def _calculation(self, depth: int, key: str) -> str:
        if self.rng.random() < 0.2:
            return f"-({self.number(depth - 1) if key == 'number' else self.money(depth - 1)})"
        op = self.rng.choice("+-*/")
        if key == "number":
            if self.rng.random() < 0.2:
                return f"(({self.money(depth - 1)}) / ({self.money(depth - 1)}))"
            other = self.rng.choice((self.number(depth - 1), self.rng.choice(_NUMBERS)))
            return f"(({self.number(depth - 1)}) {op} ({other}))"
        if op in "+-" and self.rng.random() < 0.5:
            return f"(({self.money(depth - 1)}) {op} ({self.money(depth - 1)}))"
        number = self.rng.choice((self.rng.choice(_NUMBERS), self.number(depth - 1)))
        sides = [f"({self.money(depth - 1)})", f"({number})"]
        if op != "/":
            self.rng.shuffle(sides)
        return f"({sides[0]} {op} {sides[1]})"

    def time(self, key: str, depth: int) -> str:
        """A date or an instant."""
        if depth and self.rng.random() < 0.25:
            spans = _SPANS if key == "date" else (*_SPANS, *_EXACT)
            return f"{self.path(key)} | plus({self.rng.choice(spans)!r})"
        return self.path(key)

    def many(self) -> str:
        """A list, of records mostly."""
        if self.rng.random() < 0.2:
            return self.path(self.rng.choice(("list", "texts")))
        text, kind = self._records()
        if self.rng.random() < 0.5:
            return text
        tests = [self._test(kind) for _ in range(self.rng.randint(1, 2))]
        return f"{text} | where({', '.join(dict.fromkeys(tests))})"

    def _records(self) -> tuple[str, Type]:
        text, kind = self.rng.choice(self.rng.choice(self.paths["list"]))
        assert kind.of is not None
        return text, kind.of

    def _test(self, record: Type) -> str:
        """A field of a list's records with what it is to be."""
        name = self.rng.choice([name for name, one in self._fields(record) if one.name != "list"])
        kind = dict(self._fields(record))[name]
        match kind.name:
            case "enum":
                wanted = repr(self.rng.choice(kind.values))
            case "yes/no":
                wanted = self.rng.choice(("true", "false"))
            case "text":
                wanted = self.rng.choice((self.said(), self.text(0)))
            case "number" | "money":
                wanted = self.rng.choice((self.rng.choice(_NUMBERS), self.path(kind.name)))
            case _:
                wanted = self.path(_key(kind))
        return f"{name}={wanted}"

    def _fields(self, record: Type) -> list[tuple[str, Type]]:
        return sorted((name, one.type) for name, one in self.names.tables[record.table].items())

    def _sum(self, key: str) -> str:
        for _ in range(20):
            text, record = self._records()
            fitting = [name for name, one in self._fields(record) if one.name == key]
            if fitting:
                chosen = self.rng.choice(fitting)
                if self.rng.random() < 0.4:
                    text = f"{text} | where({self._test(record)})"
                return f"{text} | sum({chosen!r})"
        return self.path(key)
