"""A studio of a test's own: nothing happens in it but what the test does, and a service looks after it in process."""

from __future__ import annotations

import re
from contextlib import closing
from textwrap import dedent, indent
from typing import TYPE_CHECKING, Any, Self

from whenever import Date, Instant, PlainDateTime

from selftimer.facts.records import Kind
from selftimer.plan.state import DeliveryState, RunState
from selftimer.sandbox.book import money, papers, people, sessions
from selftimer.sandbox.catalog import template_named
from selftimer.sandbox.world import World
from selftimer.simulation.harness import SETTINGS, Simulation
from selftimer.simulation.workspace import write_files
from selftimer.store.reader import SqlReader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from selftimer.facts.stored import StoredEvent, StoredRecord, TraceRow
    from selftimer.plan.state import Delivery, Run, Timer
    from selftimer.ports import Tx
    from selftimer.sandbox.model import Client, Contract, Invoice, Message, Payment, Questionnaire, Session
    from selftimer.sandbox.profile import ServerOptions, StudioProfile

ZONE = "Europe/Berlin"
AWAY_IS_FINE = "[limits]\naway_hours = 1000\n"
"""For what is about time itself: a service that was down for days works on as if nothing had been."""
WORDS = re.compile(r"(?:send|notify): ([a-z][a-z-]*)")


def berlin(text: str) -> Instant:
    """`2026-03-04 10:00`, as the studio's clock on the wall says it."""
    return PlainDateTime.parse_iso(text.replace(" ", "T")).assume_tz(ZONE, disambiguation="compatible").to_instant()


class ProcessDied(BaseException):
    """The process is gone in the middle of its work."""


def workspace_files(rules: str, automations: str = "", words: Mapping[str, str] | None = None) -> dict[str, str]:
    """The files of a workspace: rules without their head, words made up where the test gives none."""
    given = dict(words or {})
    for name in WORDS.findall(rules + automations):
        given.setdefault(name, f"{name} {{{{ client.first_name }}}}\n")
    files = {f"automations/messages/{name}.md": text for name, text in given.items()}
    files["rules/test.yaml"] = "rules:\n" + indent(dedent(rules).strip("\n"), "  ") + "\n" if rules else "rules: []\n"
    if automations:
        files["automations/test.yaml"] = "automations:\n" + indent(dedent(automations).strip("\n"), "  ") + "\n"
    return files


