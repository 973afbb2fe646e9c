"""A client's answers to the questions of a questionnaire (studio-api.md, Templates).

Which kinds of fields there are is inferred.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from whenever import Date

from selftimer.sandbox.book.deeds import DeedError

if TYPE_CHECKING:
    from collections.abc import Mapping

Answer = str | Sequence[str]
CHOICES = ("select", "radio")
"""Kinds of fields with one of the options; `checkbox` takes several."""
_LONGEST = 5_000


def checked(questions: Sequence[Mapping[str, Any]], answers: Mapping[str, Answer]) -> list[dict[str, str]]:
    """The answers as `responses`, in the order of the questions; `DeedError` says by question what is wrong.

    A question that nobody must answer, and nobody did, is left out.
    """
    asked = {question["id"] for question in questions}
    wrong = {name: "The questionnaire doesn't ask this." for name in answers if name not in asked}
    responses = []
    for question in sorted(questions, key=lambda q: int(q["order"])):
        answer = answers.get(question["id"], "")
        chosen = [answer] if isinstance(answer, str) else list(answer)
        chosen = [text for text in chosen if text.strip()]
        fault = _fault(question, chosen)
        if fault:
            wrong[question["id"]] = fault
        elif chosen:
            responses.append(
                {
                    "field_name": question["id"],
                    "field_label": question["question_text"],
                    "response": ", ".join(chosen),
                }
            )
    if wrong:
        raise DeedError("answers_invalid", "Some answers are missing or not possible.", wrong)
    return responses


def _fault(question: Mapping[str, Any], chosen: Sequence[str]) -> str:
    kind = question["field_type"]
    if not chosen:
        return "Please answer this question." if question["required"] else ""
    if len(chosen) > 1 and kind != "checkbox":
        return "Only one answer is possible."
    if kind in (*CHOICES, "checkbox"):
        options = question["options"]
        return "" if all(text in options for text in chosen) else f"Please choose from: {', '.join(options)}."
    text = chosen[0]
    longest = (question.get("validation") or {}).get("max_length", _LONGEST)
    if len(text) > longest:
        return f"Please use at most {longest} characters."
    return _unlike(kind, text)


def _unlike(kind: str, text: str) -> str:
    if kind == "number" and not re.fullmatch(r"-?[0-9]+([.,][0-9]+)?", text.strip()):
        return "Please write a number."
    if kind == "email" and not re.fullmatch(r"[^@\s]+@[^@\s]+", text.strip()):
        return "Please write an e-mail address."
    if kind == "date":
        try:
            Date.parse_iso(text.strip())
        except ValueError:
            return "Please write a date like 2026-03-31."
    return ""
