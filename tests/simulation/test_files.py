"""Files that go with a message: uploaded before the one POST, each once, and from the workspace alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.acceptance.support_meddler import Meddler
from tests.simulation.studio_day import StudioDay

from selftimer.errors import RuleFileError
from selftimer.plan.state import DeliveryState
from selftimer.rulebook.files import MAX_FILE

if TYPE_CHECKING:
    from pathlib import Path

RULE = """
- id: bill
  title: A bill went out
  when: invoice.sent
  if: invoice.outstanding
  then:
    - send: bill
      attach: [prices.pdf, maps/way.png]
"""
WORDS = {"bill": "subject: Your bill\nattach: prices.pdf\n---\nbill {{ client.first_name }}\n"}


def day_with(
    folder: Path, rule: str = RULE, files: dict[str, bytes] | None = None, words: dict[str, str] | None = None
) -> StudioDay:
    day = StudioDay(folder, rule, words=words if words is not None else WORDS)
    given = files if files is not None else {"prices.pdf": b"%PDF prices", "maps/way.png": b"PNG way"}
    for name, content in given.items():
        path = day.workspace / "automations" / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return day


async def billed(day: StudioDay, until: str = "2026-03-02 09:30") -> None:
    anna = day.known()
    await day.until("2026-03-02 09:01")
    day.invoice(anna, "2026-03-20")
    await day.until(until)


def carried(day: StudioDay) -> list[tuple[str, str, int, bool]]:
    """Name, type, size and whether it was uploaded of each file of the only message."""
    (sent,) = day.messages()
    rows = [day.world.tables.attachments.rows[i] for i in sent["content"]["attachment_ids"]]
    return [(row.filename, row.content_type, row.file_size, row.content is not None) for row in rows]


async def test_files_of_the_step_and_of_the_words_go_with_the_message_each_once(tmp_path: Path) -> None:
    async with day_with(tmp_path) as day:
        await billed(day)
        assert carried(day) == [("prices.pdf", "application/pdf", 11, True), ("way.png", "image/png", 7, True)]
        assert len(day.world.tables.attachments.rows) == 2


async def test_a_template_of_the_studio_can_carry_files_too(tmp_path: Path) -> None:
    day = day_with(tmp_path, words={})
    template = next(t for t in day.world.tables.templates if t.kind == "email" and t.name == "Price list")
    rule = RULE.replace("send: bill", f"send: {template.id}\n      with: {{client_name: Anna}}")
    day.rules(rule)
    async with day:
        await billed(day)
        assert [name for name, *_ in carried(day)] == ["prices.pdf", "way.png"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/conversation_message_attachments/upload_url"), ("POST", "/_uploads/")]
)
@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "drop_before"}], ids=["503", "lost"])
async def test_an_upload_that_fails_leaves_nothing_sent_and_is_tried_again(
    tmp_path: Path, method: str, path: str, fault: dict[str, Any]
) -> None:
    more = {k: v for k, v in fault.items() if k != "kind"}
    async with day_with(tmp_path) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.fault(fault["kind"], method=method, path=path, times=6, **more)
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:05")
        assert day.messages() == []
        await day.until("2026-03-02 09:30")
        assert [uploaded for *_, uploaded in carried(day)] == [True, True]


async def test_a_retry_of_the_message_uploads_nothing_again(tmp_path: Path) -> None:
    async with day_with(tmp_path) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.fault("drop_before", method="POST", path="/conversation_messages")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:30")
        assert (await day.one()).attempt == 2
        assert [name for name, *_ in carried(day)] == ["prices.pdf", "way.png"]
        assert len(day.world.tables.attachments.rows) == 2


async def test_a_file_that_is_uploaded_stays_so_when_the_next_one_fails(tmp_path: Path) -> None:
    async with day_with(tmp_path) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.fault("status", method="POST", path="/_uploads/", skip=1, status=503)
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:30")
        assert [uploaded for *_, uploaded in carried(day)] == [True, True]
        names = [row.filename for row in day.world.tables.attachments]
        assert sorted(names) == ["prices.pdf", "way.png", "way.png"]


@pytest.mark.parametrize("pays", [True, False])
async def test_after_an_upload_that_took_its_time_all_is_asked_again_and_nothing_uploaded_again(
    tmp_path: Path, pays: bool
) -> None:
    day = day_with(tmp_path)

    async def slowly() -> None:
        if meddler.hits == 1:
            await day.clock.sleep(6)
            if pays:
                day.pay(bill)

    day.transport = meddler = Meddler(day.transport, path="/_uploads/", before=slowly)  # type: ignore[assignment] # it counts requests too
    async with day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        bill = day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:30")
        assert [row[:11] for row in day.sent()] == ([] if pays else ["03-02 09:05"])
        assert (await day.one()).reason == ("if no longer holds" if pays else None)
        assert len(day.world.tables.attachments.rows) == 2


async def test_a_restart_between_attempts_uploads_nothing_again(tmp_path: Path) -> None:
    async with day_with(tmp_path) as day:
        anna = day.known()
        await day.until("2026-03-02 09:01")
        day.fault("drop_before", method="POST", path="/conversation_messages")
        day.invoice(anna, "2026-03-20")
        await day.until("2026-03-02 09:05")
        await day.restart()
        await day.until("2026-03-02 09:30")
        assert len(day.messages()) == 1
        assert len(day.world.tables.attachments.rows) == 2


async def test_a_dry_run_uploads_nothing(tmp_path: Path) -> None:
    async with day_with(tmp_path, RULE.replace("  when:", "  mode: dry_run\n  when:")) as day:
        await billed(day)
        assert (await day.one()).state is DeliveryState.SENT
        assert len(day.world.tables.attachments.rows) == 0


async def test_a_file_that_is_gone_when_it_is_needed_fails_the_message_and_is_told(tmp_path: Path) -> None:
    async with day_with(tmp_path) as day:
        (day.workspace / "automations/files/prices.pdf").unlink()
        await billed(day)
        failed = await day.one()
        assert failed.state is DeliveryState.FAILED
        assert failed.reason == "automations/files/prices.pdf can't be read: No such file or directory"
        assert "bill: bill needs you" in await day.notices()


@pytest.mark.parametrize("where", ["file", "folder"])
async def test_a_link_that_leads_out_of_the_folder_is_never_read(tmp_path: Path, where: str) -> None:
    secret = tmp_path / "outside" / "prices.pdf"
    secret.parent.mkdir()
    secret.write_bytes(b"a secret")
    async with day_with(tmp_path) as day:
        here = day.workspace / "automations/files"
        if where == "file":
            (here / "prices.pdf").unlink()
            (here / "prices.pdf").symlink_to(secret)
        else:
            (here / "maps" / "way.png").unlink()
            (here / "maps").rmdir()
            (here / "maps").symlink_to(secret.parent)
            (secret.parent / "way.png").write_bytes(b"a secret")
        await billed(day)
        assert (await day.one()).state is DeliveryState.FAILED
        assert "leads out of the workspace" in ((await day.one()).reason or "")
        assert day.messages() == []


async def test_a_file_that_grew_too_large_is_told_and_nothing_is_sent(tmp_path: Path) -> None:
    async with day_with(tmp_path) as day:
        with (day.workspace / "automations/files/prices.pdf").open("wb") as file:
            file.truncate(MAX_FILE + 1)
        await billed(day)
        assert (await day.one()).reason == (
            "automations/files/prices.pdf has more than 10 MiB, the most that the studio takes"
        )
        assert len(day.world.tables.attachments.rows) == 0


async def refusal(day: StudioDay) -> list[str]:
    with pytest.raises(RuleFileError) as caught:
        await day.start()
    return [str(problem) for problem in caught.value.problems]


async def test_a_missing_file_is_found_when_the_rules_are_loaded(tmp_path: Path) -> None:
    day = day_with(tmp_path, files={"price.pdf": b"x", "maps/way.png": b"x"})
    assert await refusal(day) == [
        "automations/messages/bill.md:2:9: there is no file automations/files/prices.pdf; did you mean 'price.pdf'?",
        "rules/test.yaml:7:9: there is no file automations/files/prices.pdf; did you mean 'price.pdf'?",
    ]


async def test_a_note_carries_no_files_and_says_so_when_the_rules_are_loaded(tmp_path: Path) -> None:
    day = day_with(tmp_path, RULE.replace("send: bill\n      attach: [prices.pdf, maps/way.png]", "notify: bill"))
    assert await refusal(day) == [
        (
            "rules/test.yaml:7:9: a note carries no files, and bill has; "
            "take 'attach' out of its head, or send it to a client"
        )
    ]


async def test_a_file_that_is_too_large_is_found_when_the_rules_are_loaded(tmp_path: Path) -> None:
    day = day_with(tmp_path, files={"maps/way.png": b"x", "prices.pdf": b"x"})
    with (day.workspace / "automations/files/maps/way.png").open("wb") as file:
        file.truncate(MAX_FILE + 1)
    assert await refusal(day) == [
        (
            "rules/test.yaml:7:9: automations/files/maps/way.png has 10.0 MiB; the studio takes 10; "
            "make it smaller, or send a link to it"
        )
    ]


@pytest.mark.parametrize("name", ["../secrets.env", "/etc/passwd", "maps/../../x", "~/x", "a//b", "./a"])
async def test_a_path_that_leads_out_is_refused_when_the_rules_are_loaded(tmp_path: Path, name: str) -> None:
    day = day_with(tmp_path, RULE.replace("maps/way.png", f'"{name}"'), words={})
    (problem,) = await refusal(day)
    assert problem == (
        f"rules/test.yaml:8:30: {name!r} leads out of automations/files/; "
        "put the file into automations/files/ and write its name from there"
    )
