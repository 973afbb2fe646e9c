"""Contracts, questionnaires and quotes in people's hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.sandbox import texts
from selftimer.sandbox.book import papers
from selftimer.sandbox.life.person import some_time
from selftimer.sandbox.model import UNSIGNED
from selftimer.sandbox.script import Script

if TYPE_CHECKING:
    from selftimer.sandbox.life.living import LivingStudio
    from selftimer.sandbox.life.person import Habit, Person
    from selftimer.sandbox.model import Contract, Questionnaire, Quote

PART = Script()

_SIGNS_AFTER_REMINDER: dict[Habit, float] = {"prompt": 0.9, "slow": 0.65, "never": 0.25}
_FILLS_AFTER_REMINDER: dict[Habit, float] = {"prompt": 0.9, "slow": 0.7, "never": 0.2}


@PART.hears("contract")
def contract_came(world: LivingStudio, contract: Contract) -> None:
    """A contract arrives: most look at it soon; half sign by themselves."""
    person = world.person_of(contract.client_id)
    if person is None:
        return
    random = person.dice(world, "contract")
    key = person.key
    if person.signer != "never" or random.random() < 0.5:
        world.at(some_time(world, person, random, 0.3, 20), key, "views_contract", contract.id)
    if person.signer == "prompt":
        world.at(some_time(world, person, random, 21, 60), key, "signs", contract.id)
    elif person.signer == "slow" and random.random() < 0.55:
        world.at(some_time(world, person, random, 150, 220), key, "signs", contract.id)


@PART.on("views_contract")
def views_contract(world: LivingStudio, _key: str, contract_id: str) -> None:
    """They open it."""
    contract = world.tables.contracts.rows[contract_id]
    if contract.status == "sent":
        papers.view(world, contract)


@PART.on("signs")
def signs(world: LivingStudio, key: str, contract_id: str) -> None:
    """They sign; where two clients must, the second one takes a while."""
    contract = world.tables.contracts.rows[contract_id]
    if contract.status not in UNSIGNED:
        return
    papers.sign(world, contract)
    if contract.status == "partially_signed":
        random = world.people[key].dice(world, "second_signer")
        if random.random() < 0.8:
            world.at(some_time(world, world.people[key], random, 1, 60), key, "signs", contract_id)


def reminded_of_contract(world: LivingStudio, person: Person) -> None:
    """A reminder makes many sign within a day and a half."""
    for contract in world.tables.contracts.of_client(person.client_id):
        if contract.status in UNSIGNED:
            random = person.dice(world, "sign_reminded")
            if random.random() < _SIGNS_AFTER_REMINDER[person.signer]:
                world.at(some_time(world, person, random, 0.3, 36), person.key, "signs", contract.id)


@PART.hears("questionnaire")
def questionnaire_came(world: LivingStudio, form: Questionnaire) -> None:
    """A questionnaire arrives: half fill it in by themselves."""
    person = world.person_of(form.client_id)
    if person is None:
        return
    random = person.dice(world, "questionnaire")
    if person.filler == "prompt":
        world.at(some_time(world, person, random, 2, 90), person.key, "fills_in", form.id)
    elif person.filler == "slow" and random.random() < 0.25:
        world.at(some_time(world, person, random, 120, 240), person.key, "fills_in", form.id)


@PART.on("fills_in")
def fills_in(world: LivingStudio, key: str, form_id: str) -> None:
    """They answer the questions."""
    form = world.tables.questionnaires.rows[form_id]
    if form.status == "pending":
        random = world.people[key].dice(world, "answers")
        said = {question["id"]: random.choice(question["options"] or texts.ANSWERS) for question in form.questions}
        papers.answer(world, form, said)


def reminded_of_questionnaire(world: LivingStudio, person: Person) -> None:
    """A reminder makes most fill it in within two days."""
    for form in world.tables.questionnaires.of_client(person.client_id):
        if form.status == "pending":
            random = person.dice(world, "fill_reminded")
            if random.random() < _FILLS_AFTER_REMINDER[person.filler]:
                world.at(some_time(world, person, random, 0.5, 44), person.key, "fills_in", form.id)


@PART.hears("quote")
def quote_came(world: LivingStudio, quote: Quote) -> None:
    """An offer arrives: taken, refused, or left lying."""
    person = world.person_of(quote.client_id)
    if person is None:
        return
    random = person.dice(world, "quote")
    roll = random.random()
    if roll < person.keen * 0.6:
        world.at(some_time(world, person, random, 10, 120), person.key, "answers_quote", quote.id, True)
    elif roll > 0.8:
        world.at(some_time(world, person, random, 10, 120), person.key, "answers_quote", quote.id, False)


@PART.on("answers_quote")
def answers_quote(world: LivingStudio, _key: str, quote_id: str, accepted: bool) -> None:  # noqa: FBT001 - kept on the heap
    """Their yes or no."""
    quote = world.tables.quotes.rows[quote_id]
    if quote.status != "sent":
        return
    if accepted:
        papers.accept_quote(world, quote)
    else:
        papers.decline_quote(world, quote)


def reminded_of_quote(world: LivingStudio, person: Person) -> None:
    """A nudge brings an answer from those who are keen."""
    for quote in world.tables.quotes.of_client(person.client_id):
        if quote.status == "sent":
            random = person.dice(world, "quote_reminded")
            if random.random() < 0.4:
                accepted = random.random() < person.keen
                world.at(some_time(world, person, random, 2, 60), person.key, "answers_quote", quote.id, accepted)
