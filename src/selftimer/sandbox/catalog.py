"""What the studio has on its shelves from the start: session types, templates, coupons and gift cards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whenever import Date

from selftimer.primitives.ids import (
    ContractTemplateId,
    CouponId,
    EmailTemplateId,
    GiftCardId,
    InvoiceTemplateId,
    QuestionnaireTemplateId,
    QuoteTemplateId,
    ScheduleId,
    ScheduleIntervalId,
    SessionPaymentMethodId,
    SessionTypeId,
)
from selftimer.sandbox.model import (
    Coupon,
    GiftCard,
    OpenDay,
    Schedule,
    SessionType,
    Template,
    TemplateKind,
    WayToPay,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selftimer.primitives.ids import StudioId
    from selftimer.sandbox.studio import Studio

# key, name, minutes, price, deposit (smallest unit), days from booking to the session, share of the wishes, minutes
# to keep free before and after
SESSION_TYPES: tuple[tuple[str, str, int, int, int, tuple[int, int], float, tuple[int, int]], ...] = (
    ("wedding", "Wedding day", 600, 280_000, 84_000, (60, 300), 0.2, (60, 60)),
    ("elopement", "Elopement", 240, 120_000, 36_000, (30, 150), 0.05, (60, 60)),
    ("portrait", "Portrait session", 60, 25_000, 7_500, (5, 35), 0.2, (0, 15)),
    ("family", "Family session", 90, 32_000, 9_600, (7, 45), 0.25, (0, 15)),
    ("newborn", "Newborn at home", 120, 38_000, 11_400, (10, 60), 0.08, (30, 30)),
    ("mini", "Mini-session spring", 20, 9_900, 0, (4, 21), 0.12, (0, 10)),
    ("headshots", "Headshots for teams", 180, 64_000, 19_200, (7, 40), 0.1, (30, 30)),
)
# name, and the hours of Monday to Sunday
_SCHEDULES: tuple[tuple[str, tuple[tuple[tuple[int, int], ...], ...]], ...] = (
    ("Studio hours", (*(((540, 780), (810, 1140)),) * 5, ((540, 1080),), ())),
    ("Wedding days", ((), (), (), *(((480, 1440),),) * 4)),
)
_HOLIDAYS = ("12-24", "12-25", "12-26")


def _variable(name: str, kind: str = "text", *, required: bool = True, default: str | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "required": required,
        "default_value": default,
        "format": None,
        "description": f"The {name.replace('_', ' ')}",
        "validation": None,
    }


_CLIENT = [_variable("client_name"), _variable("studio_name", required=False, default="Studio Nord")]
_EMAILS = (
    ("Session details", "Your session on {{session_date}}", "Hello {{client_name}},\nsee you on {{session_date}}."),
    ("Price list", "Prices of {{studio_name}}", "Hello {{client_name}},\nour prices are on the website."),
    ("What to wear", "What to wear", "Hello {{client_name}},\nplain colours work best."),
)
_LICENCE = [
    _variable("usage"),
    _variable("licence_fee", "currency"),
    _variable("licence_ends", "date"),
    _variable("territory", required=False, default="Germany"),
    _variable("exclusive", "boolean", required=False),
]
_PARTIES = "<p>Between {{studio_name}} and {{client_name}}.</p>"
_CONTRACTS: tuple[tuple[str, int, tuple[str, ...], str, list[dict[str, Any]]], ...] = (
    ("Wedding agreement", 14, ("client", "client", "photographer"), "", []),
    ("Portrait agreement", 10, ("client", "photographer"), "", []),
    (
        "Commercial licence",
        14,
        ("client", "photographer"),
        "<p>{{usage}} in {{territory}} until {{licence_ends}}: {{ licence_fee }}. Exclusive: {{exclusive}}.</p>",
        _LICENCE,
    ),
    ("Model release", 7, ("client",), "", []),
)
_QUESTIONNAIRES: tuple[tuple[str, tuple[tuple[str, str, bool, tuple[str, ...]], ...]], ...] = (
    (
        "Wedding questionnaire",
        (
            ("Where do you get ready?", "text", True, ()),
            ("Who must be in the group pictures?", "text", True, ()),
            ("When is first dance?", "text", True, ()),
            ("Is there anything else?", "textarea", False, ()),
        ),
    ),
    (
        "Portrait questionnaire",
        (
            ("What are the pictures for?", "text", True, ()),
            ("Is there a place that you like?", "text", True, ()),
        ),
    ),
    (
        "Family questionnaire",
        (
            ("How old are the children?", "text", True, ()),
            ("Do you bring a pet?", "radio", True, ("Yes", "No")),
            ("Who comes along?", "checkbox", False, ("Grandparents", "Cousins", "Friends")),
        ),
    ),
)
_QUOTES = (("Wedding collection", 14, 280_000), ("Business day", 21, 64_000))
_INVOICES = (("Standard", 14, True), ("Due at once", 0, False))


def stock(world: Studio) -> None:
    """Put everything on the shelves of a new world."""
    _templates(world)
    _schedules(world)
    _session_types(world)
    _cards(world)


def template_named(world: Studio, kind: str, word: str) -> Template:
    """The first template of a kind whose name holds the word, else the first of its kind."""
    found = [t for t in world.tables.templates if t.kind == kind]
    return next((t for t in found if word.lower() in t.name.lower()), found[0])


def open_day(world: Studio, owner: str, **fields: Any) -> OpenDay:
    """The hours of a weekday or a date, with an id; `owner` is the schedule's id."""
    return OpenDay(id=world.new_id(ScheduleIntervalId, owner), **fields)


