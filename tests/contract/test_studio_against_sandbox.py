"""The client and the sandbox share no code: each was written from studio-api.md, and here they meet."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any, get_args

import httpx
import pytest
import structlog
from pydantic import SecretStr

from selftimer.errors import (
    Conflict,
    Drifted,
    NotApplied,
    NotFound,
    NotSignedIn,
    RateLimited,
    Refused,
    StudioError,
    Unclear,
)
from selftimer.facts.records import LISTED, RECORD_TYPES, Client, Invoice, Kind, Message, Unreadable
from selftimer.primitives.clock import VirtualClock
from selftimer.primitives.money import Money
from selftimer.sandbox.app import create_app
from selftimer.sandbox.faults import Fault, Faults
from selftimer.sandbox.profile import ExpiryStyle, InvoiceVocabulary, ServerOptions, StudioProfile
from selftimer.sandbox.transport import FaultTransport
from selftimer.sandbox.world import World
from selftimer.studio import Credentials, Studio

if TYPE_CHECKING:
    from selftimer.ports import StudioApi

PROFILE = StudioProfile()
NOBODY = "cl_" + "x" * 30


@dataclass(slots=True)
class Meeting:
    """A client and the sandbox it talks to."""

    world: World
    faults: Faults
    transport: FaultTransport
    clock: VirtualClock
    studio: Studio

    async def logins(self, action: str) -> None:
        """Expire the sessions, or rotate their CSRF tokens."""
        async with httpx.AsyncClient(transport=self.transport, base_url="http://127.0.0.1") as control:
            (await control.post("/_sandbox/logins", json={"action": action})).raise_for_status()

    async def first(self, kind: Kind) -> str:
        """The id of a kind's newest record."""
        return (await self.studio.page(kind, 1)).records[0].id

    def sent(self, kind: str) -> list[Any]:
        """What the sandbox's ledger says was applied."""
        return [write for write in self.world.ledger.writes if write.kind == kind]


def meet(
    *,
    world: World | None = None,
    options: ServerOptions | None = None,
    account_id: str | None = None,
    password: str = PROFILE.password,
) -> Meeting:
    world = world or World(population=60, living=False)
    faults = Faults()
    transport = FaultTransport(create_app(world, options, faults))
    clock = VirtualClock(world.now)
    studio = Studio(
        Credentials(email=world.profile.email, password=SecretStr(password)),
        clock,
        Random(1),
        base_url="http://sandbox/api/v1",
        transport=transport,
        account_id=account_id,
        requests_per_minute=60_000,
    )
    return Meeting(world, faults, transport, clock, studio)


async def test_it_is_the_studio_of_the_port() -> None:
    studio: StudioApi = meet().studio
    assert await studio.account() == PROFILE.account_id
    await studio.aclose()


# Reading ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LISTED)
@pytest.mark.parametrize("vocabulary", get_args(InvoiceVocabulary))
async def test_every_record_of_every_list_is_understood(kind: Kind, vocabulary: InvoiceVocabulary) -> None:
    m = meet(world=World(population=80, living=False, profile=replace(PROFILE, invoice_vocabulary=vocabulary)))
    number, last, count = 1, False, 0
    while not last:
        page = await m.studio.page(kind, number)
        records = [m.studio.parse(raw) for raw in page.records]
        assert [r for r in records if not isinstance(r, RECORD_TYPES[kind])] == []
        count, number, last = count + len(records), number + 1, page.last
    assert count == page.total


@pytest.mark.parametrize("kind", [kind for kind in LISTED if kind is not Kind.PAYMENT])
async def test_a_record_by_id_is_the_one_of_the_list(kind: Kind) -> None:
    m = meet(world=World(population=120, living=False, seed=3))
    if kind is Kind.QUESTIONNAIRE:
        template_id = (await m.studio.templates(kind))[0][0]
        await m.studio.create_document(kind, {"client_id": await m.first(Kind.CLIENT), "template_id": template_id})
    listed = (await m.studio.page(kind, 1)).records
    assert listed
    record, *inner = await m.studio.record(kind, listed[0].id)
    assert record == listed[0]
    assert not [raw for raw in inner if isinstance(m.studio.parse(raw), Unreadable)]


async def test_payments_are_the_same_in_their_invoice_and_in_their_list() -> None:
    m = meet()
    listed = {raw.id: raw for raw in (await m.studio.page(Kind.PAYMENT, 1)).records}
    inside = 0
    for invoice in (await m.studio.page(Kind.INVOICE, 1)).records:
        for payment in (await m.studio.record(Kind.INVOICE, invoice.id))[1:]:
            assert payment == listed[payment.id]
            assert await m.studio.payments.record(invoice.id, payment.id) == payment
            inside += 1
    assert inside == len(listed) > 0


