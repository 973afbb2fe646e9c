"""What is wrong outside is said with its place and its cure, loses nothing, and stops no more than it must."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs
from tests.acceptance.cli_kit import ENTRY, RULES, SOURCE, Commands, Studio, bare, make_workspace
from tests.acceptance.support_meddler import Meddler, huge, page, refused
from whenever import Instant

from selftimer import wiring
from selftimer.errors import StoreFull
from selftimer.facts.records import LISTED, Kind
from selftimer.plan.state import DeliveryState, Hold
from selftimer.runtime import local
from selftimer.sandbox.book import people
from selftimer.sandbox.profile import ServerOptions
from selftimer.sandbox.world import World
from selftimer.settings import Settings
from selftimer.simulation.harness import Simulation
from selftimer.store.engine import READ_ONLY
from selftimer.store.lock import locked_by
from selftimer.store.reader import SqlReader
from selftimer.store.store import SqlStore
from selftimer.wiring import STUDIO

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from selftimer.ports.reader import NoticeView
    from selftimer.sandbox.model import Client
    from selftimer.store.engine import Database

# --- files that people edit ------------------------------------------------------------------------------------------


@pytest.fixture
def selftimer(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Commands over a workspace whose studio isn't there: nothing of these may get as far as to ask it."""
    bare(monkeypatch)
    return Commands(make_workspace(tmp_path / "workspace", "http://127.0.0.1:9"), capsys)


