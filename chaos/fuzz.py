"""Fuzz: rule files and answers of the API that nobody would write. Never a crash, never a send, never long.

Per seed some files, damaged or made up, through the loader, and some polls whose answers are damaged, through the real
client of a service over a studio in which nothing happens: whatever it sends then, damaged data made it send. Counted
are the files and the damaged answers.
"""

# ruff: noqa: E501 - pieces of damage, one kind to a line

from __future__ import annotations

import asyncio
import json
import logging
import random
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

import httpx
import structlog
from whenever import Date

import selftimer.packs
from chaos.campaign import Campaign, Result
from selftimer.errors import SelftimerError
from selftimer.facts.event import EVENTS
from selftimer.facts.world import StudioFacts
from selftimer.rulebook.loader import load_workspace
from selftimer.sandbox.book import money, papers, people, sessions
from selftimer.sandbox.catalog import template_named
from selftimer.sandbox.world import World
from selftimer.simulation import oracles
from selftimer.simulation.harness import SETTINGS, Simulation
from selftimer.simulation.workspace import starter_folder

FILES = 300
POLLS = 30
"""Of a seed; each poll reads some ten answers, of which seven are damaged."""
MOST_SECONDS = 0.1
FULL = 256 * 1024
STUDIO = StudioFacts(name="Studio Nord", zone="Europe/Berlin", currency="eur", owner="Kim")
PIECES = ("", "\n", "  ", "- ", ": ", "{{", "}}", "{%", "'", '"', "[", "]", "{", "#", "&a", "*a", "!x", "\t", "\x00", "é", "|", ">",
          "when: ", "then:\n", "if: ", "run: ", "~", "\ud800", "on", "client.", " is none", "not ", "(", ")", "+1", "\\", "0", "9" * 30)  # fmt: skip
LINES = (
    "  - id: r{n}\n    title: T\n    when: session.confirmed\n    then:\n      - notify: hello\n",
    "  - id: r{n}\n    when: quote.sent\n    if: client.nmae == 'x{n}'\n    then: [{{send: hello}}]\n",
    "    k{n}: x\n",
    "      - client.notes is containing 'x{n}'\n",
    "      - {{notify: hello, id: e{n}, if: client.city == 'x{n}'}}\n",
    "- *a\n",
    "a: 'x' y\n",
    "- a: {{{{ x }}}}\n",
    "[(",
    "1+1 and ",
    "  ",
    "#\n",
)


