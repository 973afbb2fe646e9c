"""`when: webhook NAME`: a call that is let in is kept, then answered, and begins its rule once (delivery.md §6)."""

from __future__ import annotations

import hashlib
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
import pytest
from tests.simulation.studio_day import ProcessDied, StudioDay

from selftimer import wiring
from selftimer.channels.webhooks import signed
from selftimer.plan.state import DeliveryState, Hold
from selftimer.receiver import app as receiver
from selftimer.receiver.app import Reception, create_app
from selftimer.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from selftimer.facts.stored import HookCall
    from selftimer.ports import Tx

KEY = bytes(range(32))
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
TOKEN = "a-token-that-nobody-can-guess"
TOML = """
[webhooks.contact-form]
fields = ["name", "email", "phone", "message", "trap"]
[webhooks.other]
fields = ["email"]
"""
RULE = """
- id: website-form
  title: The contact form of the website becomes a lead
  when: webhook contact-form
  if: webhook.trap is none
  then:
    - create: lead
      set:
        email: "{{ webhook.email }}"
        first_name: "{{ webhook.name }}"
        phone: "{{ webhook.phone }}"
        notes: "From the website form: {{ webhook.message or '-' }}"
    - notify: form-arrived
"""
ANSWER = """
- id: lead-answer
  when: lead.created
  if: client.type == 'lead'
  repeat: after 30 days per client.email
  then:
    - send: hello
"""
WORDS = {
    "form-arrived": "{{ webhook.name or 'somebody' }} <{{ webhook.email }}>: {{ webhook.message or '-' }}\n",
    "hello": "Hi {{ client.first_name or 'there' }}\n",
}
ANNA = {"name": "Anna", "email": "anna@example.com", "message": "Wedding in June?", "trap": ""}


class FormDay(StudioDay):
    """A studio's day with its receiver in this process."""

    http: httpx.AsyncClient
    per_minute = 1_000

    def __init__(self, folder: Path, rules: str = RULE, **given: Any) -> None:
        given.setdefault("toml", TOML)
        super().__init__(folder, rules, **{"words": WORDS, **given})
        with (self.workspace / ".env").open("a") as file:
            file.write(f"SELFTIMER_WEBHOOKS__CONTACT_FORM__SECRET={SECRET}\n")
            file.write(f"SELFTIMER_WEBHOOKS__CONTACT_FORM__TOKEN={TOKEN}\n")
            file.write(f"SELFTIMER_WEBHOOKS__OTHER__TOKEN={TOKEN}\n")

    async def start(self) -> None:
        await super().start()
        self.woken = 0
        doors = wiring._doors(Settings.load(self.workspace))
        reception = Reception(
            doors, self.service.store, self.clock, per_minute=self.per_minute, wake=lambda: setattr(self, "woken", 1)
        )
        transport = httpx.ASGITransport(create_app(reception), client=("192.0.2.1", 1))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://localhost")

    async def send_signed(self, fields: Any, ident: str = "msg_1", **given: Any) -> httpx.Response:
        body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
        at = self.clock.now().timestamp(unit="second") + given.get("off", 0)
        headers = signed(ident, at, body, given.get("key", KEY))
        headers["content-type"] = "application/json"
        return await self.http.post("/webhooks/contact-form", content=body, headers=headers)

    async def fill_form(self, fields: dict[str, str], token: str = TOKEN, name: str = "contact-form") -> httpx.Response:
        return await self.http.post(f"/webhooks/{name}/{token}", data=fields)

    def entered(self) -> list[dict[str, Any]]:
        return [row["content"] for row in self.ledger["writes"] if row["kind"] == "client" and row["by"] == "bot"]

    async def calls(self) -> list[HookCall]:
        return await self.service.store.read(lambda tx: tx.hooks.waiting())


@asynccontextmanager
async def form_day(folder: Path, rules: str = RULE, **given: Any) -> AsyncIterator[FormDay]:
    async with FormDay(folder, rules, **given) as day:
        await day.until("2026-03-02 09:00")
        yield day
        await day.http.aclose()


# --- what it begins --------------------------------------------------------------------------------------------------


