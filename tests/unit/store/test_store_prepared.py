"""A prepared statement finds, writes and counts what SQLAlchemy's own way does, and leaves to it what isn't plain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant

from selftimer.errors import StoreError
from selftimer.facts.records import Kind
from selftimer.store.columns import Json, Moment, Pairs, Texts, Word
from selftimer.store.dialect import insert_new
from selftimer.store.engine import Database, connect_engine, library, open_database
from selftimer.store.prepared import prepared
from selftimer.store.tables import notices
from selftimer.store.tx import SqlTx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

THINGS = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger),
    sa.Column("yes", sa.Boolean),
    sa.Column("bytes", sa.LargeBinary),
    sa.Column("at", Moment),
    sa.Column("json", Json),
    sa.Column("texts", Texts),
    sa.Column("pairs", Pairs),
    sa.Column("word", Word(Kind)),
)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=9)
ROWS = st.fixed_dictionaries(
    {
        "name": WORDS,
        "number": st.none() | st.integers(-(2**63), 2**63 - 1),
        "yes": st.none() | st.booleans(),
        "bytes": st.none() | st.binary(max_size=9),
        "at": st.none()
        | st.integers(0, 4 * 10**15).map(lambda micros: Instant.from_timestamp(micros, unit="microsecond")),
        "json": st.none()
        | st.dictionaries(WORDS, st.none() | st.integers(-9, 9) | WORDS | st.lists(WORDS, max_size=2)),
        "texts": st.none() | st.lists(WORDS, max_size=3).map(tuple),
        "pairs": st.none() | st.dictionaries(WORDS, st.tuples(WORDS, WORDS), max_size=2),
        "word": st.none() | st.sampled_from(Kind),
    }
)
ALL, INSERT = sa.select(THINGS), sa.insert(THINGS)
NAMED = ALL.where(THINGS.c.name == sa.bindparam("_name"))
UPDATE = sa.update(THINGS).where(THINGS.c.name == sa.bindparam("_name"))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    engine = connect_engine(tmp_path / "things.db", library())
    with engine.begin() as opened:
        THINGS.create(opened)
        yield opened


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Connection]:
    engine = connect_engine(tmp_path_factory.mktemp("law") / "things.db", library(), synchronous="OFF")
    with engine.connect() as opened:
        THINGS.create(opened)
        opened.commit()
        yield opened


def run(connection: sa.Connection, statement: sa.Executable, **values: Any) -> Any:
    """By the prepared way, which there must be."""
    plain = prepared(statement, tuple(values))
    assert plain is not None
    return plain.run(connection, values)


@given(row=ROWS, other=ROWS)
def test_what_one_way_writes_the_other_reads(shared: sa.Connection, row: dict[str, Any], other: dict[str, Any]) -> None:
    with shared.begin() as transaction:
        assert run(shared, INSERT, **row).rowcount == 1
        wanted = [tuple(found) for found in shared.execute(ALL)]
        assert [tuple(found) for found in run(shared, ALL)] == wanted
        assert run(shared, UPDATE, _name=row["name"], **other).rowcount == 1
        wanted = [tuple(found) for found in shared.execute(NAMED, {"_name": other["name"]})]
        assert len(wanted) == 1
        assert [tuple(found) for found in run(shared, NAMED, _name=other["name"]).all()] == wanted
        transaction.rollback()


def test_an_answer_is_read_as_sqlalchemys_is(connection: sa.Connection) -> None:
    for number, name in enumerate("abc"):
        run(connection, INSERT, name=name, number=number)

    names = sa.select(THINGS.c.name).order_by(THINGS.c.name)
    assert list(run(connection, names).scalars()) == ["a", "b", "c"]
    assert run(connection, names).first() == ("a",)
    assert run(connection, NAMED, _name="x").first() is None
    assert run(connection, NAMED, _name="x").all() == []
    assert [run(connection, names).scalar(), run(connection, NAMED, _name="x").scalar_one_or_none()] == ["a", None]
    assert run(connection, sa.select(sa.func.count()).select_from(THINGS)).scalar_one() == 3
    assert run(connection, sa.select(sa.func.max(THINGS.c.number), sa.literal(Kind.QUOTE, Word(Kind)))).one() == [
        2,
        Kind.QUOTE,
    ]
    both = sa.union_all(names.order_by(None), sa.select(THINGS.c.name).where(THINGS.c.number > sa.bindparam("_n")))
    assert sorted(run(connection, both, _n=1).scalars()) == ["a", "b", "c", "c"]
    assert run(connection, UPDATE.returning(THINGS.c.number), _name="b", number=7).scalar() == 7
    assert run(connection, sa.delete(THINGS).where(THINGS.c.number > sa.bindparam("_n")), _n=1).rowcount == 2
    run(connection, names).close()


def test_what_is_not_plain_is_left_to_sqlalchemy() -> None:
    defaults = sa.Table(
        "d", sa.MetaData(), sa.Column("a", sa.Text, primary_key=True), sa.Column("b", sa.Text, default="x")
    )
    among = ALL.where(THINGS.c.name.in_(sa.bindparam("_names", expanding=True)))
    assert prepared(among, ("_names",)) is None
    assert prepared(NAMED, ()) is None, "SQLAlchemy says which value is missing"
    assert prepared(sa.insert(defaults), ("a",)) is None
    assert prepared(insert_new("sqlite", notices).returning(notices.c.id), ("key",)) is None
    assert prepared(sa.text("SELECT 1"), ()) is None


async def test_what_the_driver_refuses_is_a_store_error(tmp_path: Path) -> None:
    database: Database = open_database(tmp_path / "s.db")
    with pytest.raises(StoreError, match=r"s\.db"):
        await database.read(lambda connection: SqlTx(connection, "s").control.put("x", 1))
    await database.write(lambda connection: SqlTx(connection, "s").control.put("x", 2))
    assert await database.read(lambda connection: SqlTx(connection, "s").control.get("x")) == 2
    await database.aclose()