def run(seed: int) -> Result:
    """One seed: files, then polls."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    chance = random.Random(seed)
    violations: list[str] = []
    notes = {"files refused": 0, "answers damaged": 0}
    known = _known()
    for number in range(FILES):
        name, text = _file(chance, known)
        try:
            refused = _load(name, text)
        except _TooLong as long:
            violations.append(f"file {number} ({name}) took {long.args[0] * 1000:.0f} ms of CPU, three times")
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not be
            violations.append(f"file {number} ({name}): {type(error).__name__}: {error}")
        else:
            notes["files refused"] += refused
    with tempfile.TemporaryDirectory(prefix="selftimer-fuzz-") as folder:
        violations += asyncio.run(_polls(chance, Path(folder), notes))
    count = FILES + notes["answers damaged"]
    return Result(seed=seed, count=count, violations=tuple(violations), notes=notes)


# --- files -----------------------------------------------------------------------------------------------------------


class _TooLong(Exception):  # noqa: N818 - a finding
    pass


def _known() -> dict[str, str]:
    """The files of the starter and of the packs, by where they would stand in a workspace."""
    found: dict[str, str] = {}
    packs = Path(selftimer.packs.__file__).parent / "catalogue"
    for root in (starter_folder(), *sorted(path for path in packs.iterdir() if path.is_dir())):
        for folder in ("rules", "automations", "automations/messages"):
            found |= {
                f"{folder}/{path.name}": path.read_text("utf-8")
                for path in sorted((root / folder).glob("*"))
                if path.is_file()
            }
    return found


def _file(chance: random.Random, known: dict[str, str]) -> tuple[str, bytes]:
    match chance.randrange(5):
        case 0 | 1:
            name = chance.choice(sorted(known))
            return name, _damaged_text(chance, known[name]).encode("utf-8", "surrogatepass")
        case 2:
            name = chance.choice(("rules/a.yaml", "automations/a.yaml"))
            unit, head = (
                chance.choice(LINES),
                chance.choice(("rules:\n", "automations:\n", "", "rules:\n  - id: r\n    if:\n")),
            )
            size = chance.choice((1_000, 20_000, FULL))
            text = head + "".join(unit.format(n=n) for n in range(size // len(unit)))
            if chance.random() < 0.5:
                text = _damaged_text(chance, text)
            return name, text.encode("utf-8", "surrogatepass")[:FULL]
        case 3:
            name = chance.choice(("rules/a.yaml", "automations/a.yaml", "automations/messages/a.md"))
            return name, json.dumps({"rules": _data(chance, 6), "automations": _data(chance, 4)}).encode()
        case _:
            name = chance.choice(
                ("rules/a.yaml", "automations/messages/a.md", "rules/x", "automations/messages/A b.md")
            )
            return name, chance.randbytes(chance.choice((10, 300, 5_000, FULL)))


def _damaged_text(chance: random.Random, text: str) -> str:
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(text) + 1)
        piece = chance.choice(PIECES) * chance.choice((1, 1, 1, 3, 50, 5_000))
        text = text[:at] + piece + text[at + chance.choice((0, 0, 1, 5, 40)) :]
    return text[:FULL]


def _data(chance: random.Random, depth: int) -> Any:
    if depth <= 0 or chance.random() < 0.3:
        return chance.choice((None, True, 3, -1.5, "x", "client.city", "manual", "2 days", "{{ x }}", "y" * 3_000, []))
    if chance.random() < 0.5:
        return [_data(chance, depth - 1) for _ in range(chance.randrange(5))]
    names = ("id", "title", "when", "if", "until", "then", "else", "wait", "send", "notify", "with", "lists", "limits")
    return {chance.choice(names): _data(chance, depth - 1) for _ in range(chance.randrange(6))}


def _load(name: str, text: bytes) -> bool:
    """Whether it is refused; `_TooLong` where it took long three times."""
    files = {"automations/messages/hello.md": b"Hello.\n", name: text}
    took = []
    for _ in range(3):
        began = time.process_time()
        result = load_workspace(files, STUDIO)
        took.append(time.process_time() - began)
        if (result.rulebook is None) != bool(result.errors):
            raise AssertionError("neither rules nor errors")
        if took[-1] < MOST_SECONDS:
            return result.rulebook is None
    raise _TooLong(min(took))


# --- answers ---------------------------------------------------------------------------------------------------------

NOT_ASKED = {"client.changed"}
"""Events that a damaged answer looks like truly: another value of the right type is another value."""
RULES = "rules:\n" + "".join(
    f"  - id: {event.replace('.', '-').replace('_', '-')}\n    when: {event}\n    repeat: once\n    then:\n      - send: hello\n"
    for event in sorted(EVENTS)
    if event not in NOT_ASKED and not event.startswith("message.")
)
HEARD = "rules:\n  - id: heard\n    when: message.received\n    then:\n      - send: heard\n"
_OFF = 'quiet_hours = ""\n[polling]\nsignals = 0\n[caps]\nclient_per_day = 1000\nrule_per_hour = 1000\nrule_per_day = 1000\n'


class DamagingTransport(httpx.AsyncBaseTransport):
    """Damages what is read while `at_work`; signing in and writes pass as they are."""

    def __init__(self, inner: httpx.AsyncBaseTransport, chance: random.Random) -> None:
        self._inner, self._chance = inner, chance
        self.at_work = False
        self.damaged = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, perhaps with something else."""
        response = await self._inner.handle_async_request(request)
        if not self.at_work or request.method != "GET" or response.status_code != httpx.codes.OK:
            return response
        body = await response.aread()
        if not response.headers.get("content-type", "").startswith("application/json") or self._chance.random() < 0.3:
            return httpx.Response(response.status_code, headers=_plain(response), content=body, request=request)
        self.damaged += 1
        return httpx.Response(200, headers=_plain(response), content=damage(self._chance, body), request=request)

    async def aclose(self) -> None:
        """Close the inner one."""
        await self._inner.aclose()


def _plain(response: httpx.Response) -> list[tuple[str, str]]:
    gone = {"content-length", "content-encoding", "etag"}
    return [(name, value) for name, value in response.headers.multi_items() if name not in gone]


def damage(chance: random.Random, body: bytes) -> bytes:
    """A JSON answer that isn't what it was."""
    if chance.random() < 0.1:
        at = chance.randrange(len(body) + 1)
        return body[:at] + chance.choice((b"", b"\xff", b'"', b"}", b"<html>"))
    try:
        return _changed(chance, json.loads(body))
    except RecursionError:  # of this module: several deep values have come to lie in each other
        return b"[" * 2_000 + b"]" * 2_000


def _changed(chance: random.Random, data: Any) -> bytes:
    for _ in range(chance.randint(1, 4)):
        places = list(_places(data))
        if not places:
            return chance.choice((b"null", b"[]", b"{}", b"7", b'"x"'))
        holder, key = chance.choice(places)
        if isinstance(holder, list) and chance.random() < 0.4:
            holder.append(json.loads(json.dumps(holder[key])))  # the same id twice
        else:
            holder[key] = _other(chance, holder[key])
    return json.dumps(data).encode()


