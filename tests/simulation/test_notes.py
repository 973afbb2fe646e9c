"""Notes reach the owner by mail and by a call, grouped, and a way that fails holds nothing up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.simulation.listeners import Mailbox, Receiver, listening, mailbox, receiver
from tests.simulation.studio_day import StudioDay

from selftimer.plan.state import DeliveryState

if TYPE_CHECKING:
    from pathlib import Path

RULE = """
- id: paid
  title: Tell me about money
  when: invoice.paid
  then:
    - notify: paid
- id: bill
  title: A bill went out
  when: invoice.sent
  then:
    - send: bill
      approve: true
      late: 3 days
"""
WORDS = {
    "paid": "subject: {{ client.first_name }} paid\n---\n{{ invoice.amount | money }} came in.\n",
    "bill": "bill of {{ client.first_name }}\n",
}


def by_mail(box: Mailbox, **more: str) -> str:
    extra = "".join(f'{name} = "{value}"\n' for name, value in more.items())
    security = "" if "security" in more else 'security = "none"\n'
    return (
        f'\n[notify.email]\nhost = "127.0.0.1"\nport = {box.port}\n{security}'
        f'sender = "selftimer@nord.example"\nto = "kim@nord.example"\n{extra}'
    )


def by_call(here: Receiver, **more: str) -> str:
    extra = "".join(f'{name} = "{value}"\n' for name, value in more.items())
    return f'\n[notify.webhook]\nurl = "{here.url}"\nallow_local = true\n{extra}'


def pay(day: StudioDay, name: str = "Anna") -> None:
    day.pay(day.invoice(day.known(name), "2026-03-20"))


async def settled(day: StudioDay) -> None:
    """The first look is over, and what it had to say is told."""
    await day.until("2026-03-02 09:01")


async def test_a_note_of_a_rule_is_one_mail_in_its_own_words(tmp_path: Path) -> None:
    async with mailbox() as box, StudioDay(tmp_path, RULE, words=WORDS, toml=by_mail(box)) as day:
        await settled(day)
        pay(day)
        await day.poll()
        (mail,) = box.mails
        assert (mail["subject"], mail["from"], mail["to"]) == (
            "Anna paid",
            "selftimer@nord.example",
            "kim@nord.example",
        )
        assert mail.get_content().strip() == "€100.00 came in."
        assert mail["auto-submitted"] == "auto-generated"
        assert mail["date"] == "Mon, 02 Mar 2026 08:05:00 +0000"


async def test_a_storm_is_one_mail_at_once_and_one_digest_after(tmp_path: Path) -> None:
    async with mailbox() as box, StudioDay(tmp_path, RULE, words=WORDS, toml=by_mail(box)) as day:
        await settled(day)
        pay(day)
        await day.poll()
        for number in range(9):
            pay(day, f"Ben{chr(97 + number)}")
        await day.poll()
        await day.until("2026-03-02 09:30")
        assert [mail["subject"] for mail in box.mails] == ["Anna paid", "Studio Nord: 9 notes from Selftimer"]
        told = box.mails[1].get_content()
        assert all(f"Ben{chr(97 + number)} paid" in told for number in range(9))


async def test_at_most_one_goes_out_in_a_minute(tmp_path: Path) -> None:
    async with mailbox() as box, StudioDay(tmp_path, RULE, words=WORDS, toml=by_mail(box)) as day:
        await settled(day)
        for second in range(5):
            tell = f"note {second}"
            await day.write(lambda tx, said=tell: tx.control.notice(day.now, said, "text", key=said))
            day.world.advance_to(day.now.add(seconds=10))
            await day.run_until(day.now)
        assert [mail["subject"] for mail in box.mails] == ["note 0"]
        await day.run_until(day.now.add(seconds=61))
        assert [mail["subject"] for mail in box.mails] == ["note 0", "Studio Nord: 4 notes from Selftimer"]


async def test_a_digest_of_very_many_says_how_many_more_there_are_and_ends(tmp_path: Path) -> None:
    async with mailbox() as box, StudioDay(tmp_path, RULE, words=WORDS, toml=by_mail(box)) as day:
        await settled(day)

        def storm(tx: Any) -> None:
            for number in range(100):
                tx.control.notice(day.now, f"note {number}", "x" * 2_000, key=f"n{number}")

        await day.write(storm)
        await day.until("2026-03-02 09:30")
        (mail,) = box.mails
        assert mail["subject"] == "Studio Nord: 100 notes from Selftimer"
        assert "… and 60 more: `selftimer status` has them." in mail.get_content()
        assert len(mail.get_content()) < 30_000


async def test_what_the_engine_has_to_say_goes_out_without_the_words_of_messages(tmp_path: Path) -> None:
    rule = "- id: bill\n  title: A bill\n  when: invoice.sent\n  then:\n    - send: bill\n"
    words = {"bill": "Dear {{ client.company }}, SECRET\n"}
    async with mailbox() as box, StudioDay(tmp_path, rule, words=words, toml=by_mail(box)) as day:
        anna = day.client("Anna", company="")
        day.says(anna, "PRIVATE words")
        await settled(day)
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:30")
        (held,) = box.mails
        assert held["subject"] == "bill: bill is held"
        assert held.get_content().strip() == "client.company is missing and has no fallback"
        assert "SECRET" not in held.as_string()
        assert "PRIVATE" not in held.as_string()


async def test_a_mail_server_that_is_away_holds_nothing_up_and_is_tried_again(tmp_path: Path) -> None:
    async with mailbox() as box:
        pass
    async with StudioDay(tmp_path, RULE, words=WORDS, toml=by_mail(box)) as day:
        await settled(day)
        pay(day)
        await day.poll()
        assert [d.state for d in await day.deliveries() if d.words == "paid"] == [DeliveryState.SENT]
        await day.until("2026-03-02 09:20")
        pay(day, "Ben")
        await day.poll()
        async with listening(box):
            await day.until("2026-03-02 11:00")
        assert [mail["subject"] for mail in box.mails] == ["Studio Nord: 2 notes from Selftimer"]


async def test_a_mail_that_is_refused_for_now_is_sent_later_and_once(tmp_path: Path) -> None:
    async with mailbox() as box, StudioDay(tmp_path, RULE, words=WORDS, toml=by_mail(box)) as day:
        box.refuses = ["451 later", "421 busy"]
        await settled(day)
        pay(day)
        await day.until("2026-03-02 10:00")
        assert [mail["subject"] for mail in box.mails] == ["Anna paid"]


async def test_nothing_goes_in_the_clear_where_starttls_is_wanted_and_not_offered(tmp_path: Path) -> None:
    async with mailbox("8BITMIME") as box:
        toml = by_mail(box, security="starttls", username="kim")
        day = StudioDay(tmp_path, RULE, words=WORDS, toml=toml)
        with (day.workspace / ".env").open("a") as file:
            file.write("SELFTIMER_NOTIFY__EMAIL__PASSWORD=hunter2hunter2\n")
        async with day:
            await settled(day)
            pay(day)
            await day.poll()
            assert box.mails == []
            assert {line.split()[0].upper() for line in box.said} <= {"EHLO", "QUIT", "RSET"}


async def test_a_sign_in_is_made_where_one_is_set(tmp_path: Path) -> None:
    async with mailbox("AUTH PLAIN") as box:
        day = StudioDay(tmp_path, RULE, words=WORDS, toml=by_mail(box, username="kim"))
        with (day.workspace / ".env").open("a") as file:
            file.write("SELFTIMER_NOTIFY__EMAIL__PASSWORD=hunter2\n")
        async with day:
            await settled(day)
            pay(day)
            await day.poll()
            assert any(line.upper().startswith("AUTH PLAIN") for line in box.said), box.said
            assert len(box.mails) == 1


async def test_a_call_takes_the_form_of_whoever_is_called(tmp_path: Path) -> None:
    wanted: dict[str, dict[str, Any]] = {
        "slack": {"text": "Anna paid\n€100.00 came in."},
        "ntfy": {"topic": "nord", "title": "Anna paid", "message": "€100.00 came in."},
        "json": {"subject": "Anna paid", "text": "€100.00 came in."},
    }
    for form, body in wanted.items():
        async with receiver() as here:
            toml = by_call(here, format=form, **({"topic": "nord"} if form == "ntfy" else {}))
            day = StudioDay(tmp_path / form, RULE, words=WORDS, toml=toml)
            with (day.workspace / ".env").open("a") as file:
                file.write("SELFTIMER_NOTIFY__WEBHOOK__TOKEN=tk_1\n")
            async with day:
                await settled(day)
                pay(day)
                await day.poll()
            (call,) = here.calls
            assert json.loads(call.body) == body
            assert call.headers["authorization"] == "Bearer tk_1"


async def test_of_two_ways_the_one_that_works_tells_and_the_other_is_tried_again(tmp_path: Path) -> None:
    async with mailbox() as box, receiver(500, 500) as here:
        toml = by_mail(box) + by_call(here)
        async with StudioDay(tmp_path, RULE, words=WORDS, toml=toml) as day:
            await settled(day)
            pay(day)
            await day.until("2026-03-02 10:00")
            assert len(box.mails) == 1
            assert len(here.calls) == 3


async def test_a_restart_tells_nothing_twice(tmp_path: Path) -> None:
    async with mailbox() as box, StudioDay(tmp_path, RULE, words=WORDS, toml=by_mail(box)) as day:
        await settled(day)
        pay(day)
        await day.poll()
        await day.restart()
        await day.until("2026-03-02 10:00")
        assert [mail["subject"] for mail in box.mails] == ["Anna paid"]


async def test_what_is_older_than_a_day_when_a_way_is_first_set_is_not_told(tmp_path: Path) -> None:
    async with mailbox() as box, StudioDay(tmp_path, RULE, words=WORDS) as day:
        await settled(day)
        pay(day)
        await day.until("2026-03-04 09:00")
        with (day.workspace / "selftimer.toml").open("a") as file:
            file.write(by_mail(box))
        await day.restart()
        await day.until("2026-03-04 09:05")
        assert box.mails == []


async def test_without_a_way_notes_are_kept_and_nothing_is_tried(tmp_path: Path) -> None:
    async with StudioDay(tmp_path, RULE, words=WORDS) as day:
        await settled(day)
        pay(day)
        await day.poll()
        assert "Anna paid" in await day.notices()
