"""Matching: 10,000 records by 50 rules of 3 conditions, in microseconds per (record, rule).

Ours (one generated function a rule), hand-written Python closures (one for each condition, two-valued) and Jinja2's
sandboxed `compile_expression` are measured in the same run, since absolute figures move with the machine. The rules
are made as the peers' were: of 150 conditions 52 are ordered comparisons of numbers, amounts and dates against now,
39 equal or not equal, 11 in a list, 28 a text in a text, 20 yes/no; about 9 % of the pairs match.
"""

from __future__ import annotations

import operator
import random
import statistics
import time
from typing import TYPE_CHECKING, Any

from jinja2.sandbox import ImmutableSandboxedEnvironment
from whenever import Date, Instant

from selftimer.facts.records import Client, Invoice, Kind, Record, Session
from selftimer.facts.world import StudioFacts
from selftimer.primitives.money import Money
from selftimer.rulebook.compiler import compile_condition
from selftimer.rulebook.names import Names
from selftimer.rulebook.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOW = Instant.from_utc(2026, 6, 1, 12)
TODAY = Date(2026, 6, 1)
STUDIO = StudioFacts(name="Studio Nord", zone="Europe/Berlin", currency="eur")
KINDS = (Kind.CLIENT, Kind.SESSION, Kind.INVOICE)
SHARES = (("ordered", 52), ("equal", 39), ("among", 11), ("substring", 28), ("yes", 20))
WORDS = ("wedding", "Berlin", "VIP", "park", "family", "studio", "garden", "friend", "call", "mail")
NAMES = ("Anna", "Ben", "Cleo", "David", "Eva", "Finn", "Greta", "Hugo", "Ida", "Jonas")
CITIES = ("Berlin", "Hamburg", "Bremen", "Kiel", "Rostock")
CURRENT = {"now": NOW, "today": TODAY}
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

Condition = tuple[str, str, str, Any]
"""(path, operator, text of the right side, its value)."""


class NoWorld:
    """The rules measured here look at nothing but the record itself."""

    now = NOW
    studio = STUDIO

    def get(self, kind: Kind, record_id: str) -> Record | None:  # noqa: ARG002 - as in World
        """Nothing."""
        return None

    def of_client(self, kind: Kind, client_id: str) -> Sequence[Record]:  # noqa: ARG002 - as in World
        """Nothing."""
        return ()

    def of_invoice(self, invoice_id: str) -> Sequence[Record]:  # noqa: ARG002 - as in World
        """Nothing."""
        return ()

    def payments_readable(self) -> bool:
        """They are."""
        return True

    def is_ours(self, message_id: str) -> bool:  # noqa: ARG002 - as in World
        """Nothing is."""
        return False

    def is_working_day(self, date: Date) -> bool:
        """Monday to Friday."""
        return date.day_of_week().value <= 5


def make_scopes(count: int, rng: random.Random) -> list[Scope]:
    """One scope for each of `count` records: a session with its client and its invoice."""
    return [_scope(number, rng) for number in range(count)]


def _scope(number: int, rng: random.Random) -> Scope:
    start = NOW.add(hours=rng.randrange(-9000, 9000))
    note = " ".join(rng.choices(WORDS, k=4)) if rng.random() < 0.8 else None
    client = Client(
        id=f"c{number}",
        type=rng.choice(("client", "lead", "other")),
        status=rng.choice(("active", "archived")),
        first_name=rng.choice(NAMES),
        last_name="Example",
        email=f"{rng.choice(NAMES).lower()}@example.com",
        city=rng.choice(CITIES),
        notes=note,
        created_at=NOW.add(hours=-rng.randrange(20_000)),
        sample=rng.random() < 0.1,
    )
    session = Session(
        id=f"s{number}",
        client_id=client.id,
        status=rng.choice(("inquiry", "pending", "confirmed", "declined", "canceled")),
        start_at=start,
        end_at=start.add(hours=2),
        location=rng.choice(("city park", "studio", "garden", "at home", None)),
        created_at=start.add(hours=-500),
        duration=rng.choice((30, 60, 90, 120)),
    )
    invoice = Invoice(
        id=f"i{number}",
        client_id=client.id,
        status=rng.choice(("draft", "unpaid", "partially_paid", "paid", "canceled")),
        amount=Money(rng.randrange(5_000, 500_000), "eur"),
        invoice_number=str(1000 + number),
        due_date=TODAY.add(days=rng.randrange(-200, 200)) if rng.random() < 0.9 else None,
        created_at=NOW.add(hours=-rng.randrange(9000)),
    )
    return Scope(
        world=NoWorld(), now=NOW, today=TODAY, studio=STUDIO, start=NOW, client=client, session=session, invoice=invoice
    )


def make_condition(kind: str, about: str, rng: random.Random) -> Condition:
    """One condition of a kind about a record, as (path, operator, right side)."""
    match kind, about:
        case "ordered", "client":
            return ("client.created_at", rng.choice("<>"), "now", NOW)
        case "ordered", "session":
            choices: list[Condition] = [("session.start_at", sign, "now", NOW) for sign in ("<", ">", "<=")]
            choices += [("session.duration", rng.choice(("<", ">=")), "60", 60)]
            return rng.choice(choices)
        case "ordered", _:
            limit = rng.randrange(50, 5000)
            return rng.choice(
                [("invoice.due_date", rng.choice("<>"), "today", TODAY), ("invoice.amount", ">=", str(limit), limit)]
            )
        case "equal", _:
            path, words = {
                "client": ("client.type", ("client", "lead", "other")),
                "session": ("session.status", ("confirmed", "pending", "inquiry")),
            }.get(about, ("invoice.status", ("unpaid", "paid", "draft")))
            word = rng.choice(words)
            return (path, rng.choice(("==", "!=")), repr(word), word)
        case "among", _:
            some = rng.sample(CITIES, 3)
            return ("client.city", "in", repr(some), frozenset(some))
        case "substring", _:
            path, word = rng.choice((("client.notes", rng.choice(WORDS)), ("client.email", rng.choice(NAMES))))
            return (path, "is containing", repr(word), word)
        case _:
            path = {"session": "session.confirmed", "client": "client.active"}.get(about, "invoice.unpaid")
            return (path, "is", "", None)