async def test_messages_know_their_conversation_and_client() -> None:
    m = meet()
    conversation, *messages = await m.studio.record(Kind.CONVERSATION, await m.first(Kind.CONVERSATION))
    for raw in messages:
        message = m.studio.parse(raw)
        assert isinstance(message, Message)
        assert message.conversation_id == conversation.id
        assert message.client_id == conversation.raw["client_id"]
    assert messages


async def test_pages_are_read_from_both_ends() -> None:
    m = meet(world=World(population=230, living=False))
    pages = [await m.studio.page(Kind.CLIENT, number) for number in (1, 2, 3, 4)]
    total = pages[0].total or 0
    assert [page.last for page in pages] == [False, False, True, True]
    assert [len(page.records) for page in pages] == [100, 100, total - 200, 0]
    assert len({raw.id for page in pages for raw in page.records}) == total
    stamps = [str(raw.raw["created_at"]) for page in pages for raw in page.records]
    assert stamps == sorted(stamps, reverse=True)


async def test_an_empty_studio_has_empty_pages() -> None:
    m = meet(world=World.empty())
    for kind in LISTED:
        page = await m.studio.page(kind, 1)
        assert (page.records, page.total, page.last) == ((), 0, True)
    assert (await m.studio.signals()).clients == 0


async def test_filters_reach_the_studio() -> None:
    m = meet()
    conversation = (await m.studio.page(Kind.CONVERSATION, 1)).records[0]
    owner = str(conversation.raw["client_id"])
    assert [r.id for r in (await m.studio.page(Kind.CONVERSATION, 1, client_id=owner)).records] == [conversation.id]
    leads = await m.studio.page(Kind.CLIENT, 1, types="lead")
    assert {raw.raw["type"] for raw in leads.records} == {"lead"}


async def test_a_currency_without_minor_units_is_not_divided() -> None:
    m = meet(world=World.empty(profile=replace(PROFILE, currency="jpy")))
    client = await m.studio.clients.create(
        {"email": "a@b.example", "first_name": "Åsa", "last_name": "", "type": "lead"}
    )
    body = {"client_id": client.id, "due_date": "2026-05-01", "line_items": [{"name": "x", "amount": 50_000}]}
    made = m.studio.parse((await m.studio.create_document(Kind.INVOICE, body | {"send_email": False})).record)
    assert isinstance(made, Invoice)
    assert made.amount == Money(50_000, "jpy")


async def test_the_signals_move_with_the_studio() -> None:
    m = meet()
    before = await m.studio.signals()
    await m.studio.clients.create({"email": "a@b.example", "first_name": "A", "last_name": "B", "type": "lead"})
    after = await m.studio.signals()
    assert (after.clients or 0) - (before.clients or 0) == 1
    assert replace(after, clients=before.clients) == before
    assert None not in (before.unread, before.inquiries, before.invoice_sums)


async def test_templates_have_names_and_are_put_into_words() -> None:
    m = meet()
    for kind in (Kind.INVOICE, Kind.CONTRACT, Kind.QUESTIONNAIRE, Kind.QUOTE):
        assert all(name for _, name in await m.studio.templates(kind))
    emails = await m.studio.email_templates.list()
    subject, text, missing = await m.studio.template_content(emails[0].id, {})
    assert subject
    assert text
    assert missing
    with pytest.raises(Refused):
        await m.studio.templates(Kind.CLIENT)
    assert m.studio.skew == pytest.approx(0, abs=1)


# Refusals -----------------------------------------------------------------------------------------------------------


async def test_refusals_come_with_their_code_and_details() -> None:
    m = meet()
    with pytest.raises(NotFound):
        await m.studio.record(Kind.CLIENT, NOBODY)
    with pytest.raises(NotFound) as gone:
        await m.studio.record(Kind.INVOICE, "in_" + "x" * 30)
    assert gone.value.code == "invoice_not_found"
    with pytest.raises(Refused) as wrong:
        await m.studio.record(Kind.INVOICE, "nonsense")
    assert wrong.value.details["expected_prefix"] == "in_"
    with pytest.raises(NotFound) as thread:
        await m.studio.record(Kind.CONVERSATION, "conv_nobody")
    assert thread.value.code == "conversation_not_found"
    with pytest.raises(Refused) as empty:
        await m.studio.create_document(Kind.INVOICE, {"client_id": NOBODY, "line_items": []})
    assert empty.value.details
    with pytest.raises(Refused):
        await m.studio.send_message(await m.first(Kind.CONVERSATION), "")
    with pytest.raises(Refused):
        await m.studio.clients.create({"type": "martian"})


