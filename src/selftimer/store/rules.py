"""Rules across restarts, and their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from selftimer.ports.store import RuleRow
from selftimer.store import tables
from selftimer.store.dialect import insert_new, upsert
from selftimer.store.rows import STUDIO, Group, Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Instant

RULES = Rows(RuleRow, tables.rules)
_v = tables.rule_versions.c

_ALL = RULES.select.order_by(tables.rules.c.rule_id)
_SOURCE = sa.select(_v.source).where(
    _v.studio == STUDIO, _v.rule_id == bindparam("_rule"), _v.version == bindparam("_version")
)
_t = tables.truths.c
_TRUTH = sa.select(_t.value).where(
    _t.studio == STUDIO,
    _t.rule_id == bindparam("_rule"),
    _t.trigger_id == bindparam("_trigger"),
    _t.subject_id == bindparam("_subject"),
)
_FORGET = sa.delete(tables.truths).where(_t.studio == STUDIO, _t.rule_id == bindparam("_rule"))

_t = tables.texts.c
_WORDS = sa.select(_t.file, _t.text).where(_t.studio == STUDIO, _t.name == bindparam("_name"))


class SqlRules(Group):
    """`selftimer.ports.store.Rules` over SQL."""

    __slots__ = ()

    def rows(self) -> dict[str, RuleRow]:
        return {row.rule_id: row for row in self._many(RULES, _ALL)}

    def put(self, row: RuleRow) -> None:
        self._run(upsert(self._dialect, tables.rules), **RULES.dump(row, self._studio))

    def put_version(self, rule_id: str, version: str, source: Mapping[str, Any], at: Instant) -> None:
        """A version's text never changes, so the first one stays."""
        row = {"studio": self._studio, "rule_id": rule_id, "version": version, "source": source, "at": at}
        self._run(insert_new(self._dialect, tables.rule_versions), **row)

    def put_words(self, name: str, file: str, text: str, at: Instant) -> None:
        row = {"studio": self._studio, "name": name, "file": file, "text": text, "at": at}
        self._run(upsert(self._dialect, tables.texts), **row)

    def words(self, name: str) -> tuple[str, str] | None:
        found = self._run(_WORDS, _name=name).first()
        return None if found is None else (str(found[0]), str(found[1]))

    def source(self, rule_id: str, version: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self._run(_SOURCE, _rule=rule_id, _version=version).scalar_one_or_none()
        return found

    def truth(self, rule_id: str, trigger_id: str, subject_id: str) -> bool | None:
        row = self._run(_TRUTH, _rule=rule_id, _trigger=trigger_id, _subject=subject_id).first()
        return None if row is None else bool(row[0])

    def put_truth(self, rule_id: str, trigger_id: str, subject_id: str, at: Instant, *, value: bool) -> None:
        row = {"rule_id": rule_id, "trigger_id": trigger_id, "subject_id": subject_id, "value": value, "at": at}
        self._run(upsert(self._dialect, tables.truths), studio=self._studio, **row)

    def forget_truths(self, rule_id: str) -> None:
        self._run(_FORGET, _rule=rule_id)