def schedule(world: Studio, name: str, week: Sequence[Sequence[tuple[int, int]]]) -> Schedule:
    """A new schedule in the studio's zone, open in these hours from Monday to Sunday."""
    record_id = world.new_id(ScheduleId, name)
    days = [open_day(world, record_id, weekday=day, hours=list(hours)) for day, hours in enumerate(week, 1)]
    return Schedule(id=record_id, created_at=world.now, name=name, zone=world.profile.zone, week=days)


def _schedules(world: Studio) -> None:
    """Opening hours: over Christmas the studio is closed, on the first Sunday of May it is open."""
    for name, week in _SCHEDULES:
        row = world.tables.schedules.add(schedule(world, name, week))
        for year in range(world.start.to_tz(row.zone).year, world.start.to_tz(row.zone).year + 3):
            different: dict[str, list[tuple[int, int]]] = {f"{year}-{day}": [] for day in _HOLIDAYS}
            different[_first_sunday_of_may(year)] = [(600, 960)]
            for date, hours in different.items():
                row.overrides[date] = open_day(world, row.id, date=Date.parse_iso(date), hours=hours)


def _first_sunday_of_may(year: int) -> str:
    first = Date(year, 5, 1)
    return str(first.add(days=7 - first.day_of_week().value))


def _session_types(world: Studio) -> None:
    studio_hours, wedding_days = world.tables.schedules
    for key, name, minutes, price, deposit, days, share, (before, after) in SESSION_TYPES:
        wedding = key in {"wedding", "elopement"}
        contract = template_named(world, "contract", "wedding" if wedding else "portrait")
        world.tables.session_types.add(
            SessionType(
                id=world.new_id(SessionTypeId, key),
                created_at=world.now,
                key=key,
                name=name,
                duration=minutes,
                price=price,
                deposit=deposit,
                lead_days=days,
                weight=share,
                description=f"{name}, {minutes} minutes",
                schedule_id=(wedding_days if wedding else studio_hours).id,
                location="Studio Nord, Hafenstrasse 12" if key in {"portrait", "mini", "headshots"} else "",
                minimum_notice=days[0],
                maximum_notice=days[1],
                buffer_before=before,
                buffer_after=after,
                payment_methods=_payment_methods(world, key),
                contract_template_id=contract.id,
            )
        )
    draft = next(iter(world.tables.session_types))
    world.tables.session_types.add(
        SessionType(
            id=world.new_id(SessionTypeId, "draft"),
            created_at=world.now,
            key="boudoir",
            name="Boudoir (not yet offered)",
            duration=90,
            price=45_000,
            deposit=13_500,
            lead_days=(10, 30),
            weight=0.0,
            description="A draft",
            schedule_id=studio_hours.id,
            status="draft",
            minimum_notice=10,
            maximum_notice=30,
            payment_methods=_payment_methods(world, "boudoir"),
            contract_template_id=draft.contract_template_id,
        )
    )


