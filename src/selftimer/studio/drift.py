"""What is known of every payload, in one table: the facts' field lists, and what the wire models read of them.

Payloads can drift without notice (studio-api.md, top). A field that isn't here is kept and counted; a field that should
be there and isn't, a word or an id that nobody knows, is what `selftimer doctor` looks for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import AliasChoices, AliasPath, ValidationError

from selftimer.facts.records import Kind
from selftimer.studio.wire import Fault, faults_of, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

Form = Literal["text", "number", "yes/no", "list", "object", "any"]

_PERSON = "client{id first_name last_name email}"
_DATED = "id name status=active|archived|draft|locked variables[]? created_at? updated_at?"
_FACTS: dict[str, str] = {
    "client": "id email status_name first_name last_name phone company job_title notes avatar_color created_at sample~ "
    "type type_formatted address_info{address_line_1 address_line_2 city postal_code state country country_id}",
    "session_type": "id name status=published|draft duration# location description payment_amount_full# "
    "payment_amount_partial# currency collect_payment~ minimum_notice_duration# maximum_notice_duration# "
    "payment_methods[name enabled~ type instructions] session_type_schedule{id name schedule_type display_timezone "
    "session_type_schedule_intervals[]} contract_template_id auto_send_contract~ contract_required_for_booking~ "
    "created_at?",
    # The session's record is inferred
    "session": f"id status start_at end_at timezone location created_at updated_at {_PERSON} "
    "session_type{id name duration#} invoice_id contract_id questionnaire_id",
    "invoice": f"id invoice_number amount# currency status due_date created_at {_PERSON} line_items[id name "
    "description quantity# amount# taxable~ tax_rate# tax_amount# *] payments[*] associated_documents[]",
    "payment": f"id invoice_id amount# currency payment_date payment_method payment_method_details{{}} status "
    f"transaction_fee# processor_fee# net_amount# {_PERSON} amount_refunded#?",
    "contract": f"id contract_number status created_at sent_at due_date signed_date {_PERSON} "
    "template{id name due_days#} content{rendered_html variables{}} "
    "signatures[signer_type signer_name signer_email signed_at signature_image_url]",
    "questionnaire": "id status created_at updated_at completed_at due_date template{id name} "
    f"{_PERSON} responses[field_name field_label response. *]",
    # Quotes are inferred
    "quote": f"id status created_at valid_until amount# currency {_PERSON} template{{id name}} items[*]",
    "conversation": "id client_id subject created_at updated_at last_message_at status=active|archived "
    "unread_count# participants[id name email type=client|photographer avatar_color] messages[*]?",
    "message": "id conversation_id content sent_at read_at sender_type sender_id "
    "attachments[id filename file_size# content_type url]",
    "email_template": f"{_DATED} subject html_body?",
    "contract_template": f"{_DATED} due_days# html_body signers[] reminders{{}}",
    "invoice_template": f"{_DATED} payment_terms_days# is_default~? late_fees.? accepted_methods[]? *",
    "questionnaire_template": f"{_DATED} questions[]",
    "quote_template": f"{_DATED} validity_days# package_items[] pricing_settings{{}}",
    "coupon": "id code discount_type=percentage|fixed_amount discount_value# "
    "status=active|disabled|expired|exhausted usage_count# usage_limit# minimum_order_amount# expires_at "
    "description created_at?",
    "gift_card": "id code amount# balance# status=active|redeemed|expired expires_at purchased_by currency? "
    "created_at?",
    "collection": "id name description gallery_count# client_count# photo_count# video_count# password_protected~ "
    "downloadable~ expiry_date created_at?",
    # A collection as a client has it: what rules call a gallery
    "gallery": "id name description gallery_count# client_count# photo_count# video_count# password_protected~ "
    "downloadable~ expiry_date created_at?",
    "invoice_summary": "total_invoices# total_amount# paid_amount# unpaid_amount# overdue_count# currency",
    "unread_count": "unread_count# conversations_with_unread#",
    "email_content": "subject text_content html_content? rendered_variables{} missing_variables[]",
}
"""Kind → fields as studio-api.md lists them. `#` is a number, `~` yes or no, `.` anything; `[…]` a list of objects and
`{…}` an object with those fields (nothing: not looked into); `*` says that the facts' list isn't whole; `?` may be
absent. A name's `…_formatted` twin is known with it. `=a|b` are the words of an enum that no wire model reads."""

_TOKEN = re.compile(r"[a-z0-9_]+|=[a-z0-9_|]+|[#~.?*\[\]{}]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}\Z")
_WORD = re.compile(r"[a-z][a-z_]{1,23}\Z")
_READ_BESIDES = {"invoice": ("payments",), "conversation": ("messages",)}
"""Records of their own kinds, read out of another one's answer."""
_SIGNS: dict[str, Form] = {"#": "number", "~": "yes/no", ".": "any"}
_TWIN = "_formatted"


