"""Packs on a terminal: the list, the questions, what would be written, and what changed since."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from selftimer.cli.output import clean, complain, console, note, print_json, print_table, say
from selftimer.cli.problems import show_text
from selftimer.cli.workspace import load_settings, running
from selftimer.errors import ConfigError, RuleFileError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from whenever import Date

    from selftimer.packs.compare import Change, Comparison
    from selftimer.packs.model import Input, Pack, Value
    from selftimer.packs.placing import Placement
    from selftimer.packs.record import Record
    from selftimer.rulebook.model import Rule
    from selftimer.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What `selftimer new` was asked for."""

    name: str | None
    source: Path | None = None
    inputs: tuple[str, ...] = ()
    show: bool = False
    yes: bool = False


def list_packs(workspace: Path, *, as_json: bool) -> int:
    """The catalogue; what a workspace has of it, if this is one."""
    from selftimer.packs.catalogue import catalogue
    from selftimer.packs.record import records
    from selftimer.settings import FILE

    here = records(workspace) if (workspace / FILE).is_file() else {}
    packs = catalogue()
    if as_json:
        print_json([{**_described(pack), "here": pack.name in here} for pack in packs])
        return 0
    rows = [(pack.name, pack.title, "yes" if pack.name in here else "", ", ".join(_asks(pack))) for pack in packs]
    print_table(("pack", "what it is for", "here", "asks for"), rows, empty="this installation has no packs")
    say("\nselftimer new NAME --show    prints its files;    selftimer new NAME    writes them to a workspace")
    return 0


def _asks(pack: Pack) -> list[str]:
    return [one.name for one in pack.inputs]


def _described(pack: Pack) -> dict[str, object]:
    asks = [{"name": one.name, "ask": one.ask, "type": one.type, "default": one.default} for one in pack.inputs]
    return {
        "name": pack.name, "version": pack.version, "title": pack.title, "for": pack.summary, "inputs": asks,
        "needs": pack.needs, "files": list(pack.files),
    }  # fmt: skip


# --- new -------------------------------------------------------------------------------------------------------------


def new_pack(workspace: Path, wish: Wish, *, as_json: bool) -> int:
    """Write a pack, or show it; 1 where the owner says no or the workspace couldn't be used with it."""
    from selftimer.packs.placing import place, write

    pack = _wanted(wish)
    given = _given(wish.inputs)
    asking = sys.stdin.isatty() and not wish.yes and not as_json
    if wish.show:
        return _show(pack, _answers(pack, given, asking=False), as_json=as_json)
    settings = load_settings(workspace)
    if not asking and not wish.yes:
        raise ConfigError("nobody can be asked here: add --yes to write it, or --show to see it first")
    if not as_json:
        say(f"{pack.name}, version {pack.version}: {clean(pack.title)}", "bold")
        say(clean(pack.summary))
    answers = _answers(pack, given, asking=asking)
    try:
        placement = place(settings, pack, answers)
    except RuleFileError as error:
        _unusable(settings, pack, error)
        return 1
    if not as_json:
        _say_placement(placement)
    if asking and not _confirmed(settings):
        say("nothing was written")
        return 1
    write(settings.workspace, placement)
    if as_json:
        rules = [rule.id for rule in placement.rules]
        print_json({"name": pack.name, "version": pack.version, "written": placement.new, "rules": rules})
    else:
        _say_next(settings, workspace, placement)
    return 0


def _wanted(wish: Wish) -> Pack:
    from selftimer.packs.catalogue import from_elsewhere, of_catalogue

    if wish.source is None:
        return of_catalogue(wish.name or "")
    pack = from_elsewhere(wish.source)
    if wish.name is not None and wish.name != pack.name:
        raise ConfigError(f"the pack in {wish.source} is called {pack.name!r}, not {wish.name!r}")
    return pack


