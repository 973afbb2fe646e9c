from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from selftimer.sandbox import bulk
from selftimer.sandbox.book import money, papers, people, sessions
from selftimer.sandbox.catalog import template_named
from selftimer.sandbox.dispatch import perform
from selftimer.sandbox.http import dump
from selftimer.sandbox.life.bookings import session_type
from selftimer.sandbox.names import HOSTILE_NAMES
from selftimer.sandbox.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from whenever import Instant

    from selftimer.sandbox.model import Client


def days(world: World, count: float) -> Instant:
    return world.now.add(hours=int(24 * count))


def post(world: World, path: str, body: object) -> int:
    return perform(world, method="POST", path=path, query="", body=dump(body)).status


def write_to(world: World, client: Client, text: str) -> None:
    thread = people.conversation_of(world, client.id)
    assert thread is not None
    assert post(world, "/conversation_messages", {"conversation_id": thread.id, "content": text}) == 201


def attentive(world: World, *, until: Instant, backwards: bool = False) -> World:
    """A bot in six lines: answers leads, nudges the silent, reminds of what is open."""
    step = world.now
    while step < until:
        step = min(step.add(hours=12), until)
        world.advance_to(step)
        clients = list(world.tables.clients)
        for client in reversed(clients) if backwards else clients:
            _remind(world, client)
    return world


def _remind(world: World, client: Client) -> None:
    age = (world.now - client.created_at).total("hours")
    if world.person_of(client.id) is None:
        return
    if client.type == "lead" and (age < 12 or 60 <= age < 72):
        write_to(world, client, "Do you already have a date in mind?")
    for contract in world.tables.contracts.of_client(client.id):
        if contract.status in {"sent", "viewed"} and 72 <= (world.now - contract.created_at).total("hours") < 84:
            write_to(world, client, "The contract is waiting for your signature.")
    for invoice in world.tables.invoices.of_client(client.id):
        if invoice.status == "past_due":
            late = (world.now - money.end_of(world, invoice.due_date)).total("hours")
            if late < 12 or 96 <= late < 108:
                write_to(world, client, f"Invoice {invoice.number} was due; is anything in the way?")


def life_of(world: World) -> list[tuple[str, str, str]]:
    return [(line.at, line.client_id, line.kind) for line in world.ledger.story if not line.kind.startswith("bot")]


def test_the_same_seed_and_the_same_writes_give_the_same_story_byte_for_byte() -> None:
    one, two = (attentive(World(), until=days(World.empty(), 45)) for _ in range(2))
    assert dump(one.ledger.story_after(0)) == dump(two.ledger.story_after(0))
    assert dump(one.ledger.to_json()) == dump(two.ledger.to_json())


def test_the_order_of_requests_at_one_instant_does_not_change_anybodys_life() -> None:
    one = attentive(World(), until=days(World.empty(), 45))
    two = attentive(World(), until=days(World.empty(), 45), backwards=True)
    assert life_of(one) == life_of(two)


def test_another_seed_is_another_story() -> None:
    one, two = World(seed=1), World(seed=2)
    for world in (one, two):
        world.advance_to(days(world, 10))
    assert life_of(one) != life_of(two)


def test_nudges_and_reminders_change_what_people_do() -> None:
    alone, cared_for = World(population=120), World(population=120)
    alone.advance_to(days(alone, 120))
    attentive(cared_for, until=days(cared_for, 120))

    def share(world: World, table: str, good: str) -> float:
        states = Counter(row.status for row in getattr(world.tables, table).rows.values())
        return states[good] / states.total()

    def told(world: World, kind: str) -> int:
        return sum(line.kind == kind for line in world.ledger.story)

    assert told(cared_for, "message") > 1.5 * told(alone, "message")
    assert told(cared_for, "session_confirmed") > 1.3 * told(alone, "session_confirmed")
    assert share(cared_for, "contracts", "signed") > share(alone, "contracts", "signed")
    assert share(cared_for, "invoices", "past_due") < share(alone, "invoices", "past_due") + 0.02


