"""A simulated story for people: day by day, or one client's from beginning to end; and as data."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from selftimer.cli.lists import state_of
from selftimer.cli.output import clean, print_table, say
from selftimer.plan.state import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whenever import Date, Instant

    from selftimer.simulation.story import Effect, Story

_LINES = 12
"""Lines of a message that are shown."""
_STYLES = {DeliveryState.HELD: "yellow", DeliveryState.FAILED: "red"}


def print_calendar(story: Story, zone: str, *, words: bool, rules: Sequence[str]) -> None:
    """Each day with what goes out, by rule; with `words` each message; then the sums and the idle rules."""
    for day, effects in by_day(story, zone).items():
        sent = [effect for effect in effects if effect.delivery.state is DeliveryState.SENT]
        counted = Counter(effect.delivery.rule_id for effect in sent)
        said = ", ".join(f"{rule} {count}" for rule, count in sorted(counted.items()))
        held = sum(effect.delivery.state is DeliveryState.HELD for effect in effects)
        said += f"{', ' if said else ''}{held} held for you" if held else ""
        if said or words:
            say(f"{_weekday(day)} {day}  {len(sent):>3}  {said}".rstrip())
        if words:
            for effect in effects:
                print_effect(effect, f"{clock(effect.at, zone)}  {who(story, effect)}")
    _sums(story, rules)


def by_day(story: Story, zone: str) -> dict[Date, list[Effect]]:
    """The effects of each day on which there is one, in order."""
    days: dict[Date, list[Effect]] = defaultdict(list)
    for effect in story.effects:
        days[effect.at.to_tz(zone).date()].append(effect)
    return dict(sorted(days.items()))


def _sums(story: Story, rules: Sequence[str]) -> None:
    rows = [
        (rule, *(row[name] or "" for name in ("sent", "asked", "held", "skipped", "failed", "clients")))
        for rule, row in sums(story.effects).items()
    ]
    say("")
    columns = ("rule", "sent", "of them after your yes", "held", "skipped", "failed", "clients")
    print_table(columns, rows, empty="Nothing would go out.")
    idle = [rule for rule in rules if rule not in {effect.delivery.rule_id for effect in story.effects}]
    if idle:
        say(f"\nDid nothing in this time: {', '.join(idle)}.")


def sums(effects: Iterable[Effect]) -> dict[str, dict[str, int]]:
    """For each rule what became of its effects, and how many clients got something."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    clients: dict[str, set[str]] = defaultdict(set)
    for effect in effects:
        delivery = effect.delivery
        found[delivery.rule_id][_column(delivery.state)] += 1
        if delivery.state is DeliveryState.SENT:
            found[delivery.rule_id]["asked"] += delivery.approved_at is not None
            clients[delivery.rule_id] |= {delivery.client_id} if delivery.client_id else set()
    names = ("sent", "asked", "held", "skipped", "failed")
    return {
        rule: {**{name: row[name] for name in names}, "clients": len(clients[rule])}
        for rule, row in sorted(found.items())
    }


def _column(state: DeliveryState) -> str:
    return {
        DeliveryState.SENT: "sent",
        DeliveryState.SKIPPED: "skipped",
        DeliveryState.CANCELLED: "skipped",
        DeliveryState.FAILED: "failed",
    }.get(state, "held")


def print_client(story: Story, client: str, zone: str, *, words: bool) -> None:
    """What one client did and got, in order."""
    from selftimer.simulation.story import Deed

    lines = story.of_client(client)
    name = story.names.get(client, client)
    say(f"\n{clean(name)} ({client})", "bold")
    if not lines:
        say("  nothing in this time")
    for line in lines:
        day = line.at.to_tz(zone).date()
        begins = f"{_weekday(day)} {day} {clock(line.at, zone)}"
        if isinstance(line, Deed):
            say(f"  {begins}    {clean(line.text)}", "cyan")
        else:
            print_effect(line, f"{begins}  →", words=words)


def print_effect(effect: Effect, begins: str, *, words: bool = True) -> None:
    """One line, and what a message says."""
    delivery = effect.delivery
    what = f"{delivery.verb.value} {delivery.words or ''}".strip()
    state = "" if delivery.state is DeliveryState.SENT else f"  {state_of(delivery)}"
    why = f": {delivery.reason}" if delivery.reason and state else ""
    asked = "  after your yes" if delivery.approved_at is not None and not state else ""
    style = _STYLES.get(delivery.state, "dim" if state else None)
    say(f"  {begins} {clean(what)}  [{delivery.rule_id}]{state}{clean(why)}{asked}", style)
    if words and delivery.text and delivery.state in {DeliveryState.SENT, DeliveryState.HELD}:
        print_text(delivery.text)


def print_text(text: str, sign: str = " ") -> None:
    """The lines of a message, set in."""
    lines = text.splitlines()
    for line in lines[:_LINES]:
        say(f"    {sign}   {clean(line)}".rstrip(), "dim")
    if len(lines) > _LINES:
        say(f"    {sign}   … and {len(lines) - _LINES} lines more", "dim")


def who(story: Story, effect: Effect) -> str:
    """The client's name; `you` for a note to the owner."""
    client = effect.delivery.client_id
    return clean(story.names.get(client, client)) if client else "you"


def clock(instant: Instant, zone: str) -> str:
    """`10:05` in the studio's zone."""
    here = instant.to_tz(zone)
    return f"{here.hour:02}:{here.minute:02}"


def _weekday(day: Date) -> str:
    return day.day_of_week().name[:3].title()


def data_of(story: Story, zone: str) -> dict[str, Any]:
    """The story for programs."""
    return {
        "begins": story.begins,
        "ends": story.ends,
        "days": [
            {
                "date": str(day),
                "sent": dict(
                    sorted(Counter(e.delivery.rule_id for e in some if e.delivery.state is DeliveryState.SENT).items())
                ),
            }
            for day, some in by_day(story, zone).items()
        ],
        "rules": sums(story.effects),
        "effects": [effect_data(effect, story.names.get(effect.delivery.client_id or "")) for effect in story.effects],
        "deeds": [
            {"at": deed.at, "client": deed.client_id, "name": story.names.get(deed.client_id), "text": deed.text}
            for deed in story.deeds
        ],
    }


def effect_data(effect: Effect, name: str | None) -> dict[str, Any]:
    """One effect for programs."""
    delivery = effect.delivery
    return {
        "at": effect.at,
        "state": state_of(delivery),
        "reason": delivery.reason,
        "rule": delivery.rule_id,
        "step": delivery.step_id,
        "what": delivery.verb.value,
        "words": delivery.words,
        "client": delivery.client_id,
        "name": name,
        "approved_at": delivery.approved_at,
        "text": delivery.text,
    }