WORDS = "automations/messages/hello.md"
WRONG_FILES = {
    "unknown field": (
        {"rules/rules.yaml": RULES.replace("client.type", "client.typ")},
        ["rules/rules.yaml:5:16: client has no field 'typ'; did you mean 'type'?"],
    ),
    "unknown key": (
        {"rules/rules.yaml": RULES.replace("mode:", "mod:")},
        ["rules/rules.yaml:6:5: there is no key 'mod'; did you mean 'mode'?"],
    ),
    "tab": (
        {"rules/rules.yaml": RULES.replace("    mode:", "\tmode:")},
        ["rules/rules.yaml:6:1: a tab; YAML wants blanks: two for each level"],
    ),
    "the same id twice": (
        {"rules/more.yaml": RULES},
        ["rules/more.yaml:2:9: a rule 'hello'", "rules/rules.yaml:2:9: a rule 'hello'", "choose another"],
    ),
    "missing words": (
        {"rules/rules.yaml": RULES.replace("send: hello", "send: helo")},
        ["rules/rules.yaml:11:15: there is no message 'helo'; did you mean 'hello'?"],
    ),
    "undefined field in a message": (
        {WORDS: "Hi {{ client.frist_name }},\n"},
        [f"{WORDS}:1:14: client has no field 'frist_name'", "rules/rules.yaml:11:15", "did you mean 'first_name'?"],
    ),
    "undefined variable in a message": (
        {WORDS: "Hi\n{{ session.start_at | date }}\n"},
        [f"{WORDS}:2:4: 'session' is not known here", "rules/rules.yaml:11:15", "known: client, event"],
    ),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_wrong_file_is_told_with_its_place_and_its_cure_and_nothing_begins(name: str, selftimer: Commands) -> None:
    files, sentences = WRONG_FILES[name]
    for file, text in files.items():
        (selftimer.workspace / file).write_text(text)

    assert selftimer("check") == 1
    assert all(sentence in selftimer.out + selftimer.err for sentence in sentences), selftimer.out + selftimer.err
    assert selftimer("once") == 1
    assert all(sentence in selftimer.err for sentence in sentences), selftimer.err
    assert not (selftimer.workspace / ".selftimer" / "selftimer.db").exists()

    for file in files:
        (selftimer.workspace / file).unlink()
    (selftimer.workspace / "rules/rules.yaml").write_text(RULES)
    (selftimer.workspace / WORDS).write_text("Hi {{ client.first_name }},\n")
    assert selftimer("check") == 0


CONTRACT = """
rules:
  - id: papers
    title: A contract of a template that isn't there
    when: lead.created
    then:
      - create: contract
        from: Portret agreement
  - id: hello
    title: Answer
    when: lead.created
    repeat: once per client
    ignore_quiet_hours: true
    then:
      - send: hello
"""
HELLO = "Hi {{ client.first_name }},\n\nthank you for writing.\n"
ANSWER = """
rules:
  - id: hello
    title: Answer
    when: lead.created
    repeat: once per client
    ignore_quiet_hours: true
    late: 12 hours
    then:
      - send: hello
"""


def simulation(folder: Path, rules: str = ANSWER, world: World | None = None, **options: Any) -> Simulation:
    """A studio where nothing happens by itself and a rule that answers leads."""
    files = {"rules/rules.yaml": rules, "automations/messages/hello.md": HELLO}
    return Simulation(folder, world=world or World.empty(), rules=files, **options)


def meddled(sim: Simulation) -> Meddler:
    """The same with a transport that can spoil answers."""
    meddler = Meddler(sim.transport)
    sim.transport = meddler  # type: ignore[assignment] # it counts requests too
    return meddler


def lead(world: World, number: int = 0) -> Client:
    """Somebody writes for the first time."""
    client = people.add_client(
        world, first_name="Nina", last_name=f"Oakfield{number}", email=f"nina{number}@example.com"
    )
    people.client_says(world, client.id, "Are you free in June?")
    return client


def notices(sim: Simulation) -> list[NoticeView]:
    """What the owner was told, the oldest first."""
    reader = SqlReader(sim.workspace / ".selftimer" / "selftimer.db", STUDIO)
    try:
        return reader.notices()[::-1]
    finally:
        reader.close()


def answered(sim: Simulation) -> list[str]:
    """Who got a message, in order."""
    return [row["client_id"] for row in sim.messages()]


async def test_a_template_that_the_studio_lacks_fails_that_step_alone_and_says_which_there_are(tmp_path: Path) -> None:
    async with simulation(tmp_path, CONTRACT) as sim:
        await sim.run_until(sim.now.add(hours=1))
        client = lead(sim.world)
        await sim.run_until(sim.now.add(hours=1))

        (failed,) = await sim.deliveries(DeliveryState.FAILED)
        assert "no contract template 'Portret agreement'" in (failed.reason or "")
        assert "Portrait agreement" in (failed.reason or ""), "it says what there is"
        told = [notice for notice in notices(sim) if "papers" in notice.subject]
        assert len(told) == 1
        assert client.id in told[0].text
        assert answered(sim) == [client.id], "the other rule goes on"


# --- the session -----------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_told_and_nothing_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(monkeypatch)
    with Studio(World.empty(mode="real")) as studio:
        selftimer = Commands(make_workspace(tmp_path / "workspace", studio.origin), capsys)
        monkeypatch.setenv("SELFTIMER_PASSWORD", "swordfish")
        assert selftimer("once") == 3
        assert "SELFTIMER_PASSWORD" in selftimer.err
        assert "swordfish" not in selftimer.out + selftimer.err
        monkeypatch.delenv("SELFTIMER_PASSWORD")
        assert selftimer("once") == 0


async def test_a_password_that_was_changed_is_told_once_asked_seldom_and_the_service_goes_on_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with simulation(tmp_path) as sim:
        meddler = meddled(sim)
        await sim.restart()
        await sim.run_until(sim.now.add(hours=1))
        meddler.path, meddler.spoil = "POST /login", page(422, "These credentials do not match our records.")
        await _logins(sim, "expire")
        client = lead(sim.world)
        await sim.run_until(sim.now.add(hours=3))

        told = [notice for notice in notices(sim) if "SELFTIMER_PASSWORD" in notice.text]
        assert len(told) == 1
        assert meddler.hits <= 3 * 3 + 1, "three sign-ins an hour at most"
        assert answered(sim) == []

        meddler.let_be()
        await sim.run_until(sim.now.add(hours=2))
        assert answered(sim) == [client.id], "nothing was missed"


async def _logins(sim: Simulation, action: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sim.app), base_url="http://localhost") as control:
        (await control.post("/_sandbox/logins", json={"action": action})).raise_for_status()


