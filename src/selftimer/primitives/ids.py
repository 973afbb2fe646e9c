"""Typed ids of the Studio API (studio-api.md, IDs).

An id is a case-sensitive string that is never changed and never truncated. Studio ids are a prefix and 30 characters
of ``[A-Za-z0-9]``; published samples of some show 29, so 29 and 30 are accepted and 30 are generated. Some kinds
(conversations, messages) have no known length. Anything else is an `IdError`; whoever reads payloads keeps the record
and reports the id instead of losing it.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from random import Random

ALPHABET = string.ascii_letters + string.digits
LENGTHS = (29, 30)
_FIXED = re.compile(r"[A-Za-z0-9]{29,30}\Z")
_LONG, _LONGER = 20, 2
_FREE = re.compile(r"[A-Za-z0-9_]{1,64}\Z")


class IdError(ValueError):
    """A text that isn't an id of the kind asked for; the message says what was expected and what came."""


class StudioId(str):
    """An id with a known prefix; subclasses name the kind."""

    __slots__ = ()
    kind: ClassVar[str] = "id"
    prefix: ClassVar[str] = ""
    fixed: ClassVar[bool] = True

    @classmethod
    def parse(cls, text: str) -> Self:
        """The id that `text` is, its case kept; `IdError` if its prefix, length or characters are wrong."""
        body = text[len(cls.prefix) :]
        if not text.startswith(cls.prefix) or not (_FIXED if cls.fixed else _FREE).match(body):
            length = f" and {LENGTHS[0]} or {LENGTHS[1]} characters" if cls.fixed else ""
            raise IdError(f"{cls.kind} ids are {cls.prefix!r}{length} of letters and digits; got {text[:80]!r}")
        return cls(text)

    @classmethod
    def valid(cls, text: object) -> bool:
        """Whether `parse` would take it."""
        if not isinstance(text, str) or not text.startswith(cls.prefix):
            return False
        return bool((_FIXED if cls.fixed else _FREE).match(text[len(cls.prefix) :]))

    @classmethod
    def generate(cls, random: Random) -> Self:
        """A new id of 30 random characters, drawn from `random` so that a seeded world repeats itself."""
        return cls(cls.prefix + "".join(random.choices(ALPHABET, k=LENGTHS[1])))


class ClientId(StudioId):
    """The id of a client: `cl_…`."""

    __slots__ = ()
    kind, prefix = "client", "cl_"


class InvoiceId(StudioId):
    """The id of a invoice: `in_…`."""

    __slots__ = ()
    kind, prefix = "invoice", "in_"


class InvoiceItemId(StudioId):
    """A line item; samples of invoices show `li_` for the same thing, which is accepted too."""

    kind, prefix = "invoice item", "ii_"

    @classmethod
    def valid(cls, text: object) -> bool:
        """Whether it is an item id under either prefix."""
        return super().valid(text) or (
            isinstance(text, str) and text.startswith("li_") and super().valid("ii_" + text[3:])
        )


class PaymentId(StudioId):
    """The id of a payment: `ip_…`."""

    __slots__ = ()
    kind, prefix = "payment", "ip_"


class CouponId(StudioId):
    """The id of a coupon: `cou_…`."""

    __slots__ = ()
    kind, prefix = "coupon", "cou_"


class SessionTypeId(StudioId):
    """The id of a session type: `set_…`."""

    __slots__ = ()
    kind, prefix = "session type", "set_"


class SessionId(StudioId):
    """The id of a session: `ses_…`."""

    __slots__ = ()
    kind, prefix = "session", "ses_"


class ScheduleId(StudioId):
    """The id of a schedule: `sch_…`."""

    __slots__ = ()
    kind, prefix = "schedule", "sch_"


class ScheduleIntervalId(StudioId):
    """The id of a schedule interval: `sa_…`."""

    __slots__ = ()
    kind, prefix = "schedule interval", "sa_"


class ProjectTypeId(StudioId):
    """The id of a project type: `prt_…`."""

    __slots__ = ()
    kind, prefix = "project type", "prt_"


class ContactFormId(StudioId):
    """The id of a contact form: `cf_…`."""

    __slots__ = ()
    kind, prefix = "contact form", "cf_"


