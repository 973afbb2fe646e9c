"""What a field of a record is, by the specification (rule-language.md, Exact meaning 2, 22; fields.md)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from chaos.reference.plain import Amount, Plain, Situation

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    Work = Callable[[Plain, Situation], Any]

STATUSES = {
    "client": "active archived",
    "session": "inquiry pending confirmed declined canceled",
    "invoice": "draft unpaid partially_paid canceled",  # `invoice.paid` is the sum that was paid
    "payment": "completed pending failed disputed refunded partially_refunded",
    "contract": "draft sent viewed partially_signed signed expired canceled",
    "questionnaire": "draft pending completed expired",
    "quote": "draft sent accepted declined expired",
    "conversation": "active archived",
}
"""Each status is also a yes/no field."""
LISTS = {
    "sessions": "session",
    "invoices": "invoice",
    "contracts": "contract",
    "questionnaires": "questionnaire",
    "quotes": "quote",
    "galleries": "gallery",
}
STUDIO_WORDS = {"owner", "phone", "email", "website", "review_link", "signature", "country"}


def read(record: Plain, name: str, at: Situation) -> Any:
    """The value of a field; null where it is missing."""
    name = "canceled" if name == "cancelled" else name
    if name in STATUSES.get(record.kind, "").split():
        return record["status"] == name
    if record.kind == "client" and name in LISTS:
        return at.of_client(LISTS[name], record)
    if record.kind == "studio" and name in STUDIO_WORDS:
        return record[name] or None
    if name == "client" and record.kind != "event":
        return at.get("client", record["client_id"])
    work = _WORKED.get((record.kind, name))
    return record[name] if work is None else work(record, at)


def zone_of(record: Plain | None, at: Situation) -> str:
    """The zone that a record's times are in: a session's own, else its type's schedule's, else the studio's (15)."""
    zone: str = at.studio["zone"]
    if record is not None and record.kind == "session":
        booked = at.get("session_type", record["type_id"])
        zone = record["timezone"] or (booked["timezone"] if booked is not None else None) or zone
    return zone


# --- clients ----------------------------------------------------------------------------------------------------------


def _full_name(client: Plain, _at: Situation) -> str | None:
    names = [name for name in (client["first_name"], client["last_name"]) if name is not None and name.strip()]
    return " ".join(names) if names else None


def _talk(client: Plain, at: Situation) -> list[Plain]:
    """The client's messages that have a time, oldest first."""
    dated = [message for message in at.of_client("message", client) if message["sent_at"] is not None]
    return sorted(dated, key=lambda message: message["sent_at"])


def _replied(client: Plain, at: Situation) -> bool:
    theirs = [message["sent_at"] for message in _talk(client, at) if message["sender_type"] == "client"]
    created = client["created_at"]
    if theirs and created is not None and abs(theirs[0] - created) <= timedelta(minutes=10):
        theirs = theirs[1:]  # the inquiry itself
    return at.start is not None and any(when > at.start for when in theirs)


def _contacted(client: Plain, at: Situation) -> bool:
    return any(
        message["sender_type"] == "photographer"
        and message["id"] not in at.ours
        and (at.start is None or message["sent_at"] >= at.start)
        for message in _talk(client, at)
    )


def _last_message(client: Plain, at: Situation) -> Plain | None:
    spoken = [message for message in _talk(client, at) if message["sender_type"] != "system"]
    return spoken[-1] if spoken else None


def _silent_days(client: Plain, at: Situation) -> int | None:
    last = _last_message(client, at)
    if last is None or last["sender_type"] != "photographer":
        return None
    return (at.today() - at.day(last["sent_at"], at.studio["zone"])).days


def _sessions(client: Plain, at: Situation, *, ended: bool) -> list[Plain]:
    """The confirmed sessions with a beginning that have ended, or have not; the earliest first."""
    found = [
        session
        for session in at.of_client("session", client)
        if session["status"] == "confirmed" and session["start_at"] is not None and _ended(session, at) is ended
    ]
    return sorted(found, key=lambda session: session["start_at"])


def _last_session(client: Plain, at: Situation) -> Plain | None:
    past = _sessions(client, at, ended=True)
    return next((one for one in past if one["start_at"] == past[-1]["start_at"]), None)


def _next_session(client: Plain, at: Situation) -> Plain | None:
    return next(iter(_sessions(client, at, ended=False)), None)


def _kinds(client: Plain, at: Situation) -> list[str]:
    past = [session for session in at.of_client("session", client) if _ended(session, at)]
    return sorted({kind for session in past if (kind := _kind(session, at)) is not None})


def _open_invoices(client: Plain, at: Situation) -> list[Plain]:
    return [invoice for invoice in at.of_client("invoice", client) if _outstanding(invoice, at)]


# --- sessions ---------------------------------------------------------------------------------------------------------


def _ended(session: Plain, at: Situation) -> bool:
    end = session["end_at"]
    if end is None and session["start_at"] is not None:
        end = session["start_at"] + timedelta(minutes=session["duration"] or 0)
    return session["status"] == "confirmed" and end is not None and end <= at.now


