"""`no reply for 3 days`: a timer for each client to whom a person of the studio wrote last (rule-language.md 13).

What Selftimer wrote neither starts nor renews it; a word of the client's ends it. A thread that moved and whose
messages aren't read yet has a timer all the same, by when it moved: its messages are read when that falls due.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from selftimer.facts.records import Client, Conversation, Kind, Message, client_id_of
from selftimer.plan.moments import LIVE, timer_for
from selftimer.plan.silence import of_silence, silence_moment, silence_of
from selftimer.plan.state import TimerState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selftimer.engine.change import Change
    from selftimer.engine.matching import Matcher
    from selftimer.engine.ruleset import Clocked
    from selftimer.engine.world import TxWorld
    from selftimer.plan.silence import Silence
    from selftimer.plan.state import Run, Timer
    from selftimer.rulebook.condition import Read
    from selftimer.rulebook.model import Entry, NoReplyTrigger, Rule

SPOKEN: frozenset[Read] = frozenset({(Kind.CLIENT, Kind.CONVERSATION)})
"""What has to be read afresh to know who wrote last."""


def watch(matcher: Matcher, clients: Iterable[str], rules: Iterable[Clocked[NoReplyTrigger]]) -> None:
    """Make, move or drop the timers of these clients, whose threads may have moved."""
    wanted = list(rules)
    for client_id in sorted(clients) if wanted else ():
        client = matcher.desk.world.client(client_id)
        if client is None:
            continue
        silence = silence_of(client_id, matcher.desk.world)
        for rule, entry, timer_id, trigger in wanted:
            _watch(matcher, client, silence, rule, entry, timer_id, trigger)


def touched(changes: Iterable[Change]) -> set[str]:
    """The clients whose silence a batch may have begun or ended."""
    spoken = (c for c in changes if isinstance(c.record, Message | Conversation) or _new_client(c))
    return {client_id for change in spoken if (client_id := client_id_of(change.record))}


def still_silent(matcher: Matcher, rule: Rule, entry: Entry, trigger: NoReplyTrigger, timer: Timer) -> Timer | None:
    """The timer as fresh messages have it, if it is due all the same; else it is put off or over (that is stored)."""
    watch(matcher, [timer.subject_id], [(rule, entry, timer.entry_id, trigger)])
    now = matcher.tx.timers.get(timer.rule_id, timer.entry_id, timer.subject_id)
    if now is None or now.state not in LIVE or now.due_at > matcher.now:
        return None
    if of_silence(now.occurrence):
        return now
    # Its messages couldn't be had although the thread was read: perhaps at the next poll.
    later = matcher.now.add(seconds=matcher.context.policy.cadence.page_one)
    matcher.tx.timers.put([replace(now, due_at=later)])
    return None


def silent_still(world: TxWorld, run: Run) -> bool:
    """Whether the silence that began a run lasts; true of a run that something else began."""
    if not of_silence(run.occurrence):
        return True
    silence = silence_of(run.subject_id, world)
    return silence is not None and silence.occurrence == run.occurrence


def _watch(
    matcher: Matcher,
    client: Client,
    silence: Silence | None,
    rule: Rule,
    entry: Entry,
    timer_id: str,
    trigger: NoReplyTrigger,
) -> None:
    tx, row = matcher.tx, matcher.rows.get(rule.id)
    if row is None:
        return
    old = tx.timers.get(rule.id, timer_id, client.id)
    if silence is None:
        if old is not None and old.state in LIVE:
            tx.timers.put([replace(old, state=TimerState.GONE, reason="the client has the last word")])
        if old is not None:
            _outlived(matcher, rule, entry, old, "somebody wrote")
        return
    moment = silence_moment(
        trigger,
        silence,
        late=entry.late or rule.late,
        policy=matcher.context.policy,
        is_working=matcher.context.is_working_day,
    )
    timer = timer_for(
        rule.id,
        timer_id,
        client,
        moment,
        old=old,
        now=matcher.now,
        active_since=row.active_since,
        known_before=True,
    )
    moved = old is not None and old.occurrence != moment.occurrence
    if timer is None:
        if moved and old is not None and old.state in LIVE:
            tx.timers.put([replace(old, state=TimerState.GONE, reason="what it counted from was before the rule")])
        return
    if moved and old is not None:
        _outlived(matcher, rule, entry, old, "somebody wrote")
    tx.timers.put([timer])
    if timer.state is TimerState.SKIPPED:
        matcher.desk.trace(rule.id, entry.id, "late", f"no reply, due {timer.due_at}", timer=timer)


def _outlived(matcher: Matcher, rule: Rule, entry: Entry, old: Timer, why: str) -> None:
    """The silence is over, or another: a run that it began and that did nothing yet ends."""
    for run in matcher.tx.runs.of_subject(rule.id, old.subject_id):
        mine = run.entry_id == entry.id and run.occurrence == old.occurrence and of_silence(run.occurrence)
        if mine and run.ended_at is None and run.effects == 0 and not matcher.desk.on_its_way(run):
            matcher.desk.end(run, why)


def _new_client(change: Change) -> bool:
    return isinstance(change.record, Client) and change.before is None
