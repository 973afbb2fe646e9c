"""Leads: they arrive, answer or don't, ask, decide, lose patience."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.sandbox import names, texts
from selftimer.sandbox.book import papers, people, sessions
from selftimer.sandbox.book.money import line
from selftimer.sandbox.catalog import template_named
from selftimer.sandbox.life.bookings import session_type, wished_date
from selftimer.sandbox.life.papers import reminded_of_contract, reminded_of_questionnaire, reminded_of_quote
from selftimer.sandbox.life.payers import reminded_of_invoice
from selftimer.sandbox.life.person import Person, draw_person, office_time, some_time
from selftimer.sandbox.script import Script

if TYPE_CHECKING:
    from random import Random

    from selftimer.sandbox.life.living import LivingStudio
    from selftimer.sandbox.model import Message

PART = Script()

WEEK_HOURS = 7 * 24
PATIENCE = 3
"""More messages than this within a week annoy."""


@PART.on("arrive")
def arrive(world: LivingStudio, key: str, least_keen: float) -> None:
    """Somebody writes for the first time: a lead, their message, sometimes with a wish for a date."""
    random = world.random("arrival", key)
    offered = [kind for kind in world.tables.session_types if kind.weight]
    offered = [kind for kind in offered if kind.status == "published" and not kind.deleted] or offered
    kind = random.choices(offered, [k.weight for k in offered])[0]
    last_name = names.surname(world.seed, world.next_number("person") - 1)
    client = people.add_client(
        world,
        first_name=names.first_name(random),
        last_name=last_name,
        email=names.email(random, last_name),
        person=key,
        phone=f"+49 151 {random.randrange(10**7, 10**8)}" if random.random() < 0.6 else "",
        notes="VIP" if random.random() < 0.03 else "",
    )
    person = draw_person(world, key, client.id, kind.key, least_keen=least_keen)
    world.people[key] = person
    world.tell("lead", client.id, f"{{name}} asks about: {kind.name}")
    people.client_says(world, client.id, texts.inquiry(random, kind.name), subject=f"Inquiry: {kind.name}")
    if random.random() < 0.4:
        sessions.add_session(world, client.id, kind, wished_date(world, random, kind), "inquiry")
    _plan(world, person, random, settled=least_keen > 0)


def _plan(world: LivingStudio, person: Person, random: Random, *, settled: bool) -> None:
    """What will come of it if nobody does anything more; `settled` people belong to the time before the bot."""
    key = person.key
    if random.random() < (0.9 if settled else world.pace.by_hand):
        world.at(office_time(world, random, 2, 30), key, "owner_answers")
    if random.random() < person.keen * 0.25:
        world.at(some_time(world, person, random, 1, 72), key, "books_online")
    if random.random() < 0.12:
        world.at(office_time(world, random, 20, 90), key, "owner_quotes")
    if random.random() < 0.12:
        world.at(some_time(world, person, random, 40, 140), key, "asks_again")
    if random.random() < 0.1:
        world.at(office_time(world, random, 10, 60), key, "owner_declines")
    world.at(office_time(world, random, 35 * 24, 60 * 24), key, "goes_stale")


@PART.on("owner_answers")
def owner_answers(world: LivingStudio, key: str) -> None:
    """The owner writes by hand, unless the matter is settled."""
    person = world.people[key]
    if person.stage == "lead":
        _owner_writes(world, person, texts.OWNER_ANSWERS, "The owner answers {name} by hand")


@PART.on("owner_replies")
def owner_replies(world: LivingStudio, key: str) -> None:
    """The owner answers a question."""
    person = world.people[key]
    if not person.stopped:
        _owner_writes(world, person, texts.OWNER_REPLIES, "The owner replies to {name} by hand")


def _owner_writes(world: LivingStudio, person: Person, pool: tuple[str, ...], story: str) -> None:
    thread = people.conversation_of(world, person.client_id)
    if thread:
        random = person.dice(world, "owner")
        people.studio_says(world, thread, random.choice(pool), by="studio")
        world.tell("owner_message", person.client_id, story)


@PART.on("owner_quotes")
def owner_quotes(world: LivingStudio, key: str) -> None:
    """The owner sends an offer."""
    person = world.people[key]
    if person.stage != "lead":
        return
    template = template_named(world, "quote", "business" if person.wants == "headshots" else "wedding")
    kind = session_type(world, person.wants)
    item = line(world, person.client_id, kind.name, kind.price)
    papers.add_quote(world, person.client_id, template, [item], by="studio")


@PART.on("owner_declines")
def owner_declines(world: LivingStudio, key: str) -> None:
    """The date that was asked for is taken."""
    person = world.people[key]
    for session in world.tables.sessions.of_client(person.client_id):
        if session.status == "inquiry" and person.stage == "lead":
            sessions.set_status(world, session, "declined")


@PART.on("goes_stale")
def goes_stale(world: LivingStudio, key: str) -> None:
    """Long after: the owner puts away most leads that came to nothing."""
    person = world.people[key]
    client = world.tables.clients.rows[person.client_id]
    if client.type == "lead" and person.dice(world, "stale").random() < 0.6:
        people.update_client(world, client, archived=True)
        world.tell("archived", client.id, "{name} is archived")


@PART.on("asks_again")
def asks_again(world: LivingStudio, key: str) -> None:
    """A lead that got no answer, or not enough of one, writes again."""
    person = world.people[key]
    if person.stage == "lead" and not person.silent:
        random = person.dice(world, "again")
        people.client_tells(world, person.client_id, texts.said(random, texts.AGAIN_ASKING), "asks again")


@PART.hears("outbound")
def studio_wrote(world: LivingStudio, message: Message) -> None:
    """A message of the studio arrives: too many annoy, a nudge gets answers, a reminder gets things done."""
    thread = world.tables.conversations.rows[message.conversation_id]
    person = world.person_of(thread.client_id)
    if person is None:
        return
    week_ago = world.now.subtract(hours=WEEK_HOURS)
    person.heard = [at for at in person.heard if at > week_ago] + [world.now]
    if person.silent:
        return
    if message.author == "bot" and len(person.heard) > PATIENCE and _annoyed(world, person):
        return
    match texts.topic(message.content):
        case "contract":
            reminded_of_contract(world, person)
        case "invoice":
            reminded_of_invoice(world, person, message.content)
        case "questionnaire":
            reminded_of_questionnaire(world, person)
        case "quote":
            reminded_of_quote(world, person)
        case _:
            _perhaps_reply(world, person, message)


def _annoyed(world: LivingStudio, person: Person) -> bool:
    random = person.dice(world, "patience")
    roll = random.random()
    if roll < 0.12:
        world.at(some_time(world, person, random, 0.3, 5), person.key, "asks_to_stop")
    elif roll < 0.4:
        person.annoyed = True
        world.tell("quiet", person.client_id, "{name} has had too many messages and goes quiet")
    return roll < 0.4


@PART.on("asks_to_stop")
def asks_to_stop(world: LivingStudio, key: str) -> None:
    """They have had enough, and say so."""
    person = world.people[key]
    if not person.stopped:
        person.stopped = True
        random = person.dice(world, "stop")
        people.client_tells(
            world, person.client_id, random.choice(texts.STOP), "asks the studio to stop writing", kind="stop"
        )


def _perhaps_reply(world: LivingStudio, person: Person, message: Message) -> None:
    random = person.dice(world, "reply")
    thread = world.tables.conversations.rows[message.conversation_id]
    last = people.last_from(thread, "client")
    nudged = last is not None and last < world.now.subtract(hours=20)
    if person.stage == "lead":
        chance = 0.2 + 0.45 * person.talkative if nudged else 0.15 + 0.35 * person.talkative
    elif person.stage == "asked":
        chance = 0.3
    else:
        chance = 0.12
    if random.random() < chance:
        world.at(some_time(world, person, random, 0.1, 30), person.key, "reply", message.id)


@PART.on("reply")
def reply(world: LivingStudio, key: str, message_id: str) -> None:
    """The answer to a message, unless another one was given since."""
    person = world.people[key]
    thread = people.conversation_of(world, person.client_id)
    if thread is None or person.silent:
        return
    asked = next((m.sent_at for m in thread.messages if m.id == message_id), None)
    last = people.last_from(thread, "client")
    if asked and last and last > asked:
        return
    random = person.dice(world, "answer")
    if person.stage != "lead":
        people.client_tells(world, person.client_id, texts.said(random, texts.THANKS), "says thanks")
        return
    _decide(world, person, random)


def _decide(world: LivingStudio, person: Person, random: Random) -> None:
    roll = random.random()
    if roll < person.keen:
        person.stage = "asked"
        people.client_tells(world, person.client_id, texts.said(random, texts.YES), "replies and wants to book")
        world.at(office_time(world, random, 1, 26), person.key, "studio_books")
    elif roll < person.keen + 0.35:
        people.client_tells(
            world, person.client_id, texts.said(random, texts.MORE_QUESTIONS), "replies with a question"
        )
        if random.random() < 0.7:
            world.at(office_time(world, random, 1, 30), person.key, "owner_replies")
    else:
        person.stage = "lost"
        people.client_tells(world, person.client_id, texts.said(random, texts.NO), "replies and declines")
