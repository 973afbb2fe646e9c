"""Writes the cookbook, a page for each pack, from the packs: docs/cookbook/*.md.

`python docs/tools/cookbook.py` writes them; a test compares them with what stands in docs/cookbook.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from whenever import Date

from selftimer.packs.catalogue import STARTER, catalogue
from selftimer.packs.filling import fill, read_answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from selftimer.packs.model import Pack

FOLDER = Path(__file__).parents[1] / "cookbook"
_TODAY = Date(2026, 1, 1)
"""The day on which the pages were asked for: defaults that are dates are told from here."""
_INDEX = """\
# Packs

Rules for a kind of work, with their words and their tests. `selftimer new` lists them, `selftimer new NAME --show`
prints one, `selftimer new NAME` asks its questions and writes plain files to your workspace. They are yours then:
nothing of them is ever changed behind your back, and nothing of yours is overwritten. The first five are the starter,
which `selftimer init` writes.

| pack | what it is for |
|---|---|
"""
_FOOT = """
A new rule is taken up at once by a service that runs. Read it first, run `selftimer test`, and put `mode: approve` or
`mode: dry_run` into it for a beginning. Where the tests speak of a session by its `type`, it has to fit the
[`[kinds]`](../guide/settings.md#kinds) of your studio.

## Packs of others

`selftimer new --from FOLDER` or `--from ARCHIVE.zip` takes a pack that somebody gave you. All of it is checked before
anything is written: that paths stay where a workspace has such files, that there is nothing but rules, words, tests
and small files to attach, how much of it there is, and whether the workspace could be used with it. What it would do
to your clients only you can judge: `--show` prints every file.

A pack is a folder like this:

```
pack.yaml                       what it is and what it asks
about.md                        why it is so
rules/NAME.yaml                 as in a workspace, and so on:
rules/tests/NAME.yaml
automations/NAME.yaml
automations/messages/WORDS.md
automations/files/…             .pdf, .jpg, .png or .txt, at most 2 MiB each
```

```yaml
name: quotes                    # small letters, digits and -
title: Quotes that nobody answers
for: Asks once after some days, and tells you before a quote runs out.
version: 1                      # one more with each change
needs: [sessions]               # packs whose rules its own build on; usually none
inputs:
  first:
    ask: After how many days do you ask about a quote?
    type: number                # or text, time, date, url
    default: 5                  # a date can have 'next 04-01'
    min: 2
    max: 9
```

An answer stands in its files as `${first}`. Dates and numbers can be added up, `${2026-03-02 + first days}`, `${opens
- 2 days}`, so that the tests stay right whatever is answered. `{{ }}` is left as it is: that is for the client's
values, when a message is sent.

## When a pack changes

`.selftimer-packs/` in your workspace keeps how each file was when it was written. `selftimer diff-pack` compares it
with the pack that your Selftimer has now, and with your file: what is new in the pack, beside what you changed. Take
over by hand what you want; `selftimer diff-pack NAME --taken` then measures from that version on.
"""


def pages() -> Mapping[str, str]:
    """File name to what it has to hold."""
    packs = catalogue()
    rows = "".join(f"| [{pack.name}]({pack.name}.md) | {pack.summary} |\n" for pack in packs)
    return {"index.md": _INDEX + rows + _FOOT, **{f"{pack.name}.md": "\n".join(_page(pack)) + "\n" for pack in packs}}


def _page(pack: Pack) -> Iterator[str]:
    files = fill(pack.files, read_answers(pack.inputs, {}, _TODAY))
    texts = {name: content.decode() for name, content in files.items() if not name.startswith("automations/files/")}
    yield f"# {pack.title}\n\n{pack.summary}\n"
    if pack.name in STARTER:
        yield f"Part of the starter, which `selftimer init` writes; elsewhere: `selftimer new {pack.name}`.\n"
    else:
        yield f"```sh\nselftimer new {pack.name}\n```\n"
    for name in pack.needs:
        yield f"Builds on the rules of [{name}]({name}.md).\n"
    yield pack.about
    if pack.inputs:
        yield "## What it asks\n\n| `--input` | question | if you say nothing |\n|---|---|---|"
        yield "".join(f"| `{one.name}` | {one.ask} | {one.default or ''} |\n" for one in pack.inputs)
    yield "## The rules\n"
    for name, text in texts.items():
        if name.endswith(".yaml") and not name.startswith("rules/tests/"):
            yield f"`{name}`\n\n```yaml\n{text}```\n"
    yield "## The words\n"
    for name, text in texts.items():
        if "/messages/" in name:
            yield f"`{name}`\n\n```\n{text}```\n"
    tests = [said for name, text in texts.items() if name.startswith("rules/tests/") for said in _names(text)]
    yield "## What its tests promise\n"
    yield "\n".join(f"- {said}" for said in tests)


def _names(text: str) -> list[str]:
    return [said.strip('"') for said in re.findall(r"^  - name: (.+)$", text, re.MULTILINE)]


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, "utf-8")