async def test_a_form_becomes_a_lead_who_is_answered_like_any_other(tmp_path: Path) -> None:
    async with form_day(tmp_path, RULE + ANSWER) as day:
        answer = await day.send_signed(ANNA)
        assert (answer.status_code, answer.content) == (202, b"")
        assert day.woken
        await day.until("2026-03-02 10:00")
        (lead,) = day.entered()
        assert (lead["email"], lead["first_name"], lead["type"]) == ("anna@example.com", "Anna", "lead")
        assert lead["notes"] == "From the website form: Wedding in June?"
        assert not lead.get("phone")
        assert [row.split(" ", 2)[2] for row in day.sent()] == ["Hi Anna"]
        notes = [d for d in await day.deliveries() if d.words == "form-arrived"]
        assert [d.text for d in notes] == ["Anna <anna@example.com>: Wedding in June?"]


async def test_the_same_call_twice_begins_nothing_twice_even_after_a_restart(tmp_path: Path) -> None:
    async with form_day(tmp_path) as day:
        assert [(await day.send_signed(ANNA)).status_code for _ in range(3)] == [202] * 3
        await day.until("2026-03-02 10:00")
        assert (await day.send_signed(ANNA)).status_code == 202
        await day.http.aclose()
        await day.aclose()
        await day.start()
        assert (
            await day.send_signed({**ANNA, "name": "Another"})
        ).status_code == 202  # the same id: the first one counts
        await day.until("2026-03-02 11:00")
        assert len(day.entered()) == 1
        assert len(await day.runs()) == 1


async def test_two_forms_at_once_are_two_runs_and_a_second_click_is_none(tmp_path: Path) -> None:
    async with form_day(tmp_path) as day:
        ben = {**ANNA, "name": "Ben", "email": "ben@example.com"}
        for fields in (ANNA, ben, ANNA, ben):
            assert (await day.fill_form(fields)).status_code == 202
        await day.until("2026-03-02 10:00")
        assert sorted(lead["first_name"] for lead in day.entered()) == ["Anna", "Ben"]
        assert await day.ends() == ["done", "done"]


async def test_a_contact_who_is_known_is_found_and_not_doubled(tmp_path: Path) -> None:
    async with form_day(tmp_path) as day:
        day.known("Old", email="ANNA@example.com")
        await day.poll()
        await day.send_signed(ANNA)
        await day.until("2026-03-02 10:00")
        assert day.entered() == []
        assert await day.ends() == ["done"]


async def test_who_falls_into_the_trap_begins_nothing_and_the_reason_is_kept(tmp_path: Path) -> None:
    async with form_day(tmp_path) as day:
        await day.send_signed({**ANNA, "trap": "x"})
        await day.until("2026-03-02 10:00")
        assert await day.runs() == []
        assert await day.verdicts("website-form") == ["no"]


async def test_a_run_that_waits_still_knows_what_was_brought(tmp_path: Path) -> None:
    rule = """
    - id: later
      when: webhook contact-form
      if: webhook.message is containing 'june'
      then:
        - wait: 2 days
        - notify: form-arrived
    """
    async with form_day(tmp_path, rule) as day:
        await day.send_signed(ANNA)
        await day.until("2026-03-03 10:00")
        await day.write(lambda tx: tx.hooks.prune(day.now))
        await day.http.aclose()
        await day.aclose()
        await day.start()
        await day.until("2026-03-04 12:00")
        assert (await day.one()).text == "Anna <anna@example.com>: Wedding in June?"
        assert await day.write(lambda tx: tx.hooks.prune(day.now)) == 1  # nobody speaks of it any more


async def test_one_address_begins_it_once_in_thirty_days(tmp_path: Path) -> None:
    once = RULE.replace("  if:", "  repeat: after 30 days per webhook.email\n  if:")
    async with form_day(tmp_path, once) as day:
        await day.send_signed(ANNA, "m1")
        await day.send_signed({**ANNA, "email": " ANNA@example.com", "message": "Hello?"}, "m2")
        await day.send_signed({**ANNA, "email": "ben@example.com"}, "m3")
        await day.until("2026-03-02 10:00")
        assert sorted(await day.verdicts("website-form")) == ["begun", "begun", "repeat"]


