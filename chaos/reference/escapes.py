"""Random attempts to reach what is no record: each must be refused when a rule is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos.reference.expressions import Writer

if TYPE_CHECKING:
    import random

_HIDDEN = (
    "__class__", "__mro__", "__subclasses__", "__init__", "__globals__", "__dict__", "__slots__", "__reduce__", "_at",
    "_sa", "__builtins__", "__len__", "mro", "format", "upper", "encode", "to_tz", "minor", "main", "world", "gi_frame",
)  # fmt: skip
_GLOBALS = (
    "self", "cycler", "lipsum", "joiner", "namespace", "range", "dict", "config", "request", "slow", "s", "k0", "v1",
    "each1", "world", "checked", "FAULTS", "loop", "caller", "varargs", "kwargs", "environment", "eval", "open",
)  # fmt: skip
_FILTERS = (
    "attr('__class__')", "attr('email')", "map(attribute='amount')", "map('upper')", "first", "list", "string",
    "tojson", "selectattr('amount')", "groupby('status')", "format('x')", "sum('__class__')", "where(__class__='x')",
    "where(**client)", "xmlattr", "safe", "sort", "random", "items", "dictsort", "plus(client.email)", "count(1)",
)  # fmt: skip
_LITERALS = ("''", "()", "[]", "{}", "1", "1.5", "true", "none", "'%s'", "('a' | lower)", "'{0.__class__}'")
_CALLS = ("()", "('id')", "(client)", "(1, 2)", "(a=1)", "(*client)", "(**client)")
_KEYS = ("['__class__']", "['email']", "[0]", "[-1]", "[:3]", "[client.email]", "['_' ~ '_class__']")
_TESTS = ("callable", "defined", "sameas client", "mapping", "iterable", "in client", "filter('attr')", "test('x')")


class Escapes:
    """Writes attempts, each with the choices of `rng`."""

    def __init__(self, rng: random.Random, about: str) -> None:
        self.rng = rng
        self.writer = Writer(rng, about)

    def attempt(self) -> str:
        """One attempt: alone, or hidden in a condition that is fine but for it."""
        text = self._bare()
        fine = self.writer.truth(1)
        return self.rng.choice(
            (
                text,
                f"not ({text})",
                f"({fine}) and ({text})",
                f"({text}) or ({fine})",
                f"({text}) == 'x'",
                f"({text}) is none",
                f"client.notes is containing ({text})",
                f"client.email in ['x', {text}]",
                f"(client.invoices | where(status={text}) | count) > 0",
                f"(({text}) | lower) == 'x'",
                f"(({text}) + 1) > 2",
                f"client.sample if ({text}) else {fine}",
            )
        )

    def _bare(self) -> str:
        """What must never be allowed, whatever stands around it."""
        rng = self.rng
        base = rng.choice((self._path(), self._path(), rng.choice(_LITERALS), rng.choice(_GLOBALS)))
        match rng.randrange(7):
            case 0 | 1:
                return base + "".join(f".{name}" for name in rng.sample(_HIDDEN, rng.randint(1, 4)))
            case 2:
                return f"{base}.{rng.choice(_HIDDEN)}{rng.choice(_CALLS)}"
            case 3:
                return f"{base}{rng.choice(_KEYS)}"
            case 4:
                return f"({base}) | {rng.choice(_FILTERS)}"
            case 5:
                return f"{rng.choice(_GLOBALS)}{rng.choice((*_CALLS, '', '.__init__.__globals__'))}"
            case _:
                return rng.choice(
                    (
                        f"{base}{rng.choice(_CALLS)}",
                        f"({base}) is {rng.choice(_TESTS)}",
                        f"'%s' % ({base})",
                        f"({base}) ~ 'x'",
                        f"'x' * 10 ** 9 == {base}",
                        f"{base}.{rng.choice(_HIDDEN)} | {rng.choice(_FILTERS)}",
                    )
                )

    def _path(self) -> str:
        return self.writer.path(self.rng.choice(list(self.writer.paths)))