class StudioDay(Simulation):
    """A quiet studio in Berlin from 2 March 2026, 08:00, with the rules of a test.

    Words that the rules name and nobody gave are made up: `nudge` says `nudge Anna`. Polls take place at whole five
    minutes after something changed; `until` goes on to a local time.
    """

    def __init__(
        self,
        folder: Path,
        rules: str = "",
        *,
        automations: str = "",
        words: Mapping[str, str] | None = None,
        toml: str = "",
        start: str = "2026-03-02 08:00",
        world: World | None = None,
        options: ServerOptions | None = None,
        profile: StudioProfile | None = None,
    ) -> None:
        world = world or World.empty(start=berlin(start), **({"profile": profile} if profile else {}))
        files = workspace_files(rules, automations, words or {})
        super().__init__(
            folder, world=world, rules=files, settings=SETTINGS + dedent(toml), owner=False, options=options
        )
        self._people = 0

    # --- the studio's side ---------------------------------------------------------------------------------------

    def client(self, name: str = "Anna", kind: str = "client", **fields: Any) -> Client:
        """A contact who is entered now."""
        self._people += 1
        email = fields.pop("email", f"{name.lower()}{self._people}@example.com")
        return people.add_client(
            self.world,
            first_name=name,
            last_name=fields.pop("last_name", f"Canary{self._people}"),
            email=email,
            client_type=kind,  # type: ignore[arg-type]  # one of the three, as the test says
            person=f"{name}-{self._people}",
            **fields,
        )

    def lead(self, name: str = "Anna", text: str | None = "Are you free in June?", **fields: Any) -> Client:
        """Somebody who asks for the first time: a lead with a conversation that holds their inquiry."""
        client = self.client(name, "lead", **fields)
        if text is not None:
            people.client_says(self.world, client.id, text)
        return client

    def known(self, name: str = "Anna", **fields: Any) -> Client:
        """A client with a conversation."""
        client = self.client(name, **fields)
        people.client_says(self.world, client.id, "Hello")
        return client

    def says(self, client: Client, text: str = "Yes please") -> Message:
        """The client writes."""
        return people.client_says(self.world, client.id, text)

    def says_elsewhere(self, client: Client, text: str = "Another matter") -> Message:
        """The client writes in a new thread."""
        people.open_conversation(self.world, client.id, "Another matter", by="client")
        return people.client_says(self.world, client.id, text)

    def kim_says(self, client: Client, text: str = "Kim here, let us talk") -> Message:
        """The owner writes by hand."""
        thread = people.conversation_of(self.world, client.id)
        assert thread is not None
        return people.studio_says(self.world, thread, text, by="studio")

    def change(self, client: Client, **fields: Any) -> None:
        """The owner changes fields of a client."""
        people.update_client(self.world, client, **fields)

    def session(self, client: Client, at: str, status: str = "confirmed", kind: str = "portrait") -> Session:
        """A session of a type at a local time."""
        wanted = next(t for t in self.world.tables.session_types if t.key == kind)
        return sessions.add_session(self.world, client.id, wanted, berlin(at), status)  # type: ignore[arg-type]  # as the test says

    def set_session(self, session: Session, status: str) -> None:
        """Another status."""
        sessions.set_status(self.world, session, status)  # type: ignore[arg-type]  # as the test says

    def move(self, session: Session, at: str) -> None:
        """Another date."""
        sessions.move(self.world, session, berlin(at))

    def invoice(self, client: Client, due: str, amount: int = 10_000, **given: Any) -> Invoice:
        """A sent invoice (a draft with `sent=False`) in cents."""
        item = money.line(self.world, client.id, "Session", amount)
        return money.add_invoice(self.world, client.id, [item], Date.parse_iso(due), by="studio", **given)

    def due(self, invoice: Invoice, due: str) -> None:
        """Another due date."""
        invoice.due_date = Date.parse_iso(due)
        self.world.tables.invoices.touch(invoice.id)
        self.world.changed()

    def pay(self, invoice: Invoice, amount: int | None = None, **given: Any) -> Payment:
        """Money comes: all that is open, or so many cents."""
        return money.pay(self.world, invoice, amount if amount is not None else invoice.balance, **given)

    def change_payment(self, payment: Payment, status: str) -> None:
        """It is disputed, or goes back."""
        whole = payment.amount if status == "refunded" else None
        money.change_payment(self.world, payment, status, refunded=whole)  # type: ignore[arg-type]  # as the test says

    def contract(self, client: Client, **given: Any) -> Contract:
        """A contract that the owner sends."""
        template = template_named(self.world, "contract", "portrait")
        return papers.add_contract(self.world, client.id, template, by="studio", **given)

    def contract_is(self, contract: Contract, status: str) -> None:
        """Another status."""
        papers.set_contract(self.world, contract, status)  # type: ignore[arg-type]  # as the test says

    def sign(self, contract: Contract) -> None:
        """All sign."""
        papers.set_contract(self.world, contract, "signed")

    def fill_in(self, form: Questionnaire) -> None:
        """The client answers."""
        papers.set_questionnaire(self.world, form, "completed", ["Family"])

    def vanish(self, table: str, record_id: str) -> None:
        """A record is deleted in the studio."""
        rows = getattr(self.world.tables, table)
        row = rows.rows.pop(record_id)
        if row.client_id:
            rows.of_client(row.client_id).remove(row)
        rows.touch(record_id)
        self.world.changed()

    def hide(self, table: str, record_id: str) -> None:
        """No list shows the record, but it is there by its id."""
        rows = getattr(self.world.tables, table)
        seen = rows.newest
        rows.newest = lambda: [row for row in seen() if row.id != record_id]
        rows.touch(record_id)
        self.world.changed()

    async def expire_logins(self) -> None:
        """All web sessions end."""
        answer = await self.clock._http.post("/_sandbox/logins", json={"action": "expire"})
        answer.raise_for_status()

    async def drift(self, **order: Any) -> None:
        """The studio's payloads change without notice."""
        answer = await self.clock._http.post("/_sandbox/drift", json=order)
        assert answer.status_code == 200, answer.text
        self.world.changed()

    async def no_drift(self) -> None:
        """They are as before."""
        await self.clock._http.delete("/_sandbox/drift")
        self.world.changed()

    # --- time ----------------------------------------------------------------------------------------------------

    async def until(self, text: str) -> Self:
        """Go on to that local time; what is due then is done too."""
        await self.run_until(berlin(text))
        return self

    async def poll(self) -> Self:
        """Go on until what was changed has been seen."""
        await self.run_until(self.now.add(minutes=5))
        return self

    def clock_to(self, text: str) -> None:
        """Let time pass while no service runs."""
        self.world.advance_to(berlin(text))

    def rules(self, rules: str, *, automations: str = "", words: Mapping[str, str] | None = None) -> None:
        """The owner changes the files; they count from the next start on."""
        write_files(self.workspace, workspace_files(rules, automations, words or {}))

    # --- what came of it -----------------------------------------------------------------------------------------

    def sent(self) -> list[str]:
        """`03-04 10:00 nudge Anna`: the bot's messages by the studio's ledger, local time and first line."""
        return [f"{self._local(row['at'])} {row['content']['content'].splitlines()[0]}" for row in self.messages()]

    def made(self, kind: str) -> list[str]:
        """`03-04 10:00 Wedding agreement`: the bot's documents of a kind by the ledger."""
        rows = [row for row in self.ledger["writes"] if row["kind"] == kind and row["by"] == "bot"]
        return [f"{self._local(row['at'])} {row['content'].get('template_name') or kind}" for row in rows]

    def _local(self, stamp: str) -> str:
        here = Instant.parse_iso(stamp).to_tz(ZONE)
        return f"{here.month:02}-{here.day:02} {here.hour:02}:{here.minute:02}"

    async def one(self) -> Delivery:
        """The only delivery there is."""
        found = await self.deliveries()
        assert len(found) == 1, [(d.step_id, d.state) for d in found]
        return found[0]

    async def states(self) -> list[str]:
        """`nudge sent`, `call skipped: late`: every delivery in the order of planning."""
        return [f"{d.words} {d.state.value}" + (f": {d.reason}" if d.reason else "") for d in await self.deliveries()]

    async def runs(self, state: RunState | None = None) -> list[Run]:
        """The runs, in the order they began."""
        states = [state] if state else list(RunState)
        found = await self.service.store.read(lambda tx: [run for one in states for run in tx.runs.in_state(one)])
        return sorted(found, key=lambda run: (run.begun_at, run.rule_id, run.entry_id, run.subject_id))

    async def ends(self) -> list[str]:
        """Why each run ended, or its state."""
        return [run.reason or run.state.value if run.ended_at else run.state.value for run in await self.runs()]

    async def timer(self, rule: str, record_id: str, entry: str = "") -> Timer | None:
        """The moment of a rule for a record."""
        return await self.service.store.read(lambda tx: tx.timers.get(rule, entry, record_id))

    async def events(self, state: str = "done") -> list[StoredEvent]:
        """Events in that state."""
        return await self.service.store.read(lambda tx: tx.events.in_state(state))

    async def traces(self, **wanted: Any) -> list[TraceRow]:
        """Decisions, the latest first."""
        with closing(SqlReader(self.database)) as reader:
            return reader.traces(**wanted)

    async def verdicts(self, rule: str) -> list[str]:
        """`no`, `baseline`, `begun`: what a rule decided, in order."""
        return [row.verdict for row in reversed(await self.traces(rule=rule))]

    async def notices(self) -> list[str]:
        """What the owner was told, the subjects in order."""
        with closing(SqlReader(self.database)) as reader:
            return [notice.subject for notice in reversed(reader.notices(limit=500))]

    @property
    def database(self) -> Path:
        """The service's database."""
        return self.workspace / ".selftimer" / "selftimer.db"

    async def stored(self, kind: str, record_id: str) -> StoredRecord:
        """The record as it is kept."""
        found = await self.service.store.read(lambda tx: tx.records.get(Kind(kind), record_id))
        assert found is not None
        return found

    async def baseline_done(self, kind: str) -> bool:
        """Whether changes of that kind cause anything yet."""
        found = await self.service.store.read(lambda tx: tx.records.resource(Kind(kind)))
        return found is not None and found.baseline_at is not None

    async def ids(self, kind: str) -> list[str]:
        """Of all records of that kind that aren't gone."""
        return await self.service.store.read(lambda tx: list(tx.records.digests(Kind(kind))))

    async def told(self, order: int) -> Mapping[str, Any]:
        """The answer to an order."""
        answer = await self.service.store.read(lambda tx: tx.control.order_result(order))
        assert answer is not None
        return answer

    async def held(self) -> list[Delivery]:
        """What is held."""
        return await self.deliveries(DeliveryState.HELD)

    async def write(self, work: Any) -> Any:
        """Carry something out in the service's database."""

        def carry_out(tx: Tx) -> Any:
            return work(tx)

        return await self.service.store.write(carry_out)