def _payment_methods(world: Studio, key: str) -> list[WayToPay]:
    transfer = world.new_id(SessionPaymentMethodId, key)
    return [
        WayToPay(name="Card", type="card"),
        WayToPay(name="Bank transfer", type="manual", instructions="Please name the invoice's number.", id=transfer),
    ]


def _templates(world: Studio) -> None:
    _emails_and_contracts(world)
    _questionnaires(world)
    _money_templates(world)


def _add(world: Studio, kind: TemplateKind, id_type: type[StudioId], name: str, **rest: Any) -> None:
    record_id, now = world.new_id(id_type, name), world.now
    row = Template(id=record_id, created_at=now, updated_at=now, kind=kind, name=name, **rest)
    world.tables.templates.add(row)


def _emails_and_contracts(world: Studio) -> None:
    for name, subject, body in _EMAILS:
        dated = [_variable("session_date", "date")] if "session_date" in body else []
        _add(world, "email", EmailTemplateId, name, subject=subject, body=body, variables=[*_CLIENT, *dated])
    for name, days, signers, text, more in _CONTRACTS:
        extra = {
            "due_days": days,
            "signers": [
                {"type": who, "required": True, "order": place, "title": who.title()}
                for place, who in enumerate(signers, 1)
            ],
            "reminders": {"enabled": False, "days_before_due": 3, "reminder_subject": "", "reminder_message": ""},
        }
        body = f"<h1>{name}</h1>{_PARTIES}{text}"
        _add(world, "contract", ContractTemplateId, name, body=body, variables=[*_CLIENT, *more], extra=extra)


def _questionnaires(world: Studio) -> None:
    for name, questions in _QUESTIONNAIRES:
        asked: list[dict[str, Any]] = [
            {
                "id": f"question_{place}",
                "order": place,
                "question_text": text,
                "field_type": kind,
                "required": required,
                "options": list(options),
                "validation": {"max_length": 2_000} if kind == "textarea" else None,
            }
            for place, (text, kind, required, options) in enumerate(questions, 1)
        ]
        _add(world, "questionnaire", QuestionnaireTemplateId, name, extra={"questions": asked})


def _money_templates(world: Studio) -> None:
    for name, days, price in _QUOTES:
        item = {
            "id": "package_1",
            "name": name,
            "base_price": price,
            "is_required": True,
            "default_quantity": 1,
            "max_quantity": 1,
        }
        album = {
            "id": "package_2",
            "name": "Album",
            "base_price": 45_000,
            "is_required": False,
            "default_quantity": 0,
            "max_quantity": 3,
        }
        extra = {"validity_days": days, "package_items": [item, album], "pricing_settings": {"currency": "EUR"}}
        _add(world, "quote", QuoteTemplateId, name, extra=extra)
    for name, days, default in _INVOICES:
        extra = {
            "payment_terms_days": days,
            "late_fee": None,
            "accepted_methods": ["card", "bank_transfer"],
            "is_default": default,
            "currency": "EUR",
        }
        _add(world, "invoice", InvoiceTemplateId, name, extra=extra)


def _cards(world: Studio) -> None:
    """A coupon, and three gift cards; a card's status changes by itself on the day it runs out."""
    world.tables.coupons.add(
        Coupon(
            id=world.new_id(CouponId, "welcome"),
            created_at=world.now,
            code="WELCOME10",
            discount_type="percentage",
            value=10,
            usage_limit=100,
            usage_count=12,
            description="Ten percent for new clients",
        )
    )
    for place, days in enumerate((20, 45, 400)):
        card = world.tables.gift_cards.add(
            GiftCard(
                id=world.new_id(GiftCardId, str(place)),
                created_at=world.now,
                code=f"GIFT-{4711 + place}",
                amount=15_000,
                balance=15_000 if place else 6_000,
                expires_at=world.start.add(hours=24 * days),
                purchased_by=f"buyer{place}@example.org",
            )
        )
        world.at(card.expires_at, card.id, "runs_out", card.code)