@pytest.mark.parametrize("shape", ["1", "2", "3", "4"])
@pytest.mark.parametrize(("status", "kind"), [(400, Refused), (404, NotFound), (409, Conflict), (422, Refused)])
async def test_every_shape_of_refusal_is_not_applied(shape: str, status: int, kind: type[StudioError]) -> None:
    m = meet()
    conversation = await m.first(Kind.CONVERSATION)
    m.faults.order(Fault(fault="status", method="POST", path="conversation_messages", status=status, shape=shape))
    with pytest.raises(kind):
        await m.studio.send_message(conversation, "hej")
    assert m.sent("message") == []


# Sessions -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", get_args(ExpiryStyle))
async def test_however_a_session_expires_twenty_readers_sign_in_once(style: ExpiryStyle) -> None:
    m = meet(options=ServerOptions(expiry_style=style))
    ids = [raw.id for raw in (await m.studio.page(Kind.CLIENT, 1)).records[:20]]
    await m.logins("expire")
    with structlog.testing.capture_logs() as logs:
        found = await asyncio.gather(*(m.studio.record(Kind.CLIENT, client_id) for client_id in ids))
    assert [records[0].id for records in found] == ids
    assert [entry["event"] for entry in logs] == ["session.expired", "session.signed_in"]


@pytest.mark.parametrize("style", get_args(ExpiryStyle))
async def test_however_a_session_expires_a_write_is_not_applied_and_the_next_one_is(style: ExpiryStyle) -> None:
    m = meet(options=ServerOptions(expiry_style=style))
    conversation = await m.first(Kind.CONVERSATION)
    await m.logins("expire")
    with pytest.raises(Unclear if style == "html" else NotSignedIn):
        await m.studio.send_message(conversation, "hej")
    assert m.sent("message") == []
    await m.studio.send_message(conversation, "hej")
    assert len(m.sent("message")) == 1


async def test_a_csrf_token_that_changed_costs_one_refused_write() -> None:
    m = meet()
    conversation = await m.first(Kind.CONVERSATION)
    await m.logins("rotate_csrf")
    with pytest.raises(NotSignedIn):
        await m.studio.send_message(conversation, "hej")
    await m.studio.send_message(conversation, "hej")
    assert len(m.sent("message")) == 1


async def test_another_account_or_a_wrong_password_is_told() -> None:
    assert await meet(account_id=PROFILE.account_id).studio.account() == PROFILE.account_id
    with pytest.raises(NotSignedIn, match="acc_another"):
        await meet(account_id="acc_another").studio.account()
    with pytest.raises(NotSignedIn, match="did not accept"):
        await meet(password="guess").studio.account()


async def test_the_rate_limit_of_the_studio_is_waited_out_on_our_clock() -> None:
    m = meet(options=ServerOptions(rate_limit=5))
    for _ in range(4):  # and the probe
        await m.studio.page(Kind.SESSION, 1)
    before = m.clock.monotonic()
    with pytest.raises(RateLimited) as told:  # the sandbox's minute stands still
        await m.studio.page(Kind.SESSION, 1)
    assert told.value.retry_after == 60
    assert m.clock.monotonic() - before >= 180


# What a write came to, judged by the sandbox's ledger ---------------------------------------------------------------

CASES: list[tuple[Fault, type[StudioError], int]] = [
    (Fault(fault="status", status=429), RateLimited, 0),
    (Fault(fault="status", status=500), Unclear, 0),
    (Fault(fault="status", status=500, commit=True), Unclear, 1),
    (Fault(fault="status", status=502, shape="html", commit=True), Unclear, 1),
    (Fault(fault="status", status=503, commit=False), Unclear, 0),
    (Fault(fault="status", status=408), Unclear, 0),
    (Fault(fault="status", status=404, shape="html"), Unclear, 0),
    (Fault(fault="html200"), Unclear, 0),
    (Fault(fault="html200", commit=True), Unclear, 1),
    (Fault(fault="drop_before"), Unclear, 0),
    (Fault(fault="drop_after"), Unclear, 1),
    (Fault(fault="half_page"), Unclear, 1),
    (Fault(fault="bad_json"), Drifted, 1),
    (Fault(fault="late_apply", seconds=5), Unclear, 0),
]