async def test_with_approve_nobody_is_entered_before_the_owner_says_yes(tmp_path: Path) -> None:
    async with form_day(tmp_path, RULE.replace("  if:", "  mode: approve\n  if:")) as day:
        await day.send_signed(ANNA)
        await day.until("2026-03-02 10:00")
        (held,) = await day.held()
        assert held.hold is Hold.APPROVAL
        assert "email: anna@example.com" in (held.text or "")
        await day.write(lambda tx: tx.control.add_order(day.now, "approve", {"id": held.id}))
        await day.until("2026-03-02 11:00")
        assert len(day.entered()) == 1


async def test_a_call_that_no_rule_hears_is_told_once(tmp_path: Path) -> None:
    async with form_day(tmp_path) as day:
        for number in range(3):
            assert (await day.fill_form({"email": f"a{number}@example.com"}, name="other")).status_code == 202
        await day.poll()
        assert [n for n in await day.notices() if "hears" in n] == ["No rule hears webhook other"]
        assert await day.calls() == []


async def test_a_form_whose_fields_have_other_names_by_now_is_told(tmp_path: Path) -> None:
    async with form_day(tmp_path) as day:
        await day.fill_form({"your-email": "anna@example.com", "your-name": "Anna"})
        await day.poll()
        assert "A call of webhook contact-form had none of its fields" in await day.notices()


# --- who isn't let in -------------------------------------------------------------------------------------------------


async def test_forged_stale_and_nameless_calls_are_refused_without_a_word(tmp_path: Path) -> None:
    async with form_day(tmp_path) as day:
        big = {**ANNA, "message": "x" * 70_000}
        plain = {"content-type": "application/json"}
        answers = {
            "forged": await day.send_signed(ANNA, key=bytes(32)),
            "stale": await day.send_signed(ANNA, off=-400),
            "early": await day.send_signed(ANNA, off=400),
            "unsigned": await day.http.post("/webhooks/contact-form", json=ANNA),
            "a wrong token": await day.fill_form(ANNA, "x" * 24),
            "another's name": await day.fill_form(ANNA, name="nobody"),
            "nowhere": await day.http.post("/"),
            "deeper": await day.http.post(f"/webhooks/contact-form/{TOKEN}/x", json=ANNA),
            "a look": await day.http.get(f"/webhooks/contact-form/{TOKEN}"),
            "asking first": await day.http.options(
                "/webhooks/contact-form", headers={"origin": "https://evil.example"}
            ),
            "too large": await day.send_signed(big),
            "no form": await day.http.post(f"/webhooks/contact-form/{TOKEN}", content=b"x"),
            "broken": await day.http.post(f"/webhooks/contact-form/{TOKEN}", content=b"{", headers=plain),
        }
        assert {name: answer.status_code for name, answer in answers.items()} == {
            "forged": 401,
            "stale": 401,
            "early": 401,
            "unsigned": 401,
            "a wrong token": 401,
            "another's name": 404,
            "nowhere": 404,
            "deeper": 404,
            "a look": 405,
            "asking first": 405,
            "too large": 413,
            "no form": 415,
            "broken": 400,
        }
        for answer in answers.values():
            assert answer.content == b""
            assert not [name for name in answer.headers if name.startswith("access-control")]
        assert await day.calls() == []
        assert await day.runs() == []


async def test_a_body_that_says_no_length_is_cut_off_where_it_is_too_large(tmp_path: Path) -> None:
    async with form_day(tmp_path) as day:
        read = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal read
            while True:
                read += 1
                yield b"x" * 1024

        headers = {"content-type": "application/json"}
        answer = await day.http.post(f"/webhooks/contact-form/{TOKEN}", content=endless(), headers=headers)
        assert answer.status_code == 413
        assert read <= 66


async def test_a_call_that_was_listened_to_and_is_played_again_later_is_refused(tmp_path: Path) -> None:
    async with form_day(tmp_path) as day:
        body = json.dumps(ANNA).encode()
        headers = signed("m", day.clock.now().timestamp(unit="second"), body, KEY) | {
            "content-type": "application/json"
        }
        first = await day.http.post("/webhooks/contact-form", content=body, headers=headers)
        await day.until("2026-03-02 09:06")
        again = await day.http.post("/webhooks/contact-form", content=body, headers=headers)
        assert (first.status_code, again.status_code) == (202, 401)