def _kind(session: Plain, at: Situation) -> str | None:
    name = (session["type_name"] or "").casefold()
    fitting = (
        kind
        for kind, patterns in at.studio["kinds"].items()
        if name and any(fnmatchcase(name, pattern.casefold()) for pattern in patterns)
    )
    return next(fitting, None)


def _session_type(session: Plain, at: Situation) -> Plain | None:
    known = at.get("session_type", session["type_id"])
    if known is None and session["type_name"] is not None:
        told = {"id": session["type_id"] or "", "name": session["type_name"], "duration": session["duration"]}
        return Plain("session_type", {**told, "location": None, "timezone": None})
    return known


# --- money ------------------------------------------------------------------------------------------------------------


def _payments(invoice: Plain, at: Situation) -> list[Plain]:
    return [payment for payment in at.records["payment"] if payment["invoice_id"] == invoice["id"]]


def _paid(invoice: Plain, at: Situation) -> Amount | None:
    """Completed payments less refunds; where they don't tell, the status decides and a part of unknown size is null."""
    currency, status = invoice["amount"].currency, invoice["status"]
    known = _payments(invoice, at)
    completed = [payment["amount"] for payment in known if payment["status"] == "completed"]
    untold = (
        not at.readable
        or (not known and status in {"paid", "partially_paid"})
        or any(payment["status"] == "partially_refunded" for payment in known)
        or any(amount.currency != currency for amount in completed)
    )
    if not untold:
        return Amount(sum((amount.main for amount in completed), Decimal(0)), currency)
    if status == "paid":
        paid: Amount = invoice["amount"]
        return paid
    return None if status == "partially_paid" else Amount(Decimal(0), currency)


def _balance(invoice: Plain, at: Situation) -> Amount | None:
    paid = _paid(invoice, at)
    return None if paid is None else Amount(invoice["amount"].main - paid.main, paid.currency)


def _outstanding(invoice: Plain, at: Situation) -> bool:
    if invoice["status"] in {"draft", "canceled"}:
        return False
    balance = _balance(invoice, at)
    return invoice["status"] == "partially_paid" if balance is None else balance.main > 0


def _settled(invoice: Plain, at: Situation) -> bool:
    return invoice["status"] == "canceled" or (invoice["status"] != "draft" and not _outstanding(invoice, at))


def _overdue(invoice: Plain, at: Situation) -> bool:
    return _outstanding(invoice, at) and invoice["due_date"] is not None and invoice["due_date"] < at.today()


def _disputed(invoice: Plain, at: Situation) -> bool | None:
    return any(payment["status"] == "disputed" for payment in _payments(invoice, at)) if at.readable else None


def _last_payment_at(invoice: Plain, at: Situation) -> datetime | None:
    came = {"completed", "partially_refunded"}
    dates = [payment["payment_date"] for payment in _payments(invoice, at) if payment["status"] in came]
    return max((when for when in dates if when is not None), default=None)


_WORKED: dict[tuple[str, str], Work] = {
    ("client", "full_name"): _full_name,
    ("client", "replied"): _replied,
    ("client", "contacted"): _contacted,
    ("client", "silent_days"): _silent_days,
    ("client", "last_message"): _last_message,
    ("client", "last_session"): _last_session,
    ("client", "next_session"): _next_session,
    ("client", "kinds"): _kinds,
    ("client", "open_invoices"): _open_invoices,
    ("session", "kind"): _kind,
    ("session", "session_type"): _session_type,
    ("session", "ended"): _ended,
    ("session", "invoice"): lambda session, at: at.get("invoice", session["invoice_id"]),
    ("session", "contract"): lambda session, at: at.get("contract", session["contract_id"]),
    ("session", "questionnaire"): lambda session, at: at.get("questionnaire", session["questionnaire_id"]),
    ("invoice", "currency"): lambda invoice, _at: invoice["amount"].currency.upper(),
    ("invoice", "paid"): _paid,
    ("invoice", "paid_amount"): _paid,
    ("invoice", "balance"): _balance,
    ("invoice", "outstanding"): _outstanding,
    ("invoice", "settled"): _settled,
    ("invoice", "overdue"): _overdue,
    ("invoice", "disputed"): _disputed,
    ("invoice", "last_payment_at"): _last_payment_at,
    ("invoice", "payments"): _payments,
    ("payment", "invoice"): lambda payment, at: at.get("invoice", payment["invoice_id"]),
    ("contract", "outstanding"): lambda contract, _at: contract["status"] in {"sent", "viewed", "partially_signed"},
    ("questionnaire", "outstanding"): lambda questionnaire, _at: questionnaire["status"] == "pending",
    ("quote", "outstanding"): lambda quote, _at: quote["status"] == "sent",
    ("message", "conversation"): lambda message, at: at.get("conversation", message["conversation_id"]),
    ("gallery", "expired"): lambda gallery, at: (
        gallery["expiry_date"] is not None and gallery["expiry_date"] < at.today()
    ),
}
