"""What differs between two stories, as a photographer reads it: per client and per rule; and as data."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from selftimer.cli.calendar import effect_data
from selftimer.cli.lists import state_of
from selftimer.cli.output import clean, local, print_table, say
from selftimer.plan.state import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selftimer.simulation.compare import Difference
    from selftimer.simulation.story import Effect

_COLUMNS = ("only_old", "only_new", "moved", "words", "state")


def print_differences(
    found: Sequence[Difference], names: Mapping[str, str], zone: str, *, words: bool, past: bool = False
) -> None:
    """Client by client in the order of time, then the sums by rule. `past`: the old story is what was really sent."""
    if not found:
        say("Nothing differs.")
        return
    by_client: dict[str, list[Difference]] = defaultdict(list)
    for one in found:
        by_client[one.any.delivery.client_id or ""].append(one)
    for client, some in sorted(by_client.items(), key=lambda pair: (pair[1][0].at, pair[0])):
        say(f"\n{clean(names.get(client, client)) if client else 'You'}", "bold")
        for one in some:
            _print_one(one, zone, words=words, past=past)
    _print_sums(found, past=past)


def _print_one(one: Difference, zone: str, *, words: bool, past: bool) -> None:
    delivery = one.any.delivery
    what = f"{delivery.verb.value} {delivery.words or ''}".strip()
    signs = {(True, False): ("- ", "red"), (False, True): ("+ ", "green")}
    sign, style = signs.get((_counts(one.old), _counts(one.new)), ("~ ", "yellow"))
    rule = delivery.rule_id
    if one.old is not None and one.new is not None and one.old.delivery.rule_id != rule:
        rule = f"{one.old.delivery.rule_id} → {rule}"
    say(f"  {sign}{local(one.at, zone)}  {clean(what)}  [{rule}]  {_how(one, zone, past=past)}", style)
    if one.because is not None:
        which = "old" if one.because.in_old else "new"
        say(
            f"      after {local(one.because.at, zone)}, in the {which} story only: {clean(one.because.deed.text)}",
            "dim",
        )
    elif one.follows:
        say("      a consequence: the rule and its words are the same in both", "dim")
    if words or "words" in one.what:
        _print_texts(one)


def _how(one: Difference, zone: str, *, past: bool) -> str:
    said = []
    for what in one.what:
        match what.value:
            case "only_old":
                said.append("was really sent, and wouldn't be" if past else "only in the old")
            case "only_new":
                said.append("would be sent, and wasn't" if past else "only in the new")
            case "moved" if one.old is not None and one.new is not None:
                said.append(f"moved from {local(one.old.at, zone)} to {local(one.new.at, zone)}")
            case "words":
                said.append("in other words")
            case "state" if one.old is not None and one.new is not None:
                said.append(f"{_state(one.old)} before, now {_state(one.new)}")
            case _:
                pass
    return "; ".join(said)


def _state(effect: Effect) -> str:
    reason = f" ({clean(effect.delivery.reason)})" if effect.delivery.reason else ""
    return f"{state_of(effect.delivery)}{reason}"


def _print_texts(one: Difference) -> None:
    """Only the lines that differ, where both say something."""
    old, new = (effect.delivery.text or "" if _counts(effect) and effect else "" for effect in (one.old, one.new))
    for line in difflib.ndiff(old.splitlines(), new.splitlines()):
        if line[:2] in {"- ", "+ "} and line[2:].strip():
            say(f"      {line[:2]}{clean(line[2:])}", "dim")


def _counts(effect: Effect | None) -> bool:
    return effect is not None and effect.delivery.state in {DeliveryState.SENT, DeliveryState.HELD}


def _print_sums(found: Sequence[Difference], *, past: bool) -> None:
    rules: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        rules[one.any.delivery.rule_id].update(what.value for what in one.what)
    titles = ("only really", "only now") if past else ("only old", "only new")
    say("")
    rows = [(rule, *(row[name] or "" for name in _COLUMNS)) for rule, row in sorted(rules.items())]
    print_table(("rule", *titles, "moved", "other words", "other state"), rows, empty="")
    clients = {one.any.delivery.client_id for one in found} - {None}
    follow = sum(one.follows or one.because is not None for one in found)
    also = f", {follow} of them consequences or perhaps so" if follow else ""
    say(f"\n{len(found)} differences, {len(clients)} clients{also}.")


def differing_data(found: Sequence[Difference]) -> dict[str, Any]:
    """The differences for programs."""
    return {
        "differences": [
            {
                "what": [what.value for what in one.what],
                "client": one.any.delivery.client_id,
                "rule": one.any.delivery.rule_id,
                "old": effect_data(one.old, None) if one.old is not None else None,
                "new": effect_data(one.new, None) if one.new is not None else None,
                "follows": one.follows,
                "because": {"at": one.because.at, "text": one.because.deed.text, "in_old": one.because.in_old}
                if one.because is not None
                else None,
            }
            for one in found
        ]
    }