class ContractId(StudioId):
    """The id of a contract: `co_…`."""

    __slots__ = ()
    kind, prefix = "contract", "co_"


class ContractTemplateId(StudioId):
    """The id of a contract template: `ct_…`."""

    __slots__ = ()
    kind, prefix = "contract template", "ct_"


class QuestionnaireId(StudioId):
    """The id of a questionnaire: `qu_…`."""

    __slots__ = ()
    kind, prefix = "questionnaire", "qu_"


class QuestionnaireTemplateId(StudioId):
    """The id of a questionnaire template: `qt_…`."""

    __slots__ = ()
    kind, prefix = "questionnaire template", "qt_"


class QuoteId(StudioId):
    """The id of a quote: `qo_…`."""

    __slots__ = ()
    kind, prefix = "quote", "qo_"


class QuoteTemplateId(StudioId):
    """The id of a quote template: `qp_…`."""

    __slots__ = ()
    kind, prefix = "quote template", "qp_"


class EmailTemplateId(StudioId):
    """The id of a email template: `et_…`."""

    __slots__ = ()
    kind, prefix = "email template", "et_"


class InvoiceTemplateId(StudioId):
    """The id of a invoice template: `itp_…`."""

    __slots__ = ()
    kind, prefix = "invoice template", "itp_"


class GoogleCalendarSettingsId(StudioId):
    """The id of a Google Calendar settings: `gs_…`."""

    __slots__ = ()
    kind, prefix = "Google Calendar settings", "gs_"


class UserPaymentMethodId(StudioId):
    """The id of a user manual payment method: `ump_…`."""

    __slots__ = ()
    kind, prefix = "user manual payment method", "ump_"


class SessionPaymentMethodId(StudioId):
    """The id of a session manual payment method: `smp_…`."""

    __slots__ = ()
    kind, prefix = "session manual payment method", "smp_"


class ImageAssetId(StudioId):
    """The id of a user image asset: `ui_…`."""

    __slots__ = ()
    kind, prefix = "user image asset", "ui_"


class GiftCardId(StudioId):
    """The id of a gift card: `gc_…`."""

    __slots__ = ()
    kind, prefix = "gift card", "gc_"


class ConversationId(StudioId):
    """The id of a conversation: `conv_…`."""

    __slots__ = ()
    kind, prefix, fixed = "conversation", "conv_", False


class MessageId(StudioId):
    """The id of a message: `msg_…`."""

    __slots__ = ()
    kind, prefix, fixed = "message", "msg_", False


class AttachmentId(StudioId):
    """The id of a attachment: `att_…`."""

    __slots__ = ()
    kind, prefix, fixed = "attachment", "att_", False


class CouponActivityId(StudioId):
    """The id of a coupon activity: `ca_…`."""

    __slots__ = ()
    kind, prefix, fixed = "coupon activity", "ca_", False


def stem_of(text: str) -> str:
    """What an id has in common with its forms of another length; empty for one too short to be told from others."""
    return text[:-_LONGER] if len(text) >= _LONG else ""


def same_but_for_length(one: str, other: str) -> bool:
    """Whether two ids are one in two lengths: the longer goes on where the shorter ends, for a character or two."""
    short, long = sorted((one, other), key=len)
    return len(short) >= _LONG and 0 < len(long) - len(short) <= _LONGER and long.startswith(short)


def odd_form(kind: str, text: str) -> bool:
    """Whether a text isn't an id of that kind of record by its form; False for a kind that has no ids of its own."""
    return kind in BY_KIND and not BY_KIND[kind].valid(text)


ID_TYPES: tuple[type[StudioId], ...] = tuple(StudioId.__subclasses__())
BY_PREFIX: dict[str, type[StudioId]] = {t.prefix: t for t in ID_TYPES}
BY_KIND: dict[str, type[StudioId]] = {t.kind: t for t in ID_TYPES}


def id_type_of(text: str) -> type[StudioId] | None:
    """The id type that the text's prefix names, or None; `li_` is an invoice item."""
    prefix = text[: text.find("_") + 1]
    return InvoiceItemId if prefix == "li_" else BY_PREFIX.get(prefix)