@pytest.mark.parametrize("style", ["401", "419", "redirect", "html"])
async def test_a_session_that_expires_in_mid_sweep_is_renewed_and_is_never_data(tmp_path: Path, style: str) -> None:
    world = World(population=130, living=False)
    options = ServerOptions(expiry_style=style)  # type: ignore[arg-type] # one of its words
    async with simulation(tmp_path, world=world, options=options) as sim:
        await sim.run_until(sim.now.add(hours=1))
        before = await _counts(sim)
        meddler = meddled(sim)
        await sim.restart()
        left = [3]

        async def expire() -> None:
            left[0] -= 1
            if left[0] == 0:
                await _logins(sim, "expire")

        meddler.path, meddler.before = r"GET /api/v1/clients/\?", expire
        await sim.run_until(sim.now.add(hours=7))  # a whole sweep
        assert left[0] <= 0, "it expired in the middle"
        after = await _counts(sim)
        assert all(after[kind] >= before[kind] for kind in LISTED), "nothing vanished"
        assert notices(sim) == []
        client = lead(sim.world)
        await sim.run_until(sim.now.add(minutes=10))
        assert answered(sim) == [client.id]


async def _counts(sim: Simulation) -> dict[Kind, int]:
    return await sim.service.store.read(lambda tx: {kind: tx.records.count(kind) for kind in LISTED})


# --- what the studio answers -----------------------------------------------------------------------------------------


async def test_one_broken_record_is_set_aside_and_told_once_the_others_go_on_and_it_comes_back(tmp_path: Path) -> None:
    async with simulation(tmp_path) as sim:
        await sim.run_until(sim.now.add(hours=1))
        clients = [lead(sim.world, number) for number in range(3)]
        broken = clients[1]  # newest first: in the middle of the page
        fault = sim.fault(
            "broken_record", method="GET", path="/clients/\\?", times=10_000, index=1, record={"type": "vip"}
        )
        by_id = sim.fault("status", method="GET", path=f"/clients/{broken.id}", times=10_000, status=503)
        await sim.run_until(sim.now.add(hours=3))
        assert fault.hits > 10
        assert sorted(answered(sim)) == sorted(c.id for c in clients if c is not broken)
        told = [notice for notice in notices(sim) if "can't be understood" in notice.subject]
        assert len(told) == 1
        assert broken.id in told[0].text
        assert "'vip'" in told[0].text

        sim.faults.clear()
        await sim.run_until(sim.now.add(hours=1))
        assert by_id.hits > 0
        assert sorted(answered(sim)) == sorted(c.id for c in clients), "mended, it is a lead like any other"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (refused, "connection"),
        (page(200, "We are sorry"), "web page"),
        (page(503, "Back soon"), "503"),
        (huge, "10 MB"),
    ],
    ids=["unreachable", "html everywhere", "html 503 everywhere", "11 MB"],
)
async def test_a_studio_that_cant_be_read_is_told_and_nothing_is_missed_or_taken_as_removed(
    tmp_path: Path, spoil: Any, said: str
) -> None:
    async with simulation(tmp_path, world=World(population=20, living=False)) as sim:
        await sim.run_until(sim.now.add(hours=1))
        before = await _counts(sim)
        meddler = meddled(sim)
        await sim.restart()
        await sim.run_until(sim.now.add(hours=1))
        meddler.path, meddler.spoil = "/api/v1/", spoil
        client = lead(sim.world)
        await sim.run_until(sim.now.add(hours=5))

        assert meddler.hits < 5 * 60 * 12, "it doesn't hammer on a door that is shut"
        assert answered(sim) == []
        assert await _counts(sim) == before, "nothing is taken as removed"
        told = [notice for notice in notices(sim) if "can't be read" in notice.subject]
        assert len(told) == len(LISTED)
        assert all(said in notice.text for notice in told), told[0].text

        meddler.let_be()
        await sim.run_until(sim.now.add(hours=1))
        assert answered(sim) == [client.id], "nothing was missed"
        assert (await _counts(sim))[Kind.CLIENT] == before[Kind.CLIENT] + 1