@pytest.mark.parametrize(("fault", "kind", "applied"), CASES)
async def test_no_fault_makes_a_write_twice_or_lies_about_it(
    fault: Fault, kind: type[StudioError], applied: int
) -> None:
    m = meet()
    conversation = await m.first(Kind.CONVERSATION)
    m.faults.order(replace(fault, method="POST", path="conversation_messages", times=5))
    with pytest.raises(kind) as told:
        await m.studio.send_message(conversation, "hej")
    written = len(m.sent("message"))
    assert written == applied
    if isinstance(told.value, NotApplied):
        assert written == 0
    if isinstance(told.value, Drifted):
        assert written == 1


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "half_page", "bad_json", "status"])
async def test_a_read_outlives_three_faults_of_any_kind(fault: Any) -> None:
    m = meet()
    await m.studio.account()
    m.faults.order(Fault(fault=fault, method="GET", path="/clients/", times=3, status=502, shape="html"))
    assert (await m.studio.page(Kind.CLIENT, 1)).records


async def test_one_broken_record_does_not_cost_the_page() -> None:
    m = meet()
    whole = await m.studio.page(Kind.CLIENT, 1)
    m.faults.order(Fault(fault="broken_record", path="/clients/", index=3))
    page = await m.studio.page(Kind.CLIENT, 1)
    parsed = [m.studio.parse(raw) for raw in page.records]
    assert [i for i, record in enumerate(parsed) if isinstance(record, Unreadable)] == [3]
    assert len(page.records) == len(whole.records)
    assert page.records[4] == whole.records[4]


# Writing ------------------------------------------------------------------------------------------------------------


async def test_a_message_of_every_script_arrives_as_it_was_written() -> None:
    m = meet()
    conversation = await m.first(Kind.CONVERSATION)
    text = "Hej Åsa 👩‍👩‍👧, 你好 “quotes” & <b>\n\n\tありがとう \u200d!"
    accepted = await m.studio.send_message(conversation, text)
    (write,) = m.sent("message")
    assert write.content["content"] == text
    assert write.id == accepted.record.id
    _, *messages = await m.studio.record(Kind.CONVERSATION, conversation)
    assert text in [raw.raw["content"] for raw in messages]


async def test_documents_conversations_coupons_and_clients_are_made() -> None:
    m = meet(world=World.empty())
    lead = {"email": "new@b.example", "first_name": "Nia", "last_name": "Önd", "type": "lead"}
    client_id = (await m.studio.clients.create(lead)).id
    thread = await m.studio.create_conversation(client_id, "Welcome")
    assert thread.record.raw["client_id"] == client_id
    made = {}
    for kind in (Kind.CONTRACT, Kind.QUESTIONNAIRE, Kind.QUOTE):
        template_id = (await m.studio.templates(kind))[0][0]
        body = {"client_id": client_id, "template_id": template_id, "send_email": True}
        made[kind] = m.studio.parse((await m.studio.create_document(kind, body)).record)
        assert isinstance(made[kind], RECORD_TYPES[kind])
    coupon = {"code": "BACK-1", "discount_type": "percentage", "discount_value": 10}
    made_coupon = await m.studio.coupons.create(coupon)
    assert await m.studio.coupons.find("BACK-1") == made_coupon
    assert await m.studio.coupons.find("NOPE") is None
    with pytest.raises((Conflict, Refused)):
        await m.studio.coupons.create(coupon)


async def test_a_lead_becomes_a_client_by_an_update_that_keeps_the_rest() -> None:
    m = meet()
    lead = (await m.studio.page(Kind.CLIENT, 1, types="lead")).records[0]
    await m.studio.update_client(lead.id, {"type": "client", "address_info": {"city": "Kraków"}})
    (after,) = await m.studio.record(Kind.CLIENT, lead.id)
    before, now = m.studio.parse(lead), m.studio.parse(after)
    assert isinstance(before, Client)
    assert now == replace(before, type="client", city="Kraków")
    await m.studio.update_client(lead.id, {"type": "client", "address_info": {"city": "Kraków"}})
    with pytest.raises(NotFound):
        await m.studio.update_client(NOBODY, {"notes": "x"})


async def test_permits_hold_a_delivery_together() -> None:
    m = meet()
    conversation = await m.first(Kind.CONVERSATION)
    async with m.studio.permits(3):
        await m.studio.record(Kind.CONVERSATION, conversation)
        await m.studio.send_message(conversation, "hej")
    assert len(m.sent("message")) == 1