def test_too_many_messages_in_a_week_make_people_quiet_or_ask_to_stop() -> None:
    world = World(population=150)
    for _ in range(6):
        for client in list(world.tables.clients):
            if world.person_of(client.id):
                write_to(world, client, "Hello again, any news?")
        world.advance_to(days(world, 0.5))
    world.advance_to(days(world, 2))
    kinds = Counter(line.kind for line in world.ledger.story)
    assert kinds["quiet"] > 5
    assert kinds["stop"] > 3
    stopped = [person for person in world.people.values() if person.stopped]
    before = len(world.ledger.story)
    for person in stopped:
        write_to(world, world.tables.clients.rows[person.client_id], "Are you there?")
    world.advance_to(days(world, 3))
    wrote = {line.client_id for line in world.ledger.story[before:] if line.kind == "message"}
    assert not wrote & {person.client_id for person in stopped}


def test_nobodys_text_holds_somebody_elses_surname() -> None:
    world = attentive(World(population=80), until=days(World.empty(), 60))
    canaries = world.ledger.canaries
    for thread in world.tables.conversations:
        text = " ".join([thread.subject, *(message.content for message in thread.messages)]).lower()
        assert not [name for owner, name in canaries.items() if owner != thread.client_id and name.lower() in text]


def test_a_new_studio_has_a_past_of_every_kind() -> None:
    world = World(population=200)
    tables = world.tables
    assert Counter(c.type for c in tables.clients).keys() == {"client", "lead", "other"}
    assert any(c.archived for c in tables.clients)
    assert any(c.sample for c in tables.clients)
    assert {"paid", "past_due", "unpaid", "draft"} <= {i.status for i in tables.invoices}
    assert {"signed", "expired"} <= {c.status for c in tables.contracts}
    assert {"completed"} <= {q.status for q in tables.questionnaires}
    assert any(s.start_at < world.now and s.status == "confirmed" for s in tables.sessions)
    assert any(s.start_at > world.now and s.status == "confirmed" for s in tables.sessions)
    assert tables.collections.rows
    assert world.changed_at is None, "nothing of it is news"
    assert not world.ledger.story


def test_hostile_names_and_texts_do_arrive() -> None:
    world = World(population=400)
    first = {client.first_name for client in world.tables.clients}
    assert first & set(HOSTILE_NAMES)
    said = " ".join(m.content for thread in world.tables.conversations for m in thread.messages)
    assert "{{ 7*7 }}" in said
    assert "<script>" in said


def test_the_story_is_one_line_a_happening_whatever_people_are_called() -> None:
    world = attentive(World(population=200), until=days(World.empty(), 30))
    lines = [line.text for line in world.ledger.story]
    assert all((len(text) < 180 and text.isprintable()) or "\u202e" in text for text in lines)
    assert any("replies and wants to book: " in text for text in lines)
    assert any("The bot writes to" in text for text in lines)


def test_leads_come_at_about_the_ordered_pace_and_some_of_them_at_night() -> None:
    world = World(population=0, leads_per_day=1.5)
    world.advance_to(days(world, 400))
    leads = [line for line in world.ledger.story if line.kind == "lead"]
    assert 1.3 < len(leads) / 400 < 1.7
    hours = [int(line.text[11:13]) for line in leads]
    assert 20 < sum(hour < 5 for hour in hours) < len(leads) / 5
    busiest = Counter(line.text[:10] for line in leads).most_common(1)[0][1]
    assert busiest >= 5


def test_booking_makes_a_client_of_a_lead_and_so_does_paying() -> None:
    world = World.empty()
    booked, payer = bulk.add_clients(world, 2, client_type="lead")
    sessions.add_session(world, booked.id, session_type(world, "portrait"), days(world, 9), "pending")
    types = [booked.type]
    sessions.set_status(world, world.tables.sessions.of_client(booked.id)[0], "confirmed")
    assert [*types, booked.type] == ["lead", "client"]
    [invoice] = bulk.add_invoices(world, [payer], 1)
    money.pay(world, invoice, 100)
    assert payer.type == "client"