async def test_whoever_calls_too_often_has_to_wait_and_others_have_not(tmp_path: Path) -> None:
    class Strict(FormDay):
        per_minute = 3

    async with Strict(tmp_path) as day:
        statuses = [(await day.fill_form({**ANNA, "email": f"a{n}@example.com"})).status_code for n in range(5)]
        assert statuses == [202, 202, 202, 429, 429]
        last = await day.fill_form(ANNA)
        assert 0 < int(last.headers["retry-after"]) <= 20
        other = httpx.ASGITransport(day.http._transport.app, client=("198.51.100.7", 1))  # type: ignore[attr-defined]
        async with httpx.AsyncClient(transport=other, base_url="http://localhost") as http:
            assert (await http.post(f"/webhooks/contact-form/{TOKEN}", data=ANNA)).status_code == 202
        await day.until("2026-03-02 08:10")
        assert (await day.fill_form(ANNA)).status_code == 202
        await day.http.aclose()


# --- what strangers typed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    ["{{ 7*7 }}", "{% for x in y %}", "<script>alert(1)</script>", "{{ studio.__class__ }}", "https://evil.example"],
)
async def test_what_strangers_typed_is_a_value_and_never_a_template(tmp_path: Path, typed: str) -> None:
    async with form_day(tmp_path, RULE + ANSWER) as day:
        assert (await day.send_signed({**ANNA, "name": typed, "message": typed})).status_code == 202
        await day.until("2026-03-02 10:00")
        (lead,) = day.entered()
        assert (lead["first_name"], lead["notes"]) == (typed, f"From the website form: {typed}")
        assert [row.split(" ", 2)[2] for row in day.sent()] == ["Hi there"]  # no name that goes to anybody
        note = next(d for d in await day.deliveries() if d.words == "form-arrived")
        assert note.text == f"{typed} <anna@example.com>: {typed}"


async def test_a_name_without_end_is_cut_and_a_bad_address_ends_with_a_word_to_the_owner(tmp_path: Path) -> None:
    async with form_day(tmp_path) as day:
        await day.send_signed({**ANNA, "name": "A\nn" + "n" * 7_000}, "m1")
        await day.send_signed({**ANNA, "email": "anna@example.com, all@example.com"}, "m2")
        await day.send_signed({"name": "Nobody"}, "m3")
        await day.until("2026-03-03 12:00")
        (lead,) = day.entered()
        assert lead["first_name"] == ("A n" + "n" * 7_000)[:200]
        told = [n for n in await day.notices() if "website-form" in n]
        assert len(told) >= 1
        states = [d.state for d in await day.deliveries() if d.verb.value == "lead"]
        assert states.count(DeliveryState.SENT) == 1


# --- kept is kept -----------------------------------------------------------------------------------------------------


async def test_what_was_answered_is_found_again_by_the_next_start(tmp_path: Path) -> None:
    async with form_day(tmp_path) as day:
        assert (await day.send_signed(ANNA)).status_code == 202
        await day.http.aclose()
        await day.aclose()  # nobody looked yet
        await day.start()
        assert [call.fields["name"] for call in await day.calls()] == ["Anna"]
        await day.until("2026-03-02 10:00")
        assert len(day.entered()) == 1


async def test_a_process_that_dies_while_rules_are_asked_asks_them_once_more_and_begins_it_once(tmp_path: Path) -> None:
    async with form_day(tmp_path) as day:
        for number in range(3):
            await day.send_signed({**ANNA, "email": f"a{number}@example.com"}, f"m{number}")

        def die(name: str) -> None:
            if name == "observe.hooks":
                raise ProcessDied

        day.service.context.crash_point = die
        with pytest.raises(ProcessDied):
            await day.until("2026-03-02 09:10")
        await day.http.aclose()
        await day.aclose()
        await day.start()
        await day.until("2026-03-02 10:00")
        assert len(day.entered()) == 3
        assert len(await day.runs()) == 3


