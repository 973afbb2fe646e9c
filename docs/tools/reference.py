"""Writes the tables of the reference that are made of the program: events.md, fields.md and keys.md.

`python docs/tools/reference.py` writes them; a test compares them with what stands in docs/reference.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from selftimer.facts.event import EVENTS
from selftimer.facts.schema import SCHEMA
from selftimer.rulebook import keys
from selftimer.rulebook.build_verbs import CREATE_KEYS
from selftimer.rulebook.build_when import subject_of
from selftimer.rulebook.model import EventTrigger
from selftimer.rulebook.models import STEP_KEYS, VERBS
from selftimer.rulebook.names import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from selftimer.facts.types import Field, Type
    from selftimer.rulebook.keys import Key

FOLDER = Path(__file__).parents[1] / "reference"
_EVENTS_HEAD = """\
# Events

Each can stand behind `when:`. A rule's run is about the record in the second column; `client` is known in all of them.
What makes two happenings one and the same is in [the language](language.md#occurrences).

| event | about | when |
|---|---|---|
"""
_FIELDS_HEAD = """\
# Fields

What conditions and messages can say. Whatever isn't here can't be reached from a rule.

- *text*: compared with `==`, `in [...]`, `is containing`. *word*: one of those that are listed; any other is an error
  when the file is loaded.
- *amount*: money in its record's currency, in main units: `invoice.balance >= 50`.
- *date*: a day. *instant*: a point in time. A date is compared with `today`, an instant with `now`.
- *?* after the type: the field can be missing. Then comparisons with it are unknown, see
  [what is missing](language.md#what-is-missing).

Known everywhere: `now` (instant), `today` (date) and `studio`. Within a run also `start`, the instant it began.
"""
_KEYS_HEAD = """\
# Keys

Every key of rule and automation files, as [editors](../guide/first-rule.md#in-your-editor) show them. How they work
together is in [the language](language.md).
"""
_KEYS: Mapping[str, tuple[str, Mapping[str, Key]]] = {
    "A rule": ("An entry of `rules:`.", keys.RULE),
    "All rules": ("`all_rules:` beside `rules:`.", keys.ALL_RULES),
    "A step": ("An entry of `then:` or `else:`; exactly one of the first eight, or `if` with `then`.", keys.STEP),
    "A line of items": ("An entry of `items:`.", keys.ITEM),
    "A list": ("A name in `lists:`.", keys.LIST),
    "An automation": ("An entry of `automations:`.", keys.AUTOMATION),
    "An input": ("A name in `inputs:`.", keys.INPUT),
}
_INTRO: Mapping[str, str] = {
    "session_type": "Reached as `session.session_type`.",
    "payment": "Known in rules on `payment.*`, and reached as `invoice.payments`.",
    "conversation": "Known in rules on `message.received`, and reached as `message.conversation`.",
    "message": "Known in rules on `message.received`, and reached as `client.last_message`.",
    "gallery": "Known in rules on `gallery.*`, and reached as `client.galleries`. Galleries are looked for at clients "
    "whose session ended in the last 120 days, once a day each, where a rule asks for them.",
    "event": "Known in rules that begin with an event.",
    "studio": "From `[studio]` in [selftimer.toml](../guide/settings.md). Known everywhere.",
}
_SAID = {"enum": "word", "money": "amount"}


def events() -> str:
    """events.md."""
    rows = (f"| `{name}` | {_about(name)} | {meaning} |\n" for name, meaning in EVENTS.items())
    return _EVENTS_HEAD + "".join(rows)


def fields() -> str:
    """fields.md."""
    assert set(ALWAYS) == {"now", "today", "studio"}, "the head names what is known everywhere"
    return _FIELDS_HEAD + "".join(_table(name, table) for name, table in SCHEMA.items())


def all_keys() -> str:
    """keys.md."""
    text = _KEYS_HEAD
    for title, (intro, table) in _KEYS.items():
        beside = " at |" if table is keys.STEP else ""
        text += f"\n## {title}\n\n{intro}\n\n| key |{beside} meaning | without it |\n|---|---|---|"
        text += "---|\n" if beside else "\n"
        for name, key in table.items():
            at = f" {_owners(name)} |" if beside else ""
            text += f"| `{name}` |{at} {key.meaning.replace('|', chr(92) + '|')} | {key.default} |\n"
    return text


def _owners(key: str) -> str:
    """The verbs that a key of a step belongs to."""
    if key in VERBS or key == "then":
        return "" if key in VERBS else "`if`"
    if key in CREATE_KEYS and key not in {"with", "set"}:
        return ", ".join(f"`create: {kind}`" for kind in sorted(CREATE_KEYS[key]))
    owners = [f"`{verb}`" for verb, known in STEP_KEYS.items() if key in known]
    return ", ".join(owners) or {"else": "`if`", "when": "entries"}.get(key, "each")


def pages() -> dict[str, str]:
    """File name to content."""
    return {"events.md": events(), "fields.md": fields(), "keys.md": all_keys()}


def _about(event: str) -> str:
    subject = subject_of(EventTrigger(name=event))
    return "" if subject is None else str(subject)


def _table(name: str, table: Mapping[str, Field]) -> str:
    intro = f"\n{_INTRO[name]}\n" if name in _INTRO else ""
    return f"\n## {name}\n{intro}\n| field | type | what it is |\n|---|---|---|\n" + "".join(_rows(table))


def _rows(table: Mapping[str, Field]) -> Iterator[str]:
    words = [f"`{field.name}`" for field in table.values() if field.status]
    for field in table.values():
        if field.status:
            continue
        missing = "?" if field.nullable else ""
        unit = f", in {field.unit}" if field.unit else ""
        yield f"| `{field.name}` | {_type(field.type)}{missing} | {field.doc}{unit} |\n"
        if field.name == "status" and words:
            yield f"| {', '.join(words)} | yes/no | the status is that |\n"


def _type(kind: Type) -> str:
    if kind.name == "record":
        return f"[{kind.table}](#{kind.table})"
    if kind.name == "list" and kind.of is not None:
        many = kind.of
        return f"list of [{many.table}s](#{many.table})" if many.name == "record" else "list of texts"
    return _SAID.get(kind.name, kind.name)


if __name__ == "__main__":
    for page, content in pages().items():
        (FOLDER / page).write_text(content, "utf-8")