def make_rules(count: int, rng: random.Random) -> list[list[Condition]]:
    """`count` rules of three conditions each, the kinds in the given shares."""
    kinds = [kind for kind, share in SHARES for _ in range(share)]
    while len(kinds) < 3 * count:
        kinds += kinds
    kinds = kinds[: 3 * count]
    rng.shuffle(kinds)
    rules = []
    for number in range(count):
        about = rng.choice([str(kind) for kind in KINDS])
        rules.append([make_condition(kind, about, rng) for kind in kinds[3 * number : 3 * number + 3]])
    return rules


def source(rule: list[Condition]) -> list[str]:
    """The conditions as a rule file says them."""
    return [path if op == "is" else f"{path} {op} {right}" for path, op, right, _ in rule]


# --- the three ways -------------------------------------------------------------------------------------------------


def by_us(rule: list[Condition]) -> Callable[[Scope], object]:
    """The generated function."""
    return compile_condition(source(rule), Names.of(*KINDS)).judge


def _closure(condition: Condition) -> Callable[[Scope], bool]:
    path, op, _, right = condition
    table, field = path.split(".")
    if op == "is":
        return lambda scope: getattr(scope, table).status == field
    if op == "in":
        return lambda scope: getattr(getattr(scope, table), field) in right
    if op == "is containing":
        sought = right.casefold()
        return lambda scope: sought in (getattr(getattr(scope, table), field) or "").casefold()
    compare = SIGNS[op]
    if field == "amount":
        return lambda scope: compare(getattr(getattr(scope, table), field).minor, right * 100)

    def ordered(scope: Scope) -> bool:
        value = getattr(getattr(scope, table), field)
        return value is not None and compare(value, right)

    return ordered


def by_closures(rule: list[Condition]) -> Callable[[Scope], object]:
    """One closure for each condition, without a third value, as one would write by hand."""
    first, second, third = (_closure(condition) for condition in rule)
    return lambda scope: first(scope) and second(scope) and third(scope)


def by_jinja(rule: list[Condition]) -> Callable[[Scope], object]:
    """Jinja2's sandbox, given the same records."""
    environment = ImmutableSandboxedEnvironment()
    parts = []
    for path, op, right, _ in rule:
        table, field = path.split(".")
        if op == "is":
            parts.append(f"{table}.status == {field!r}")
        elif op == "is containing":
            parts.append(f"{right} | lower in ({path} or '') | lower")
        elif field == "amount":
            parts.append(f"{path}.minor {op} {right} * 100")
        elif field == "due_date":
            parts.append(f"{path} and {path} {op} {right}")
        else:
            parts.append(f"{path} {op} {right}")
    compiled = environment.compile_expression(" and ".join(f"({part})" for part in parts))
    return lambda scope: compiled(
        client=scope.client, session=scope.session, invoice=scope.invoice, now=scope.now, today=scope.today
    )


def time_matching(
    make: Callable[[list[Condition]], Callable[[Scope], object]],
    rules: list[list[Condition]],
    scopes: list[Scope],
    rounds: int,
) -> tuple[float, int]:
    """(median microseconds per pair, matches); the rules are compiled before the clock starts."""
    judges = [make(rule) for rule in rules]
    times, matched = [], 0
    for _ in range(rounds):
        matched = 0
        began = time.perf_counter()
        for scope in scopes:
            for judge in judges:
                if judge(scope):
                    matched += 1
        times.append((time.perf_counter() - began) * 1e6 / (len(scopes) * len(judges)))
    return statistics.median(times), matched


def measure(records: int = 10_000, rules: int = 50, seed: int = 7) -> dict[str, Any]:
    """Microseconds per (record, rule) of each way, what part of the pairs match, and the cost of compiling a rule."""
    rng = random.Random(seed)
    scopes, made = make_scopes(records, rng), make_rules(rules, rng)
    ours, matched = time_matching(by_us, made, scopes, 5)
    closures, matched_by_hand = time_matching(by_closures, made, scopes, 5)
    few = scopes[: max(1, records // 20)]
    jinja, _ = time_matching(by_jinja, made, few, 1)
    began = time.perf_counter()
    for rule in made:
        by_us(rule)
    compiling = (time.perf_counter() - began) * 1e3 / len(made)
    return {
        "ours_us": ours,
        "closures_us": closures,
        "jinja_sandbox_us": jinja,
        "matched_share": matched / (records * rules),
        "same_matches": matched == matched_by_hand,
        "compile_ms_per_rule": compiling,
    }


def main() -> None:
    """Print the table."""
    result = measure()
    for name, value in result.items():
        print(f"{name:22} {value:8.3f}" if isinstance(value, float) else f"{name:22} {value!s:>8}")


if __name__ == "__main__":
    main()