async def test_where_nothing_can_be_kept_nothing_is_promised(tmp_path: Path) -> None:
    async with form_day(tmp_path) as day:
        from selftimer.errors import StoreFull

        async def full(_work: Any) -> Any:
            raise StoreFull("the disk is full")

        day.service.store.write = full  # type: ignore[method-assign, assignment]
        answer = await day.send_signed(ANNA)
        assert (answer.status_code, answer.content) == (503, b"")


async def test_a_fault_with_one_call_holds_up_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from selftimer.engine.matching import Matcher

    judge = Matcher.call

    def stumbles(self: Matcher, rule: Any, entry: Any, call: HookCall) -> bool:
        if call.fields["email"] == "bad@example.com":
            raise RuntimeError("a fault of ours")
        return judge(self, rule, entry, call)

    monkeypatch.setattr(Matcher, "call", stumbles)
    async with form_day(tmp_path) as day:
        await day.send_signed({**ANNA, "email": "bad@example.com"}, "bad")
        await day.send_signed(ANNA, "good")
        await day.until("2026-03-02 10:00")
        assert [lead["email"] for lead in day.entered()] == ["anna@example.com"]
        assert [call.fields["email"] for call in await day.calls()] == ["bad@example.com"]
        assert "A fault in Selftimer with webhook contact-form" in await day.notices()


async def test_what_is_kept_too_long_is_forgotten(tmp_path: Path) -> None:
    async with form_day(tmp_path) as day:
        await day.send_signed(ANNA)
        await day.until("2026-03-02 10:00")

        def kept(tx: Tx) -> bool:
            return tx.hooks.get("contact-form", hashlib.sha256(b"msg_1").hexdigest()[:32]) is not None

        assert await day.service.store.read(kept)
        day.clock_to("2026-09-10 09:00")
        await day.until("2026-09-10 18:00")
        assert not await day.service.store.read(kept)


async def test_a_purge_empties_what_a_person_typed_and_they_are_known_all_the_same(tmp_path: Path) -> None:
    once = RULE.replace("  if:", "  repeat: after 30 days per webhook.email\n  if:")
    async with form_day(tmp_path, once) as day:
        await day.send_signed(ANNA, "m1")
        await day.send_signed({**ANNA, "name": "Ben", "email": "ben@example.com"}, "m2")
        await day.until("2026-03-02 10:00")
        anna = next(row for row in day.world.tables.clients if row.email == "anna@example.com")
        await day.order("purge", client=anna.id)
        await day.until("2026-03-02 10:30")
        ids = [hashlib.sha256(name).hexdigest()[:32] for name in (b"m1", b"m2")]

        def emails(tx: Tx) -> list[str | None]:
            found = [tx.hooks.get("contact-form", ident) for ident in ids]
            return [dict(call.fields).get("email") for call in found if call is not None]

        assert await day.service.store.read(emails) == [None, "ben@example.com"]
        assert not [run for run in await day.runs() if "anna" in (run.repeat_key or "")]
        await day.send_signed(ANNA, "m3")
        await day.until("2026-03-02 11:00")
        assert (await day.verdicts("website-form"))[-1] == "repeat"


async def test_the_log_is_told_once_a_minute_of_the_same_refusal_and_never_what_was_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[dict[str, Any]] = []

    class Listening:
        def warning(self, event: str, **more: Any) -> None:
            said.append({"event": event, **more})

        info = exception = warning

    monkeypatch.setattr(receiver, "log", Listening())
    async with form_day(tmp_path) as day:
        for _ in range(4):
            await day.fill_form(ANNA, "secret-that-is-wrong-and-long")
            await day.fill_form(ANNA, name="made-up-name")
        await day.until("2026-03-02 09:02")
        await day.fill_form(ANNA, "secret-that-is-wrong-and-long")
        await day.fill_form(ANNA)
    assert [(row["event"], row["webhook"], row.get("status"), row.get("count")) for row in said] == [
        ("webhook.refused", "contact-form", 401, 1),
        ("webhook.refused", "", 404, 1),
        ("webhook.refused", "contact-form", 401, 4),
        ("webhook.taken", "contact-form", None, None),
    ]
    assert not [word for word in ("anna", "Anna", "secret", "made-up") if word in json.dumps(said)]
    assert urlencode(ANNA) not in json.dumps(said)
