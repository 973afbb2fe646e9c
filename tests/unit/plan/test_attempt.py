"""One effect from attempt to attempt: every case of a small model (delivery.md §1), and each rule by itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import product
from typing import TYPE_CHECKING

import pytest
from tests.unit.store.builders import T0, delivery

from selftimer.plan.attempt import (
    NotSent,
    Outcome,
    Sent,
    SentUnnamed,
    Unsure,
    after_attempt,
    after_look,
    given_up,
    orphaned,
    result_kind,
    settle_window,
)
from selftimer.plan.policy import Policy
from selftimer.plan.state import DOCUMENTS, FINAL, Delivery, DeliveryState, Hold, Verb

if TYPE_CHECKING:
    from whenever import Instant

POLICY = Policy(zone="Europe/Berlin")
S = DeliveryState


def flying(verb: Verb = Verb.MESSAGE, attempt: int = 1, **given: object) -> Delivery:
    return delivery("d", verb=verb, state=S.IN_FLIGHT, attempt=attempt, intent_at=T0, lease_until=T0, **given)


# --- each rule by itself --------------------------------------------------------------------------


def test_applied_is_sent_with_its_id() -> None:
    after = after_attempt(flying(), Sent(result_id="msg_1", result_kind="message"), T0, POLICY)
    assert (after.state, after.result_id, after.result_kind, after.sent_at) == (S.SENT, "msg_1", "message", T0)
    assert after.lease_until is None


def test_what_provably_did_not_arrive_is_ready_again_and_later_each_time() -> None:
    waits = []
    for attempt in range(1, 6):
        after = after_attempt(flying(attempt=attempt), NotSent(reason="busy"), T0, POLICY)
        assert after.state is S.READY
        waits.append((after.due_at - T0).total("seconds"))
    assert waits == [30, 60, 120, 240, 480]
    patient = after_attempt(flying(), NotSent(reason="busy", retry_after=900), T0, POLICY)
    assert patient.due_at == T0.add(seconds=900)


def test_it_gives_up_after_the_last_attempt_and_after_a_refusal_for_good() -> None:
    last = after_attempt(flying(attempt=POLICY.attempts), NotSent(reason="busy"), T0, POLICY)
    assert last.state is S.FAILED
    assert "gave up after 6 attempts" in (last.reason or "")
    assert after_attempt(flying(), NotSent(reason="no", permanent=True), T0, POLICY).state is S.FAILED


@pytest.mark.parametrize("verb", [Verb.MESSAGE, Verb.INVOICE, Verb.CONVERSATION])
def test_unclear_is_looked_for_after_its_settle_window(verb: Verb) -> None:
    after = after_attempt(flying(verb), Unsure(reason="timeout"), T0.add(seconds=30), POLICY)
    assert (after.state, after.applied) == (S.UNKNOWN, False)
    assert after.due_at == T0.add(seconds=600 if verb in DOCUMENTS else 120)


def test_a_process_that_died_leaves_an_unclear_one() -> None:
    after = orphaned(flying(), POLICY)
    assert (after.state, after.due_at, after.lease_until) == (S.UNKNOWN, T0.add(seconds=120), None)
    assert not after.applied


def unknown(verb: Verb = Verb.MESSAGE, *, applied: bool = False, attempt: int = 1) -> Delivery:
    outcome = SentUnnamed(reason="broken") if applied else Unsure(reason="timeout")
    return after_attempt(flying(verb, attempt), outcome, T0, POLICY)


def looked_in_vain(found: Delivery) -> Delivery:
    once = after_look(found, [], T0.add(seconds=700), POLICY)
    assert once.state is S.UNKNOWN
    return after_look(once, [], T0.add(seconds=760), POLICY)


def test_found_is_sent() -> None:
    after = after_look(unknown(), ["msg_1"], T0, POLICY)
    assert (after.state, after.result_id, after.result_kind, after.reason) == (S.SENT, "msg_1", "message", "found")


def test_two_candidates_are_for_a_person_to_tell_apart() -> None:
    after = after_look(unknown(), ["msg_1", "msg_2"], T0, POLICY)
    assert (after.state, after.hold) == (S.HELD, Hold.EVIDENCE)
    assert "msg_1, msg_2" in (after.reason or "")


def test_two_looks_a_minute_apart_and_not_one_less() -> None:
    once = after_look(unknown(), [], T0.add(seconds=120), POLICY)
    hasty = after_look(once, [], T0.add(seconds=150), POLICY)
    assert (once.state, hasty.state) == (S.UNKNOWN, S.UNKNOWN)
    assert once.due_at == T0.add(seconds=180)


def test_a_message_that_is_not_found_is_sent_once_more_and_never_twice_more() -> None:
    again = looked_in_vain(unknown())
    assert (again.state, again.looks) == (S.READY, ())
    held = looked_in_vain(unknown(attempt=2))
    assert (held.state, held.hold) == (S.HELD, Hold.EVIDENCE)


@pytest.mark.parametrize("verb", sorted(DOCUMENTS | {Verb.CONVERSATION}))
def test_a_document_is_never_posted_twice(verb: Verb) -> None:
    held = looked_in_vain(unknown(verb))
    assert (held.state, held.hold) == (S.HELD, Hold.EVIDENCE)


@pytest.mark.parametrize("verb", [Verb.MESSAGE, Verb.INVOICE])
def test_what_the_studio_said_yes_to_is_never_sent_again(verb: Verb) -> None:
    held = looked_in_vain(unknown(verb, applied=True))
    assert (held.state, held.hold) == (S.HELD, Hold.EVIDENCE)


def test_an_update_that_is_not_as_set_is_set_again_but_not_for_ever() -> None:
    assert looked_in_vain(unknown(Verb.UPDATE)).state is S.READY
    assert looked_in_vain(unknown(Verb.UPDATE, attempt=POLICY.attempts)).state is S.HELD


def test_while_the_studio_cannot_be_read_it_stays_unclear_for_a_day_and_is_then_held() -> None:
    blind = after_look(unknown(), None, T0.add(hours=1), POLICY)
    assert (blind.state, blind.due_at) == (S.UNKNOWN, T0.add(hours=1, seconds=60))
    assert after_look(blind, None, T0.add(hours=25), POLICY).hold is Hold.EVIDENCE


def test_one_look_that_failed_does_not_count_as_one_that_found_nothing() -> None:
    once = after_look(unknown(), [], T0.add(seconds=120), POLICY)
    blind = after_look(once, None, T0.add(seconds=180), POLICY)
    assert blind.looks == once.looks
    assert after_look(blind, ["msg_1"], T0.add(seconds=240), POLICY).state is S.SENT


def test_an_attempt_changes_what_it_says_and_nothing_else() -> None:
    at, was = T0.add(seconds=7), flying(hold=Hold.APPROVAL, looks=("2026-03-01T08:00:00Z",), reason="before")
    assert after_attempt(was, Sent(result_id="m", result_kind="message"), at, POLICY) == replace(
        was, state=S.SENT, hold=None, lease_until=None, result_id="m", result_kind="message", sent_at=at, reason=None
    )
    no = NotSent(reason="no", permanent=True)
    assert after_attempt(was, no, at, POLICY) == replace(was, state=S.FAILED, lease_until=None, reason="no")
    busy, in_30 = NotSent(reason="busy"), at.add(seconds=30)
    assert after_attempt(was, busy, at, POLICY) == replace(
        was, state=S.READY, lease_until=None, due_at=in_30, reason="busy"
    )
    last = replace(was, attempt=POLICY.attempts)
    assert after_attempt(last, busy, at, POLICY) == replace(
        last, state=S.FAILED, lease_until=None, reason="busy; gave up after 6 attempts"
    )
    for outcome, applied in ((Unsure(reason="why"), False), (SentUnnamed(reason="why"), True)):
        assert after_attempt(was, outcome, at, POLICY) == replace(
            was,
            state=S.UNKNOWN,
            lease_until=None,
            due_at=T0.add(seconds=120),
            looks=(),
            applied=applied,
            reason="why",
        )


def test_a_look_changes_what_it_says_and_nothing_else() -> None:
    at, first = T0.add(seconds=700), T0.add(seconds=600).format_iso()
    was = replace(unknown(), lease_until=T0.add(seconds=900), looks=(first,))
    ready = replace(was, state=S.READY, lease_until=None, looks=(), due_at=at)
    assert after_look(was, [], at, POLICY) == replace(ready, reason="not found: once more")
    for verb, why in ((Verb.LEAD, "not found: once more"), (Verb.COUPON, "not found: once more")):
        assert after_look(replace(was, verb=verb), [], at, POLICY) == replace(ready, verb=verb, reason=why)
    update = replace(was, verb=Verb.UPDATE)
    assert after_look(update, [], at, POLICY) == replace(ready, verb=Verb.UPDATE, reason="not as set")
    gap = at.add(seconds=60)
    assert after_look(was, None, at, POLICY) == replace(was, lease_until=None, due_at=gap)
    once = replace(was, looks=())
    assert after_look(once, [], at, POLICY) == replace(once, lease_until=None, looks=(at.format_iso(),), due_at=gap)
    held = after_look(was, ["a", "b"], at, POLICY)
    assert (held.state, held.lease_until, held.looks) == (S.HELD, None, was.looks)
    assert (held.due_at - at).total("hours") == 24 * 3650


def test_a_webhook_that_may_have_arrived_goes_out_again_at_once_and_its_receiver_tells_them_apart() -> None:
    at = T0.add(seconds=700)
    was = replace(unknown(Verb.WEBHOOK, attempt=9), lease_until=T0.add(seconds=900), looks=("x",))
    again = replace(was, state=S.READY, lease_until=None, looks=(), due_at=at, reason="once more")
    assert after_look(was, None, at, POLICY) == again
    busy = after_attempt(flying(Verb.WEBHOOK, attempt=40), NotSent(reason="busy"), at, POLICY)
    assert (busy.state, busy.due_at) == (S.READY, at.add(seconds=3_600))


def test_a_lead_is_entered_once_more_and_never_twice_more() -> None:
    assert looked_in_vain(unknown(Verb.LEAD)).state is S.READY
    assert looked_in_vain(unknown(Verb.LEAD, attempt=2)).hold is Hold.EVIDENCE


def test_a_day_in_which_nothing_could_be_read_is_a_day_to_the_hour() -> None:
    assert after_look(unknown(), None, T0.add(hours=24), POLICY).state is S.UNKNOWN
    assert after_look(unknown(), None, T0.add(hours=24, seconds=1), POLICY).hold is Hold.EVIDENCE


def test_one_without_an_intent_counts_from_when_it_was_due() -> None:
    never = replace(flying(), intent_at=None, due_at=T0.add(seconds=50))
    assert orphaned(never, POLICY).due_at == T0.add(seconds=170)
    assert after_look(replace(never, state=S.UNKNOWN), None, T0.add(hours=90), POLICY).state is S.UNKNOWN


def test_what_an_effect_makes_is_a_record_of_its_kind_and_a_note_makes_none() -> None:
    found = {verb: result_kind(verb) for verb in Verb}
    assert {verb for verb, kind in found.items() if kind is None} == {Verb.NOTIFY, Verb.WEBHOOK}
    assert {verb for verb, kind in found.items() if kind == "client"} == {Verb.UPDATE, Verb.LEAD}
    assert all(kind == verb.value for verb, kind in found.items() if kind not in {None, "client"})


@pytest.mark.parametrize(("state", "hold"), [(S.UNKNOWN, Hold.EVIDENCE), (S.READY, Hold.FAULT)])
def test_what_trips_us_too_often_is_held_with_the_evidence_where_it_may_have_been_sent(
    state: DeliveryState, hold: Hold
) -> None:
    held = given_up(replace(flying(), state=state, faults=5), T0)
    assert (held.state, held.hold, held.lease_until) == (S.HELD, hold, None)
    assert (held.due_at - T0).total("hours") == 24 * 3650
    assert ("nothing was sent" in (held.reason or "")) == (state is S.READY)


# --- the small model ------------------------------------------------------------------------------


class Server(Enum):
    """What becomes of a POST, and what the caller hears."""

    CREATED = "applied, 201"
    NO_ID = "applied, 201 with a broken body"
    TIMEOUT = "applied, no answer"
    ERROR_AFTER = "applied, 500"
    LATE = "applied later within the window, no answer"
    LOST = "not applied, no answer"
    ERROR_BEFORE = "not applied, 500"
    BUSY = "not applied, 429"


APPLIES = {Server.CREATED, Server.NO_ID, Server.TIMEOUT, Server.ERROR_AFTER, Server.LATE}
CRASHES = ("never", "after intent", "after post", "after outcome")


@dataclass
class Studio:
    """Keeps what was applied and from when on it can be read."""

    lag: int
    visible: list[tuple[str, Instant]] = field(default_factory=list)

    def post(self, kind: Server, now: Instant, delay: int) -> Outcome:
        if kind in APPLIES:
            applied_at = now.add(seconds=delay if kind is Server.LATE else 0)
            self.visible.append((f"msg_{len(self.visible) + 1}", applied_at.add(seconds=self.lag)))
        match kind:
            case Server.CREATED:
                return Sent(result_id=self.visible[-1][0], result_kind="message")
            case Server.NO_ID:
                return SentUnnamed(reason="broken body")
            case Server.BUSY:
                return NotSent(reason="busy")
            case _:
                return Unsure(reason=kind.value)

    def read(self, now: Instant) -> list[str]:
        return [ident for ident, since in self.visible if since <= now]


def live(
    verb: Verb, answers: tuple[Server, ...], delay: int, lag: int, crashes: tuple[str, str]
) -> tuple[Delivery, Studio]:
    """Drive one delivery to its end, as the engine does: write ahead, send once, look, once more at most."""
    studio, now, posts = Studio(lag), T0, 0
    row = delivery("d", verb=verb, state=S.READY, attempt=0, due_at=T0)
    for _ in range(40):
        if row.state in FINAL or row.state is S.HELD:
            return row, studio
        now = max(now, row.due_at)
        if row.state is S.UNKNOWN:
            found = [i for i in studio.read(now) if i not in row.known_ids]
            row = after_look(row, found, now, POLICY)
            continue
        seen = studio.read(now)
        if verb is Verb.MESSAGE and posts and seen:  # the twin: this very text is there already
            return replace(row, state=S.SENT, result_id=seen[0]), studio
        row = replace(row, state=S.IN_FLIGHT, attempt=row.attempt + 1, intent_at=now, known_ids=tuple(seen))
        crash = crashes[posts] if posts < len(crashes) else "never"
        answer = answers[min(posts, len(answers) - 1)]
        posts += 1
        if crash == "after intent":
            row = orphaned(row, POLICY)
            continue
        outcome = studio.post(answer, now, delay)
        done = after_attempt(row, outcome, now, POLICY)
        row = orphaned(row, POLICY) if crash == "after post" else done
    raise AssertionError(f"it has no end: {row}")


def cases() -> list[tuple[tuple[Server, ...], int, int, tuple[str, str]]]:
    kinds = list(Server)
    return list(product(product(kinds, kinds), (0, 30, 60), (0, 30), product(CRASHES, CRASHES)))


@pytest.mark.parametrize("verb", [Verb.MESSAGE, Verb.CONTRACT])
def test_nothing_is_doubled_and_nothing_is_lost_but_what_is_held(verb: Verb) -> None:
    doubled, lost, held, total = [], [], 0, 0
    for case in cases():
        row, studio = live(verb, *case)
        total += 1
        held += row.state is S.HELD
        if len(studio.visible) > 1:
            doubled.append(case)
        if row.state is S.SENT and not studio.visible:
            lost.append(("said sent", case))
        if row.state in FINAL and row.state not in {S.SENT, S.FAILED}:
            lost.append(("final", case))
        if row.state is S.FAILED and studio.visible:
            lost.append(("said failed", case))
    assert total == 8 * 8 * 3 * 2 * 4 * 4
    assert (doubled, lost) == ([], [])
    assert held < total / 2


def test_a_document_that_was_lost_or_unclear_is_held_and_one_that_arrived_is_found() -> None:
    for answers, delay, lag, crashes in cases():
        row, studio = live(Verb.CONTRACT, answers, delay, lag, crashes)
        assert (row.state is S.SENT) == bool(studio.visible)


def test_the_settle_windows_are_the_policies() -> None:
    assert settle_window(flying(Verb.QUOTE), POLICY) == POLICY.settle_document
    assert settle_window(flying(Verb.NOTIFY), POLICY) == POLICY.settle_message