async def test_a_studio_that_cant_be_read_from_the_start_baselines_nothing(tmp_path: Path) -> None:
    sim = simulation(tmp_path, world=World(population=20, living=False))
    meddler = meddled(sim)
    meddler.path, meddler.spoil = "/api/v1/", page(200, "We are sorry")
    async with sim:
        await sim.run_until(sim.now.add(hours=2))
        resources = await sim.service.store.read(lambda tx: [tx.records.resource(kind) for kind in LISTED])
        assert all(resource is None or resource.baseline_at is None for resource in resources)
        meddler.let_be()
        await sim.run_until(sim.now.add(hours=1))
        assert answered(sim) == [], "what was there before is the baseline, however late it was read"
        client = lead(sim.world)
        await sim.run_until(sim.now.add(minutes=10))
        assert answered(sim) == [client.id]


async def test_a_conversation_of_another_client_is_never_written_in(tmp_path: Path) -> None:
    async with simulation(tmp_path) as sim:
        meddler = meddled(sim)
        await sim.restart()
        await sim.run_until(sim.now.add(hours=1))
        other = people.add_client(
            sim.world, first_name="Olaf", last_name="Elsewhere", email="olaf@example.com", client_type="client"
        )
        people.open_conversation(sim.world, other.id, "Another matter", by="client")
        client = lead(sim.world)

        def swap(response: httpx.Response) -> httpx.Response:
            text = response.content.replace(client.id.encode(), other.id.encode())
            return httpx.Response(response.status_code, content=text, headers={"content-type": "application/json"})

        meddler.spoil = swap
        meddler.path = "GET /api/v1/conversations/conv_"
        await sim.run_until(sim.now.add(hours=2))
        assert answered(sim) == []
        (held,) = await sim.deliveries()
        assert (held.state, held.hold) == (DeliveryState.HELD, Hold.CONVERSATION)
        assert [notice for notice in notices(sim) if "another client" in notice.text]

        meddler.let_be()
        await sim.run_until(sim.now.add(hours=1))
        assert answered(sim) == [client.id]


# --- the machine -----------------------------------------------------------------------------------------------------


class Disk:
    """Has no room from the n-th commit on, as SQLite says it where the write-ahead log can't grow."""

    def __init__(self, database: Database) -> None:
        self.left: int | None = None
        self.refused = 0
        self._error = database.library.module.OperationalError
        sa.event.listen(database.engine, "commit", self._commit)

    def _commit(self, connection: sa.Connection) -> None:
        if self.left is None or connection.get_execution_options().get(READ_ONLY):
            return
        self.left -= 1
        if self.left < 0:
            self.refused += 1
            raise self._error("database or disk is full")


@pytest.mark.parametrize("commits", range(20))
async def test_a_disk_that_is_full_at_any_commit_doubles_and_loses_nothing(tmp_path: Path, commits: int) -> None:
    async with simulation(tmp_path) as sim:
        await sim.run_until(sim.now.add(hours=1))
        assert isinstance(sim.service.store, SqlStore)
        disk = Disk(sim.service.store.database)
        client = lead(sim.world)
        disk.left = commits
        said = []
        for _ in range(5):  # the disk stays full for a while: each lane is tried again, and says the same again
            try:
                await sim.run_until(sim.now.add(minutes=10))
            except StoreFull as error:
                said.append(str(error))
        assert said
        assert all(
            "selftimer.db" in text and "Free some space" in text and "goes on by itself" in text for text in said
        )
        assert len(answered(sim)) <= 1

        disk.left = None
        await sim.run_until(sim.now.add(hours=1))
        assert answered(sim) == [client.id]
        assert [d.state for d in await sim.deliveries()] == [DeliveryState.SENT]


