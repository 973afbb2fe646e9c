"""YAML as rule files use it: words of 1.2, places, and faults in sentences."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from selftimer.rulebook.yaml12 import KEY, MAX_BYTES, Document, Spot, load


def read(content: str | bytes) -> Document:
    return load(content, "rules/a.yaml")


def told(content: str | bytes) -> list[str]:
    return [str(problem).removeprefix("rules/a.yaml:") for problem in read(content).problems]


def test_words_of_yaml_1_1_stay_text() -> None:
    document = read("a: [on, off, yes, no, y, 09:30, 1_000, 2026-04-01, 0x10, .inf, '']\n")

    assert document.data == {"a": ["on", "off", "yes", "no", "y", "09:30", "1_000", "2026-04-01", "0x10", ".inf", ""]}
    assert document.problems == ()


def test_numbers_booleans_and_null_are_those_of_yaml_1_2() -> None:
    assert read("a: [1, -2, 012, 1.5, 1e3, true, FALSE, null, ~]\nb:\n").data == {
        "a": [1, -2, 12, 1.5, 1000.0, True, False, None, None],
        "b": None,
    }


def test_what_is_quoted_is_text() -> None:
    assert read("a: \"1\"\nb: 'true'\nc: |\n  5\n").data == {"a": "1", "b": "true", "c": "5\n"}


def test_keys_are_always_text() -> None:
    assert read("2026: a\ntrue: b\n").data == {"2026": "a", "true": "b"}


def test_every_value_and_key_has_its_place() -> None:
    document = read("rules:\n  - id: a\n    then:\n      - send: b\n")

    assert document.spot(("rules", 0)) == Spot(2, 5)
    assert document.spot(("rules", 0, "then", 0, "send")) == Spot(4, 15)
    assert document.key_spot(("rules", 0, "then", 0, "send")) == Spot(4, 9)
    assert document.spots[("rules", KEY)] == Spot(1, 1)
    assert document.spot(("rules", 0, "nowhere")) == Spot(2, 5)


@pytest.mark.parametrize(
    ("content", "offset", "spot"),
    [
        ("if: invoice.amout > 5\n", 8, Spot(1, 13)),
        ("if: 'invoice.amout > 5'\n", 8, Spot(1, 14)),
        ('if: "a \\" b"\n', 3, Spot(1, 5)),
        ("if: |\n  a\n  bcd\n", 3, Spot(3, 4)),
        ("if: >\n  a\n  bcd\n", 3, Spot(1, 5)),
        ("if: a\n  b\n", 2, Spot(1, 5)),
    ],
)
def test_a_character_of_a_text_is_found_where_it_stands(content: str, offset: int, spot: Spot) -> None:
    document = read(content)

    found = document.within(("if",), document.data["if"], offset)

    assert (found.line, found.column) == (spot.line, spot.column)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a:\n  if: {{ x }}\n", '2:7: a text that begins with {{ must stand in double quotes; write "{{ x }}"'),
        ("b: {{ x }} y\n", '1:4: a text that begins with {{ must stand in double quotes; write "{{ x }} y"'),
        (
            "b: {c: {{ x }}, d: 1}\n",
            '1:8: a text that begins with {{ must stand in double quotes; write "{{ x }}"',
        ),
        (
            "if: !client.archived\n",
            ('1:5: a text that begins with ! must stand in double quotes; write "!client.archived"; '
            "in a condition say 'not …' instead of '!…'"),
        ),
        (
            "t: *bold*\n",
            '1:4: a text that begins with * must stand in double quotes; YAML takes it for an alias; write "*bold*"',
        ),
        (
            "t: &c and d\n",
            '1:4: a text that begins with & must stand in double quotes; YAML takes it for an alias; write "&c and d"',
        ),
        ("t: @home\n", '1:4: a text that begins with @ must stand in double quotes; write "@home"'),
        ("t: %x\n", '1:4: a text that begins with % must stand in double quotes; write "%x"'),
        ("t: a: b\n", "1:4: a text that holds ': ' must stand in double quotes; write \"a: b\""),
        (
            'a:\n  - t: "Hi" she said\n',
            ("2:8: the text goes on after its closing quote, or has none: all of it must stand in double quotes; "
            'write "\\"Hi\\" she said"'),
        ),
        (
            "t: 'tis the season\nu: 1\n",
            ("1:4: the text goes on after its closing quote, or has none: all of it must stand in double quotes; "
            "write \"'tis the season\""),
        ),
        (
            "t: pay #1 now\n",
            ("1:8: text or comment? YAML drops everything from ' #' on; if it is text, put all of it in double "
            "quotes; if a comment, two blanks before # and one after"),
        ),
        ("a: 1\nb: 2\na: 3\n", "3:1: the key 'a' stands twice (first on line 1); keep one of them"),
        ("a:\n\t- b\n", "2:1: a tab; YAML wants blanks: two for each level"),
        (
            "a:\n  - b\n c: d\n",
            ("3:2: this line doesn't fit the ones above; begin it in the same column as its neighbours, and put a "
            "text with ': ' in it in double quotes"),
        ),
        ("a: [b, c\nd: e\n", "2:2: a bracket is opened and not closed; close it on the same line"),
        ("a: - b\n", "1:4: a list can't begin on the same line as its key; begin the '- ' on a line of its own"),
        ("- a\nb: c\n", ("2:1: a list's entry must begin with '- '; indent the line to belong to the entry above, "
         "or begin it with '- '")),
        ("a: > b\n", "1:6: after | or > the text begins on the next line; or put the text in double quotes"),
        ('a: "\\q"\n', "1:4: a backslash in double quotes must be written twice; write \\\\, or use single quotes"),
        ("a: 1\n---\nb: 2\n", "2:1: a second document begins here; take the line '---' out"),
        ("? [a]: b\n: c\n", "1:3: a key must be a plain word; write it like 'title: …'"),
        (b"a: b\nc: \xff\n", "2:4: this is not UTF-8 text; save the file as UTF-8"),
        ("a: b\nc: \x00\n", "2:4: an invisible control character (U+0000); delete it"),
        ("a: " + "[" * 60 + "\n", "1:44: nested more than 40 levels deep"),
    ],
)  # fmt: skip
def test_a_fault_is_told_in_a_sentence_with_its_cure(content: str | bytes, problem: str) -> None:
    assert told(content) == [problem]


def test_a_file_that_is_too_large_is_not_read() -> None:
    assert told(b"#" * (MAX_BYTES + 1)) == [
        "1:1: the file has 262,145 bytes; 262,144 are allowed; split it into several files"
    ]


def test_all_faults_of_a_file_are_told_at_once() -> None:
    document = read("a: {{ x }} y\nb: @c\nd: e: f\ng: h #i\nj: !k\n")

    assert [(problem.line, problem.column) for problem in document.problems] == [
        (1, 4), (2, 4), (3, 4), (4, 6), (5, 4),
    ]  # fmt: skip
    assert document.data == {"a": "{{ x }} y", "b": "@c", "d": "e: f", "g": "h", "j": "!k"}


def test_a_comment_with_room_around_it_is_a_comment() -> None:
    document = read("a: b  # c\n# d\n#e\nf:\n  - 'g' # h\n")

    assert document.data == {"a": "b", "f": ["g"]}
    assert document.problems == ()


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    document = read("\ufeffa: b\r\nc:\r\n  - d\r\n".encode())

    assert document.data == {"a": "b", "c": ["d"]}
    assert document.spot(("c", 0)) == Spot(3, 5)


def test_no_python_object_comes_out_of_a_tag() -> None:
    document = read("a: !!python/object/apply:os.system [ls]\n")

    assert document.data == {"a": "!!python/object/apply:os.system [ls]"}
    assert [problem.line for problem in document.problems] == [1]


def test_an_alias_bomb_is_refused() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True))

    document = read(bomb)

    assert len(document.problems) >= 9
    assert len(str(document.data)) < 1_000


YAMLISH = st.text(alphabet="ab: -\n#{}[]\"'!&*@%|>?,\\\t{{}}0\u2028\x85\r~.", max_size=80)


@given(st.one_of(YAMLISH, st.text(max_size=60), st.binary(max_size=60)))
@example("a: {{ b\n")
@example("\u2028- {{\n: x")
@example("a: 'b\n\n\nc")
@example("%")
@example("--- {{")
def test_nothing_makes_the_reader_raise(content: str | bytes) -> None:
    document = read(content)

    assert document.data is None or document.readable
    for problem in document.problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message