def test_an_invoice_walks_through_its_statuses_by_payments_and_time() -> None:
    world = World.empty()
    [client] = bulk.add_clients(world, 1)
    [invoice] = bulk.add_invoices(world, [client], 1)
    seen = [(invoice.status, invoice.balance)]

    def note() -> None:
        seen.append((invoice.status, invoice.balance))

    first = money.pay(world, invoice, 5_000)
    note()
    end = money.end_of(world, invoice.due_date)
    world.advance_to(end.subtract(seconds=1))
    note()
    world.advance_to(end)
    note()
    money.pay(world, invoice, 20_000)
    note()
    money.change_payment(world, first, "refunded", refunded=5_000)
    note()
    assert seen == [
        ("unpaid", 25_000),
        ("partially_paid", 20_000),
        ("partially_paid", 20_000),
        ("past_due", 20_000),
        ("paid", 0),
        ("past_due", 5_000),
    ]
    facts = [(fact.amount, fact.status, fact.complete) for fact in world.ledger.payments]
    assert facts == [(5_000, "completed", False), (20_000, "completed", True), (5_000, "refunded", False)]


def test_documents_that_nobody_answers_expire_when_they_are_due() -> None:
    world = World.empty()
    [client] = bulk.add_clients(world, 1)
    contract = papers.add_contract(world, client.id, template_named(world, "contract", "model"), by="studio")
    form = papers.add_questionnaire(world, client.id, template_named(world, "questionnaire", "family"), by="studio")
    quote = papers.add_quote(world, client.id, template_named(world, "quote", "business"), [], by="studio")
    assert contract.due_date == days(world, 7)
    world.advance_to(days(world, 30))
    assert (contract.status, form.status, quote.status) == ("expired", "expired", "expired")


def test_a_saved_world_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    one = World(population=30)
    one.advance_to(days(one, 10))
    one.save(tmp_path / "world.state")
    two = World.load(tmp_path / "world.state")
    for world in (one, two):
        world.advance_to(days(world, 20))
    assert dump(one.ledger.story_after(0)) == dump(two.ledger.story_after(0))


def test_a_file_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"\x80\x04N.")
    with pytest.raises(TypeError, match="doesn't hold a sandbox world"):
        World.load(tmp_path / "other")


def test_a_year_of_life_goes_by_without_a_fault_and_sessions_move_fall_through_and_come_back() -> None:
    world = attentive(World(population=60), until=days(World.empty(), 365))
    kinds = Counter(line.kind for line in world.ledger.story)
    expected = {
        "session_moved",
        "session_canceled",
        "session_over",
        "gallery",
        "archived",
        "payment_disputed",
        "payment_failed",
        "payment_refunded",
        "contract_signed",
        "contract_partially_signed",
        "quote_accepted",
        "owner_message",
    }
    assert expected <= kinds.keys()


def test_ten_thousand_clients_and_invoices_are_made_quickly_and_have_canaries() -> None:
    world = World.empty()
    clients = bulk.add_clients(world, 2_000, conversations=False, spread_days=100)
    bulk.add_invoices(world, clients, 2_000)
    assert len(world.ledger.canaries) == 2_000
    assert world.tables.clients.newest()[0] is clients[-1]
    assert clients[0].created_at < clients[-1].created_at < world.now


def test_questionnaires_and_quotes_are_answered_more_often_after_a_reminder() -> None:
    def answered(*, remind: bool) -> int:
        world = World(population=150)
        form = template_named(world, "questionnaire", "family")
        quote = template_named(world, "quote", "business")
        for person in world.people.values():
            papers.add_questionnaire(world, person.client_id, form, by="bot")
            papers.add_quote(world, person.client_id, quote, [], by="bot")
        world.advance_to(days(world, 6))
        for text in ("The questionnaire is still open.", "What do you think of the quote?") if remind else ():
            for person in list(world.people.values()):
                write_to(world, world.tables.clients.rows[person.client_id], text)
        world.advance_to(days(world, 4))
        forms = sum(row.status == "completed" for row in world.tables.questionnaires)
        return forms + sum(row.status in {"accepted", "declined"} for row in world.tables.quotes)

    assert answered(remind=True) > answered(remind=False) + 30