async def test_the_service_survives_a_full_disk_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "AFTER_A_FAULT", 0.1)
    sim = simulation(tmp_path, world=World.empty(mode="real"))  # for its workspace and its studio: time is real here
    settings = Settings.load(sim.workspace)
    settings.state_folder.mkdir()
    service = await wiring.build(settings, transport=sim.transport, seed=1)
    assert isinstance(service.store, SqlStore)
    disk, runtime = Disk(service.store.database), local.Local(service)
    running = asyncio.create_task(runtime.run())
    await _until(lambda: service.observe.polls > 0)
    with capture_logs() as logs:
        disk.left = 0
        client = lead(sim.world)
        service.observe.poll_at = Instant.MIN
        runtime.wake("observe")
        await _until(lambda: disk.refused > 2)
        assert not running.done(), "it lives on"
        disk.left = None
        await _until(lambda: bool(answered(sim)))
    told = [line for line in logs if line["event"] == "store.full"]
    assert told
    assert "Free some space" in told[0]["error"]
    runtime.stop()
    await running
    await service.aclose()
    assert answered(sim) == [client.id]


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.02)


async def test_a_torn_line_of_the_send_journal_holds_nothing_up_and_nothing_is_sent_again(tmp_path: Path) -> None:
    async with simulation(tmp_path) as sim:
        await sim.run_until(sim.now.add(hours=1))
        first = lead(sim.world)
        await sim.run_until(sim.now.add(minutes=10))
        await sim.aclose()
        journal = sim.workspace / ".selftimer" / "sends.jsonl"
        whole = journal.read_bytes()
        journal.write_bytes(whole[:-25])  # the line after the answer isn't synced: a power cut may tear it
        await sim.start()
        second = lead(sim.world, 2)
        await sim.run_until(sim.now.add(hours=1))
        assert answered(sim) == [first.id, second.id]
        kept = journal.read_bytes()
        assert kept.startswith(whole[:-25]), "lines are only ever added"
        entries = list(sim.service.store.journal.entries())
        assert [entry.outcome for entry in entries] == ["intent", "intent", "sent"]
        assert await sim.service.store.read(lambda tx: tx.control.pauses()) == []


def test_a_damaged_database_is_told_and_kept_and_nothing_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(monkeypatch)
    with Studio(World.empty(mode="real")) as studio:
        selftimer = Commands(make_workspace(tmp_path / "workspace", studio.origin), capsys)
        assert selftimer("once") == 0
        database = selftimer.workspace / ".selftimer" / "selftimer.db"
        damaged = b"SQLite format 3\0" + b"\xff" * 4_000 + database.read_bytes()[4_016:]
        database.write_bytes(damaged)
        for command in ("once", "run"):
            assert selftimer(command) == 4
            assert "selftimer.db is damaged" in selftimer.err
            assert "keep this file" in selftimer.err
            assert "backup" in selftimer.err
            assert database.read_bytes() == damaged
        assert studio.messages() == []


def test_a_second_service_on_a_workspace_is_refused_and_names_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(monkeypatch)
    with Studio(World.empty(mode="real")) as studio:
        selftimer = Commands(make_workspace(tmp_path / "workspace", studio.origin), capsys)
        environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
        first = subprocess.Popen(
            [*ENTRY, "run", "-w", str(selftimer.workspace)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 30
            while locked_by(selftimer.workspace / ".selftimer") != first.pid:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            for command in ("run", "once"):
                assert selftimer(command) == 2
                assert f"process {first.pid}" in selftimer.err
                assert str(selftimer.workspace) in selftimer.err
            assert first.poll() is None, "the first goes on"
        finally:
            first.terminate()
            first.wait(60)
        assert selftimer("once") == 0


@pytest.mark.parametrize("clock", ["http://127.0.0.1:8", "http://localhost:9", "https://127.0.0.1:9"])
def test_a_clock_of_another_origin_is_refused(selftimer: Commands, clock: str) -> None:
    assert selftimer("run", "--sandbox-clock", clock) == 2
    assert clock in selftimer.err
    assert "http://127.0.0.1:9" in selftimer.err


def test_a_clock_for_a_studio_out_there_is_refused(selftimer: Commands) -> None:
    env = selftimer.workspace / ".env"
    env.write_text(env.read_text().replace("http://127.0.0.1:9", "https://studio.example.com"))
    assert selftimer("run", "--sandbox-clock", "https://studio.example.com") == 2
    assert "local sandbox only" in selftimer.err