def _places(data: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    stack = [data]
    while stack:
        one = stack.pop()
        inner: list[Any] = (
            list(one) if isinstance(one, dict) else list(range(len(one))) if isinstance(one, list) else []
        )
        found += [(one, key) for key in inner]
        stack += [one[key] for key in inner]
    return found


def _other(chance: random.Random, value: Any) -> Any:
    """Something of another type than the value, or null."""
    deep: Any = "x"
    for _ in range(chance.choice((5, 60, 400))):
        deep = [deep]
    choices: list[Any] = [None, deep, {"id": value}, [value], {}, []]
    if not isinstance(value, str):
        choices += ["x" * 100_000, "", "NaN"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        choices += [10**400, -1, 0.5]
    if not isinstance(value, bool):
        choices += [True]
    return chance.choice(choices)


async def _polls(chance: random.Random, folder: Path, notes: dict[str, int]) -> list[str]:
    world = World.empty(seed=7)
    anna = _furnish(world)
    world.advance_to(world.now.add(hours=48))  # what is there is older than the service
    world.ledger.forget_past()
    words = {f"automations/messages/{name}.md": f"{name}\n" for name in ("hello", "heard")}
    rules = {"rules/all.yaml": RULES, "rules/heard.yaml": HEARD, **words}
    simulation = Simulation(folder, world=world, rules=rules, settings=SETTINGS + _OFF, owner=False)
    transport = DamagingTransport(simulation.transport, chance)
    simulation.transport = transport  # type: ignore[assignment]  # a transport around the one that counts
    violations: list[str] = []
    async with simulation:
        await simulation.run_until(world.now.add(seconds=900))
        for number in range(POLLS):
            transport.at_work = True
            await _look(simulation, violations, f"poll {number}")
            if _sent(simulation):
                violations.append(f"poll {number} of damaged answers made it send {_sent(simulation)}")
                break
        transport.at_work = False
        notes["answers damaged"] += transport.damaged
        if not violations:
            violations += await _lives(simulation, anna)
    return violations


async def _lives(simulation: Simulation, anna: str) -> list[str]:
    """After the damage it is as it was: nothing is sent for what didn't happen, and what happens is answered once."""
    violations: list[str] = []
    for hours in (0, 1, 7, 7):
        await simulation.run_until(simulation.now.add(seconds=hours * 3600))
        await _look(simulation, violations, "a poll after the damage")
    if _sent(simulation):
        return [*violations, f"after the damage it sent {_sent(simulation)}"]
    people.client_says(simulation.world, anna, "Yes please")
    await _look(simulation, violations, "the last poll")
    await simulation.run_until(simulation.now.add(seconds=7 * 3600))
    if _sent(simulation) != ["heard"]:
        violations.append(f"a message after the damage was answered by {_sent(simulation)}, not by 'heard'")
    return violations


async def _look(simulation: Simulation, violations: list[str], when: str) -> None:
    simulation.service.observe.poll_at = simulation.now
    simulation.service.observe.look_everywhere = True
    try:
        await simulation.run_until(simulation.now.add(seconds=60))
    except SelftimerError:
        pass  # the product's own: said in a sentence, and the next poll goes on
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not be
        violations.append(f"{when}: {type(error).__name__}: {str(error)[:200]}")


def _sent(simulation: Simulation) -> list[str]:
    return [
        str(row["content"].get("content", row["kind"])).partition("\n")[0]
        for row in oracles.bot_rows(simulation.ledger)
    ]


def _furnish(world: World) -> str:
    """A record of each kind, long before anything is due; the client who writes at the end."""
    made = []
    people_of: tuple[tuple[str, Literal["client", "lead"]], ...] = (
        ("Anna", "client"),
        ("Ben", "lead"),
        ("Cleo", "client"),
    )
    for name, kind in people_of:
        client = people.add_client(
            world,
            first_name=name,
            last_name="Canary",
            email=f"{name.lower()}@example.com",
            client_type=kind,
            person=name,
        )
        people.client_says(world, client.id, "Hello")
        made.append(client.id)
    portrait = next(one for one in world.tables.session_types if one.key == "portrait")
    sessions.add_session(world, made[0], portrait, world.now.add(hours=24 * 90), "confirmed")
    item = money.line(world, made[0], "Session", 10_000)
    money.add_invoice(world, made[0], [item], Date(2030, 1, 1), by="studio")
    papers.add_contract(world, made[0], template_named(world, "contract", "portrait"), by="studio")
    return made[0]


CAMPAIGN = Campaign(
    name="fuzz",
    title="fuzz of rule files and of the API's answers: never a crash, never a send, files under 100 ms of CPU",
    unit="files and answers",
    run=run,
    each=550,
    counts={"quick": 5_000, "night": 200_000, "release": 2_000_000},
    minutes={"quick": 0.5, "night": 6, "release": 70},
)
