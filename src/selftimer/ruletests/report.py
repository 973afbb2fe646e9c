"""Outcomes for people (a diff of the diary), for programs (JSON), and for build servers (JUnit's XML)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree as ET

from selftimer.ruletests.compare import minute
from selftimer.ruletests.model import Answers, Called, Expected, Happens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from selftimer.rulebook.model import Where
    from selftimer.ruletests.compare import Action, Difference
    from selftimer.ruletests.model import Line
    from selftimer.ruletests.runner import Outcome

Sign = Literal[" ", "-", "+", "!"]
_AROUND = 2
"""Lines of the diary that are shown before and after a difference."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a diff: `-` expected and not done, `+` done and not expected, `!` why, ` ` as it was."""

    sign: Sign
    text: str


def said(line: Line) -> str:
    """A diary's line in words."""
    match line:
        case Happens(event=event, values=values):
            about = values.get("id") or values.get("client") or ""
            return f"{event} {about}".rstrip()
        case Called(webhook=webhook):
            return f"webhook {webhook}"
        case Expected():
            verb = line.verb or line.came
            because = f" because {line.because}" if line.because else ""
            return f"{verb} {line.name}{_to(line.to, verb)}{because}"
        case Answers(yes=yes, name=name, to=to):
            return f"{'yes' if yes else 'no'} {name}{_to(to)}"
        case _:
            return ""


def _to(client: str | None, verb: str = "") -> str:
    """Whom it is for; a note goes to the owner, whoever it is about."""
    return f" {'about' if verb == 'notify' else 'to'} {client}" if client else ""


def done(action: Action) -> str:
    """An action in the words that a diary would have for it."""
    name = action.name or action.delivery.step_id
    if action.came == "done":
        return f"{action.verb} {name}{_to(action.to, action.verb)}"
    why = f" because {action.reason}" if action.reason else ""
    shown = name if action.verb != "create" else f"{action.verb} {name}"
    return f"{action.came} {shown}{_to(action.to)}{why}"


def diff(outcome: Outcome, zone: str) -> list[Row]:
    """The diary beside what was done, around each difference, with the reasons below it."""
    rows: list[tuple[Any, int, list[Row]]] = []
    odd = {id(one.expected): one for one in outcome.differences if one.expected is not None}
    for number, line in enumerate(outcome.test.diary):
        difference = odd.get(id(line))
        rows.append((line.at, number, _rows(line, difference, zone)))
    later = len(outcome.test.diary)
    rows += [(one.at, later, _extra(one, zone)) for one in outcome.differences if one.expected is None]
    ordered = [row for _, _, group in sorted(rows, key=lambda row: row[:2]) for row in group]
    return _near(ordered)


def _rows(line: Line, difference: Difference | None, zone: str) -> list[Row]:
    text = f"{minute(line.at, zone)}  {said(line)}".rstrip()
    if difference is None:
        return [Row(" ", text)]
    rows = [Row("-", text)]
    if difference.action is not None:
        rows.append(Row("+", f"{minute(difference.action.at, zone)}  {done(difference.action)}"))
    return rows + [Row("!", why) for why in difference.why]


def _extra(difference: Difference, zone: str) -> list[Row]:
    when = minute(difference.at, zone)
    rows = [Row("+", f"{when}  {done(difference.action)}")] if difference.action is not None else []
    rows = rows or [Row("-", f"{when}  an answer to what doesn't wait")]
    return rows + [Row("!", why) for why in difference.why]


def _near(rows: list[Row]) -> list[Row]:
    """Without the stretches of the diary that are far from any difference."""
    odd = [number for number, row in enumerate(rows) if row.sign != " "]
    kept: list[Row] = []
    gap = False
    for number, row in enumerate(rows):
        if not odd or any(abs(number - other) <= _AROUND for other in odd):
            kept.append(row)
            gap = False
        elif not gap:
            kept.append(Row(" ", "…"))
            gap = True
    return kept


def rows_of(outcome: Outcome, zone: str) -> Iterator[Row]:
    """All that is to be said of a test that failed."""
    for trouble in outcome.troubles:
        yield Row("!", trouble)
    if outcome.differences:
        yield from diff(outcome, zone)


def in_a_sentence(outcome: Outcome, zone: str) -> tuple[Where, str]:
    """The first thing that is wrong with a test that failed, and the line of it: for a note to the owner."""
    if outcome.troubles or not outcome.differences:
        return outcome.test.where, (outcome.troubles or ("",))[0]
    one = outcome.differences[0]
    when = minute(one.at, zone)
    did = f"{done(one.action)} at {minute(one.action.at, zone)}" if one.action is not None else ""
    if one.expected is None:
        why = f"{did} happens, and isn't in its diary" if did else f"at {when} {'; '.join(one.why)}"
        return outcome.test.where, why
    wanted = f"it expects {said(one.expected)} at {when}"
    same = one.action is not None and did == f"{said(one.expected)} at {when}"
    came = f"; what comes is {did}" if did and not same else "; " + (one.why[0] if one.why else "it doesn't come")
    return one.expected.where, wanted + came


# --- for programs ----------------------------------------------------------------------------------------------------


def as_data(outcome: Outcome, zone: str) -> dict[str, Any]:
    """An outcome as JSON can say it."""
    return {
        "name": outcome.test.name,
        "file": outcome.test.file,
        "line": outcome.test.where.line,
        "rules": list(outcome.test.rules),
        "passed": outcome.passed,
        "seconds": round(outcome.seconds, 3),
        "troubles": list(outcome.troubles),
        "differences": [
            {
                "what": one.what,
                "at": minute(one.at, zone),
                "expected": said(one.expected) if one.expected is not None else None,
                "line": one.expected.where.line if one.expected is not None else None,
                "done": done(one.action) if one.action is not None else None,
                "why": list(one.why),
            }
            for one in outcome.differences
        ],
    }


def junit(outcomes: Sequence[Outcome], zone: str) -> str:
    """JUnit's XML, one suite a file."""
    root = ET.Element("testsuites", _totals(outcomes))
    for file in dict.fromkeys(one.test.file for one in outcomes):
        mine = [one for one in outcomes if one.test.file == file]
        suite = ET.SubElement(root, "testsuite", {"name": file, **_totals(mine)})
        for one in mine:
            attributes = {"name": one.test.name, "classname": file, "file": file, "line": str(one.test.where.line)}
            case = ET.SubElement(suite, "testcase", {**attributes, "time": f"{one.seconds:.3f}"})
            if not one.passed:
                rows = list(rows_of(one, zone))
                failure = ET.SubElement(case, "failure", {"message": _first(one)})
                failure.text = "\n".join(_clean(f"{row.sign} {row.text}") for row in rows)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _totals(outcomes: Iterable[Outcome]) -> dict[str, str]:
    all_of = list(outcomes)
    failed = sum(not one.passed for one in all_of)
    return {"tests": str(len(all_of)), "failures": str(failed), "time": f"{sum(one.seconds for one in all_of):.3f}"}


def _first(outcome: Outcome) -> str:
    if outcome.troubles:
        return _clean(outcome.troubles[0])
    one = outcome.differences[0]
    if one.expected is None:
        return _clean(f"not in the diary: {done(one.action)}" if one.action is not None else one.why[0])
    return _clean(f"expected: {said(one.expected)}")


def _clean(text: str) -> str:
    """Without the control signs that XML can't hold."""
    return "".join(sign for sign in text if sign in "\t\n" or sign >= " ")