def _given(said: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in said:
        name, sign, value = text.partition("=")
        if not sign or not value.strip():
            raise ConfigError(f"--input {text[:60]!r}: write it like --input name=value")
        found[name.strip()] = value
    return found


def _answers(pack: Pack, given: Mapping[str, str], *, asking: bool) -> Mapping[str, Value]:
    from selftimer.packs.filling import read_answers

    said = dict(given)
    if asking:
        said |= {one.name: _asked(one) for one in pack.inputs if one.name not in given}
    return read_answers(pack.inputs, said, _today())


def _asked(one: Input) -> str:
    """An answer that fits; asked again until it does."""
    from selftimer.packs.filling import default_of, read_answer

    today = _today()
    default = default_of(one, today)
    while True:
        sys.stderr.write(f"{clean(one.ask)}{f' [{clean(default)}]' if default else ''}: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise ConfigError("the questions weren't answered; nothing was written")
        try:
            read_answer(one, line, today)
        except ConfigError as error:
            complain(str(error))
        else:
            return line.strip()


def _today() -> Date:
    from whenever import SYSTEM_TZ, Instant

    return Instant.now().to_tz(SYSTEM_TZ).date()


def _show(pack: Pack, answers: Mapping[str, Value], *, as_json: bool) -> int:
    from selftimer.packs.filling import fill
    from selftimer.rulebook.files import FILES

    texts = {
        name: f"({len(content):,} bytes)" if name.startswith(FILES) else content.decode("utf-8")
        for name, content in fill(pack.files, answers).items()
    }
    if as_json:
        print_json({**_described(pack), "files": texts})
        return 0
    for name, text in texts.items():
        say(f"=== {name}", "bold")
        say("\n".join(clean_line(line) for line in text.rstrip("\n").split("\n")))
        say("")
    return 0


def clean_line(line: str) -> str:
    """A line of somebody's file as a terminal may show it, its indentation kept."""
    inner = line.lstrip(" ")
    return " " * (len(line) - len(inner)) + clean(inner)


def _unusable(settings: Settings, pack: Pack, error: RuleFileError) -> None:
    from selftimer.rulebook.files import read_workspace

    show_text(error.problems, read_workspace(settings.workspace))
    complain(f"with {pack.name} the rules of {settings.workspace} couldn't be used; nothing was written")


def _say_placement(placement: Placement) -> None:
    say("")
    for rule in placement.rules:
        say(f"  {rule.id}: {clean(rule.title)}  ({', '.join(_does(rule))})")
    say("")
    for name, content in placement.files.items():
        state = "" if name in placement.new else "   is here already, word for word"
        say(f"  {name}  {len(content):,} bytes{state}")
    for problem in placement.warnings:
        note(clean(problem))


def _does(rule: Rule) -> list[str]:
    """What a rule does to the world, each once: `writes to clients`, `notes to you` and so on."""
    from selftimer.rulebook.lint_walk import effects_of
    from selftimer.rulebook.model import CouponStep, CreateStep, LeadStep, NotifyStep, SendStep, UpdateStep, WebhookStep

    found: list[str] = [rule.mode] if rule.mode != "auto" else []
    for entry in rule.entries:
        for effect in effects_of(entry):
            match effect.step:
                case SendStep(approve=approve):
                    found.append("writes to clients after your yes" if approve else "writes to clients")
                case NotifyStep():
                    found.append("notes to you")
                case CreateStep(kind=kind, draft=draft):
                    found.append(f"{'drafts' if draft else 'mails'} a {kind}")
                case CouponStep():
                    found.append("creates coupons")
                case LeadStep():
                    found.append("creates leads")
                case UpdateStep():
                    found.append("changes clients")
                case WebhookStep():
                    found.append("calls an address")
                case _:
                    assert_never(effect.step)
    return list(dict.fromkeys(found)) or ["does nothing"]


def _confirmed(settings: Settings) -> bool:
    if running(settings) is not None:
        note("The service runs: it takes new rules up at once.")
    sys.stderr.write("Write these files? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in {"y", "yes"}


def _say_next(settings: Settings, workspace: Path, placement: Placement) -> None:
    from pathlib import Path

    where = "" if settings.workspace == Path.cwd() else f" -w {workspace}"
    count = len(placement.new)
    say(f"\n{count} file{'' if count == 1 else 's'} written to {settings.workspace}. They are yours: read them first.")
    say(f"Next: selftimer check{where}    and then    selftimer test{where}")


# --- diff-pack -------------------------------------------------------------------------------------------------------


def diff_packs(workspace: Path, name: str | None, *, source: Path | None, taken: bool, as_json: bool) -> int:
    """What changed on both sides; with `taken`, today's version is what is measured from."""
    from selftimer.packs.placing import keep, record_of
    from selftimer.packs.record import records
    from selftimer.rulebook.sentences import similar

    settings = load_settings(workspace)
    found = records(settings.workspace)
    if name is not None and name not in found:
        hint = similar(name, list(found)) or "'selftimer new' lists the packs, and which of them are here"
        raise ConfigError(f"no pack {name[:60]!r} was written here; {hint}")
    if (source is not None or taken) and name is None:
        raise ConfigError("name the pack: selftimer diff-pack NAME")
    compared = [_compared(settings, found[one], source) for one in ([name] if name else found)]
    known = [one for one in compared if not isinstance(one, str)]
    if as_json:
        print_json([_as_data(one) for one in known])
    elif not found:
        say("no packs were written here; 'selftimer new' lists them")
    else:
        for one in compared:
            _say_comparison(one, all_of_it=name is not None)
    if taken:
        for one in known:
            keep(settings.workspace, record_of(one.pack, one.answers, one.files), one.files)
            note(f"{one.pack.name} is measured from version {one.pack.version} on")
    return 0


def _compared(settings: Settings, record: Record, source: Path | None) -> Comparison | str:
    """The comparison, or why there is none."""
    from pathlib import Path

    from selftimer.packs.catalogue import from_elsewhere, names, of_catalogue
    from selftimer.packs.compare import compare
    from selftimer.packs.model import CATALOGUE

    if record.origin == CATALOGUE and source is None:
        if record.name not in names():
            return f"{record.name}: the catalogue doesn't have it any more; its files are yours as they are"
        pack = of_catalogue(record.name)
    elif source is not None or Path(record.origin).exists():
        pack = from_elsewhere(source or Path(record.origin))
    else:
        return (
            f"{record.name}: it came from {clean(record.origin)}, which isn't there; give its newer version by --from"
        )
    if pack.name != record.name:
        raise ConfigError(f"the pack in {source or record.origin} is called {pack.name!r}, not {record.name!r}")
    return compare(settings.workspace, record, pack, _today())


def _say_comparison(one: Comparison | str, *, all_of_it: bool) -> None:
    """What changed in the pack, with what you changed in those files; or all that either did."""
    if isinstance(one, str):
        note(one)
        return
    was, now = one.record.version, one.pack.version
    versions = f"version {was}" if was == now else f"version {was}, today {now}"
    if not one.changes:
        say(f"{one.pack.name}: {versions}: nothing changed, neither in the pack nor here")
        return
    say(f"{one.pack.name}: {versions}", "bold")
    for change in one.changes:
        _say_change(change, own=all_of_it or bool(change.upstream))


def _say_change(change: Change, *, own: bool) -> None:
    sides = [f"{change.upstream} in the pack" if change.upstream else "", f"{change.own} by you" if change.own else ""]
    say(f"\n{change.file}: {', '.join(side for side in sides if side)}")
    _say_diff(change.upstream_diff)
    if own:
        _say_diff(change.own_diff)


def _say_diff(text: str) -> None:
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in text.split("\n") if text else ():
        console().print(f"  {line[:1]}{clean_line(line[1:])}", style=styles.get(line[:1]), soft_wrap=True)


def _as_data(one: Comparison) -> dict[str, object]:
    return {"name": one.pack.name, "written": one.record.version, "version": one.pack.version, "changes": one.changes}
