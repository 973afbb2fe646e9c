from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from tests.unit.store.builders import T0, delivery
from tests.unit.store.stores import environment

from selftimer.errors import StoreError
from selftimer.plan.state import DeliveryState
from selftimer.store import control, deliveries, events, people, records, rules, runs, tables, timers, traces
from selftimer.store.dialect import insert_new, upsert
from selftimer.store.engine import connect_engine, library, open_database
from selftimer.store.schema import HEAD, _upgrade, alembic_config, migrate, version
from selftimer.store.tx import SqlTx

if TYPE_CHECKING:
    from pathlib import Path


def engine(path: Path) -> sa.Engine:
    return connect_engine(path, library())


def test_the_migrations_make_the_tables_that_the_queries_know(tmp_path: Path) -> None:
    with engine(tmp_path / "s.db").begin() as connection:
        _upgrade(connection, None)
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, tables.metadata) == []
        assert version(connection) == HEAD


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


def test_new_tables_are_those_of_the_migrations(tmp_path: Path) -> None:
    def shape(path: Path, make: str) -> set[str]:
        made = engine(path)
        if make == "migrations":
            with made.begin() as connection:
                _upgrade(connection, None)
        else:
            migrate(made)
        with made.begin() as connection:
            rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
            return {name for (name,) in rows}

    assert shape(tmp_path / "a.db", "migrations") == shape(tmp_path / "b.db", "metadata")


def test_an_older_database_is_brought_up_to_date(tmp_path: Path) -> None:
    made = engine(tmp_path / "s.db")
    with made.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    migrate(made)

    with made.begin() as connection:
        assert version(connection) == HEAD
        assert sa.inspect(connection).has_table("deliveries")


def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    open_database(tmp_path / "s.db").close()
    with engine(tmp_path / "s.db").begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreError, match=r"version 9999.*newer Selftimer"):
        open_database(tmp_path / "s.db")


@pytest.mark.parametrize("again", [False, True])
def test_a_normal_start_does_not_import_alembic(tmp_path: Path, again: bool) -> None:
    if again:
        open_database(tmp_path / "s.db").close()
    code = (
        "import sys; from pathlib import Path; from selftimer.store.engine import open_database;"
        "open_database(Path(sys.argv[1])).close(); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "s.db")], check=True, timeout=60, env=environment())


HOT: dict[str, tuple[sa.Select[*tuple[Any, ...]] | sa.CompoundSelect[*tuple[Any, ...]], dict[str, Any]]] = {
    "claim": (deliveries._NEXT, {"_now": T0}),
    "next delivery": (deliveries._NEXT_DUE, {}),
    "next over": (deliveries._NEXT_OVER, {}),
    "planned": (deliveries._PLANNED_AT, {"_at": T0}),
    "held": (deliveries._HELD_DUE, {"_now": T0}),
    "cap": (
        deliveries._of_caps(deliveries._how_many, ((("client_id",), 1),)),
        {"_since": T0, "_since0": T0, "_client_id0": "c", "_verb0_0": "m"},
    ),
    "key": (deliveries._BY_KEY, {"_key": "k"}),
    "timers": (timers._DUE, {"_now": T0, "_limit": 5}),
    "closing": (timers._CLOSING, {"_now": T0}),
    "next timer": (timers._NEXT_DUE, {}),
    "runs": (runs._DUE, {"_now": T0, "_limit": 5}),
    "repeats": (runs._REPEATED, {"_rule": "r", "_key": "k"}),
    "alike": (records._beginning(2), {"_kind": "client", "_low0": "a", "_high0": "b", "_low1": "c", "_high1": "d"}),
    "occurrence": (runs._EXISTS, {"_rule": "r", "_entry": "e", "_subject": "s", "_occurrence": "o"}),
    "settling": (events._SETTLING, {"_record": "r", "_name": "n", "_rule": "x"}),
    "next settled": (events._NEXT, {}),
}


@pytest.mark.parametrize("name", HOT)
def test_what_is_asked_often_is_answered_by_an_index(tmp_path: Path, name: str) -> None:
    statement, values = HOT[name]
    database = open_database(tmp_path / "s.db")
    asked: list[tuple[str, tuple[object, ...]]] = []

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def remember(_c: object, _cursor: object, sql: str, parameters: tuple[object, ...], *_rest: object) -> None:
        asked.append((sql, parameters))

    with database.engine.begin() as connection:
        connection.execute(statement, {"_studio": "s", **values})
        sql, parameters = asked[-1]
        plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)]

    assert plan
    assert not [step for step in plan if step.startswith("SCAN") and step != "SCAN CONSTANT ROW"], plan
    if name.startswith("claim"):
        assert not [step for step in plan if "TEMP B-TREE" in step], plan
    if name == "alike":
        assert len([step for step in plan if "id>? AND id<?" in step]) == 2, plan
    if name == "next over":
        assert [step for step in plan if "lease_until>?" in step], plan
    database.close()


def statements() -> dict[str, sa.ClauseElement]:
    modules = (control, deliveries, events, people, records, rules, runs, timers, traces)
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, sa.Select | sa.Insert | sa.Update | sa.Delete)
    }


NARROW = ("id", "client_id", "parent_id", "run_id", "result_id", "record_id", "subject_id", "repeat_key", "key")


@pytest.mark.parametrize("name", statements())
def test_what_is_asked_of_one_client_or_record_is_not_looked_for_among_all(tmp_path: Path, name: str) -> None:
    # SQLite takes an index that gives the order and no more over one that finds the few rows there are.
    database = open_database(tmp_path / "s.db")
    sql = re.sub(r"\(__\[POSTCOMPILE_\w+\]\)", "(?)", str(statements()[name].compile(dialect=database.engine.dialect)))
    asked = {column for column in NARROW if re.search(rf"WHERE.*\.{column} (= \?|IN \()", sql, re.DOTALL)}
    if asked:
        with database.engine.begin() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", (None,) * sql.count("?"))
            used = {column for row in plan for column in re.findall(r"(\w+)=\?", row[-1])}
        assert asked & used or "rowid" in used, (sql, used)
    database.close()


@pytest.mark.parametrize("name", statements())
def test_every_statement_asks_for_one_studio_and_is_one_that_postgresql_has_too(name: str) -> None:
    sql = str(statements()[name].compile(dialect=sa.make_url("postgresql://").get_dialect()()))
    assert "_studio" in sql or (sql.startswith("INSERT") and "studio" in sql)


@pytest.mark.parametrize("table", tables.metadata.sorted_tables, ids=str)
def test_upserts_are_ones_that_postgresql_has_too(table: sa.Table) -> None:
    for make in (upsert, insert_new):
        sql = str(make("postgresql", table).compile(dialect=sa.make_url("postgresql://").get_dialect()()))
        assert "ON CONFLICT" in sql


def test_rows_are_words_numbers_and_json_that_people_can_read(tmp_path: Path) -> None:
    database = open_database(tmp_path / "s.db")
    with database.engine.begin() as connection:
        SqlTx(connection, "s").deliveries.add(delivery("d1", state=DeliveryState.IN_FLIGHT, body={"content": "Grüße"}))
        row = connection.exec_driver_sql("SELECT state, due_at, body, looks, dry FROM deliveries").one()

    assert tuple(row) == ("in_flight", 1772355600000000, '{"content":"Grüße"}', "[]", 0)
    database.close()