@dataclass(slots=True)
class Known:
    """What is known of one field. `read` is whether Selftimer reads it; `words` an enum's, where they are known."""

    form: Form = "text"
    expected: bool = True
    read: bool = False
    words: tuple[str, ...] = ()
    checked: bool = False
    """Whether the wire model takes no other word."""
    inner: Shape | None = None
    """Of an object, or of a list's objects; None where it isn't looked into."""


@dataclass(slots=True)
class Shape:
    """The fields of one kind of object. `whole`: the list is all that is known to be there."""

    fields: dict[str, Known] = field(default_factory=dict)
    whole: bool = True

    def knows(self, name: str) -> bool:
        """Whether the field, or the one that it is the formatted twin of, is known; always, where the list is open."""
        return name in self.fields or not self.whole or name.removesuffix(_TWIN) in self.fields


@cache
def shape(kind: str) -> Shape | None:
    """All that is known of a kind of record; None for a kind that isn't in the table."""
    if kind not in _FACTS:
        return None
    found = _parsed(iter(_TOKEN.findall(_FACTS[kind])))
    _add_reads(kind, found)
    return found


def kinds() -> tuple[str, ...]:
    """The kinds of the table."""
    return tuple(_FACTS)


def unknown_fields(kind: Kind, raw: Mapping[str, object]) -> tuple[str, ...]:
    """The record's own fields that nobody knows, by names that are fit to be shown; cheap."""
    known = shape(kind.value)
    if known is None or known.fields.keys() >= raw.keys():
        return ()
    return tuple(shown_name(name) for name in raw if not known.knows(name) and not name.startswith("_"))


def shown_name(name: str) -> str:
    """A field's name as it may be shown: what isn't a plain identifier could be anything, a person's name too."""
    return name if _NAME.match(name) else f"<a name of {len(name)} signs>"


def shown_word(value: object) -> str:
    """A value of an enum's field as it may be shown: only what looks like a word of an enum is."""
    word = spelled(value)
    return word if isinstance(word, str) and _WORD.match(word) else f"<{type_of(value)} of {len(str(value))} signs>"


def type_of(value: object) -> str:
    """What JSON calls it, in plain words."""
    match value:
        case None:
            return "null"
        case bool():
            return "yes/no"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case _:
            return "object"


def faults(kind: str, raw: Mapping[str, object]) -> list[Fault]:
    """Why a record can't be understood, each fault; nothing for one that can, or of a kind without a wire model."""
    from selftimer.studio.wire_models import MODELS

    model = MODELS.get(Kind(kind)) if kind in set(Kind) else None
    if model is None:
        return []
    try:
        model.model_validate(raw).record()
    except ValidationError as error:
        return faults_of(error)
    return []


def _parsed(tokens: Iterator[str], closing: str = "") -> Shape:
    found, last = Shape(), Known()
    for sign in tokens:
        match sign:
            case "]" | "}":
                assert sign == closing, "brackets of the table don't match"
                return found
            case "[" | "{":
                last.form = "list" if sign == "[" else "object"
                inner = _parsed(tokens, "]" if sign == "[" else "}")
                last.inner = inner if inner.fields or not inner.whole else None
            case "?":
                last.expected = False
            case "*":
                found.whole = False
            case "#" | "~" | ".":
                last.form = _SIGNS[sign]
            case words if words.startswith("="):
                last.words = tuple(words[1:].split("|"))
            case name:
                last = found.fields.setdefault(name, Known())
    return found


def _add_reads(kind: str, found: Shape) -> None:
    """Mark what the wire model of the kind reads; names that only it knows may be absent."""
    from selftimer.studio.wire_models import MODELS

    model = MODELS.get(Kind(kind)) if kind in set(Kind) else None
    for name, info in model.model_fields.items() if model else ():
        names = _names(name, info)
        here = [one for one in names if one in found.fields]
        for one in here or names:
            known = found.fields.setdefault(one, Known(form="any", expected=False))
            known.read = True
            if words := _words(info.annotation):
                known.words, known.checked = words, True
    for name in _READ_BESIDES.get(kind, ()):
        found.fields[name].read = True


def _names(name: str, info: FieldInfo) -> list[str]:
    """The names that a payload may use for a model's field; none for what the client library adds itself."""
    alias = info.validation_alias or name
    names = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return [one for one in names if not isinstance(one, AliasPath) and not one.startswith("_")]


def _words(annotation: Any) -> tuple[str, ...]:
    return tuple(map(str, get_args(annotation))) if get_origin(annotation) is Literal else ()
