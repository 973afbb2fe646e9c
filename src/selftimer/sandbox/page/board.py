"""What the page shows, as plain values for its templates; texts of strangers stay texts and are escaped there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whenever import Instant

from selftimer.primitives.money import exponent
from selftimer.sandbox.book import people
from selftimer.sandbox.faults import ABOUT
from selftimer.sandbox.model import UNSIGNED
from selftimer.sandbox.money_words import formatted
from selftimer.sandbox.page.deeds import METHODS, OPEN_INVOICES, open_invoices

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from selftimer.sandbox.faults import Faults
    from selftimer.sandbox.ledger import StoryLine, Write
    from selftimer.sandbox.model import Client, Invoice
    from selftimer.sandbox.studio import Studio

Values = dict[str, Any]
_LINES = 60
_CLIENTS = 25
_WORDS = 160
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def when(world: Studio, instant: Instant) -> str:
    """The instant as people in the studio say it: `Mon 2026-03-02 08:00`."""
    here = instant.to_tz(world.profile.zone)
    return f"{_WEEKDAYS[here.date().day_of_week().value - 1]} {here.date()} {here.hour:02}:{here.minute:02}"


def frame(world: Studio) -> Values:
    """What is at the top of every page."""
    following, profile = world.next_at, world.profile
    return {
        "name": profile.name,
        "zone": profile.zone,
        "email": profile.email,
        "password": profile.password,
        "seed": world.seed,
        "mode": world.clock.mode,
        "stepped": world.clock.mode == "stepped",
        "now": when(world, world.now),
        "now_utc": str(world.now),
        "next": when(world, following) if following else "",
    }


def studio(world: Studio, faults: Faults, word: str) -> Values:
    """The first page: what happens, what the bot wrote, who there is, what is under order."""
    rows, more = _clients(world, word)
    tables = world.tables
    return {
        "counts": [
            ("leads", sum(c.type == "lead" and not c.archived for c in tables.clients)),
            ("clients", sum(c.type == "client" for c in tables.clients)),
            ("unread messages", sum(thread.unread for thread in tables.conversations)),
            ("sessions asked for", sum(s.status == "inquiry" for s in tables.sessions)),
            ("invoices past due", sum(i.status == "past_due" for i in tables.invoices)),
        ],
        "story": _story(world.ledger.story[-_LINES:]),
        "writes": _writes(world, world.ledger.writes[-_LINES:]),
        "q": word,
        "clients": rows,
        "more": more,
        "session_types": _session_types(world),
        "faults": faults.to_json(),
        "fault_kinds": [(kind, f"{kind}: {about}") for kind, about in ABOUT.items()],
        "methods": [("*", "any method"), *((m, m) for m in ("GET", "POST", "PUT", "DELETE"))],
    }


def client(world: Studio, row: Client) -> Values:
    """The page of a client: all of their records, and what can be done to each."""
    thread, tables = people.conversation_of(world, row.id), world.tables
    kinds = tables.session_types.rows
    return {
        "client": row,
        "messages": [
            {
                "side": "client" if m.sender_type == "client" else "studio",
                "by": row.first_name if m.author == "client" else "The bot" if m.author == "bot" else "The studio",
                "when": when(world, m.sent_at),
                "text": m.content,
            }
            for m in (thread.messages if thread else ())
        ],
        "sessions": [
            {
                "id": s.id,
                "name": kinds[s.type_id].name,
                "status": s.status,
                "when": when(world, s.start_at),
                "coming": s.start_at > world.now and s.status in {"pending", "confirmed"},
            }
            for s in reversed(tables.sessions.of_client(row.id))
        ],
        "invoices": [_invoice(i) for i in reversed(tables.invoices.of_client(row.id))],
        "papers": list(_papers(world, row)),
        "session_types": _session_types(world),
        "payment_methods": [(method, method.replace("_", " ")) for method in METHODS],
        "story": _story([line for line in world.ledger.story if line.client_id == row.id][-_LINES:]),
        "writes": _writes(world, [write for write in world.ledger.writes if write.client_id == row.id][-_LINES:]),
    }


def _session_types(world: Studio) -> list[tuple[str, str]]:
    offered = (kind for kind in world.tables.session_types if kind.status == "published" and not kind.deleted)
    return [(kind.id, kind.name) for kind in offered]


def _clients(world: Studio, word: str) -> tuple[list[Values], int]:
    """The clients that fit the word, whoever was last heard of first, and how many more there are."""
    fitting = [c for c in world.tables.clients if word.lower() in f"{c.name} {c.email} {c.id}".lower()]
    fitting.sort(key=lambda row: _touched(world, row), reverse=True)
    return [_client_row(world, row) for row in fitting[:_CLIENTS]], max(0, len(fitting) - _CLIENTS)


def _touched(world: Studio, row: Client) -> Instant:
    thread = people.conversation_of(world, row.id)
    return max(row.created_at, (thread and thread.last_message_at) or row.created_at)


def _client_row(world: Studio, row: Client) -> Values:
    thread, tables = people.conversation_of(world, row.id), world.tables
    last = thread.messages[-1] if thread and thread.messages else None
    waits = [
        ("a word of the studio", any(s.status == "inquiry" for s in tables.sessions.of_client(row.id))),
        ("their yes", any(s.status == "pending" for s in tables.sessions.of_client(row.id))),
        ("money", bool(open_invoices(world, row))),
        ("a signature", any(c.status in UNSIGNED for c in tables.contracts.of_client(row.id))),
        ("answers", any(q.status == "pending" for q in tables.questionnaires.of_client(row.id))),
        ("a decision", any(q.status == "sent" for q in tables.quotes.of_client(row.id))),
    ]
    return {
        "id": row.id,
        "name": row.name,
        "type": row.type,
        "archived": row.archived,
        "last": _short(last.content) if last else "",
        "last_by": {"client": "they", "bot": "the bot", "studio": "the studio"}[last.author] if last else "",
        "waits": [word for word, true in waits if true],
    }


def _invoice(row: Invoice) -> Values:
    digits = exponent(row.currency)
    still_open = max(0, row.balance - row.pending) if row.status in OPEN_INVOICES else 0
    return {
        "id": row.id,
        "number": row.number,
        "amount": formatted(row.amount, row.currency),
        "status": row.status.replace("_", " "),
        "due": str(row.due_date),
        "open": formatted(still_open, row.currency) if still_open else "",
        "plain": f"{still_open / 10**digits:.{digits}f}",
        "step": f"{1 / 10**digits:.{digits}f}",
    }


def _papers(world: Studio, row: Client) -> Iterable[Values]:
    """Contracts, questionnaires and quotes, the newest of each first."""
    tables = world.tables
    for c in reversed(tables.contracts.of_client(row.id)):
        name = tables.templates.rows[c.template_id].name
        yield _paper(world, "contract", c, f"{c.number}: {name}", c.due_date, waits=c.status in UNSIGNED)
    for f in reversed(tables.questionnaires.of_client(row.id)):
        template = tables.templates.rows[f.template_id]
        paper = _paper(world, "questionnaire", f, template.name, f.due_date, waits=f.status == "pending")
        yield {**paper, "questions": [_question(question) for question in f.questions]}
    for q in reversed(tables.quotes.of_client(row.id)):
        title = f"{tables.templates.rows[q.template_id].name}: {formatted(q.amount, q.currency)}"
        yield _paper(world, "quote", q, title, q.valid_until, waits=q.status == "sent")


def _question(question: Values) -> Values:
    skipped = [] if question["required"] else [("", "")]
    return {**question, "choices": skipped + [(option, option) for option in question["options"]]}


def _paper(world: Studio, kind: str, row: Any, title: str, until: Instant, *, waits: bool) -> Values:
    return {
        "kind": kind,
        "id": row.id,
        "title": title,
        "status": row.status.replace("_", " "),
        "until": f"until {when(world, until)}",
        "waits": waits,
    }


def _story(lines: Sequence[StoryLine]) -> list[Values]:
    return [
        {"when": line.text[:16], "text": line.text[17:], "client": line.client_id or ""} for line in reversed(lines)
    ]


def _writes(world: Studio, rows: Sequence[Write]) -> list[Values]:
    seen = []
    for row in reversed(rows):
        person = world.tables.clients.get(row.client_id)
        said = row.content.get("content") or row.content.get("template_name") or row.content.get("invoice_number") or ""
        seen.append(
            {
                "when": when(world, Instant.parse_iso(row.at))[4:],
                "kind": row.kind.replace("_", " "),
                "client": person.id if person else "",
                "name": person.name if person else "",
                "said": _short(str(said)),
            }
        )
    return seen


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _WORDS else f"{text[: _WORDS - 1]}…"
