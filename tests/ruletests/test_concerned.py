"""Which tests a changed file asks for."""

from __future__ import annotations

from tests.unit.rulebook.test_lint import STUDIO

from selftimer.rulebook.loader import load_workspace
from selftimer.ruletests.concerned import Concerned
from selftimer.ruletests.reading import read_tests

RULE = """\
  - id: {0}
    title: T
    when: lead.created
    repeat: once
    then:
      - {1}
"""
TEST = """\
  - name: {0}
    rule: {1}
    diary:
      - {{at: 2026-03-02 12:00}}
"""
WORKSPACE = {
    "rules/a.yaml": "rules:\n" + RULE.format("a", "send: hello") + RULE.format("b", "send: bye"),
    "rules/c.yaml": "rules:\n" + RULE.format("c", "run: greet"),
    "automations/greet.yaml": "automations:\n  - id: greet\n    title: T\n    then:\n      - notify: note\n",
    "automations/messages/hello.md": "Hello.\n",
    "automations/messages/bye.txt": "Bye.\n",
    "automations/messages/note.md": "Note.\n",
    "rules/tests/one.yaml": "tests:\n" + TEST.format("a", "a") + TEST.format("b", "b") + TEST.format("c", "c"),
    "rules/tests/all.yaml": "tests:\n" + TEST.replace("    rule: {1}\n", "").format("all"),
}


def asked(**changes: tuple[str, str] | None) -> dict[str, set[str]]:
    """Test to the files it speaks against, after changes: name to what is replaced by what; None, as it is."""
    files = dict(WORKSPACE)
    before = {}
    for key, change in changes.items():
        name = next(one for one in files if one.rpartition("/")[2].split(".")[0] == key or one == key)
        before[name] = files[name].encode()
        files[name] = files[name].replace(*change) if change else files[name]
    content = {name: text.encode() for name, text in files.items()}
    loaded = load_workspace(content, STUDIO)
    assert loaded.rulebook is not None, loaded.errors
    read = read_tests(content, loaded.rulebook, STUDIO)
    assert not read.errors
    concerned = Concerned.by(loaded.rulebook, content, before)
    return {test.name: set(said) for test in read.tests if (said := concerned.files_of(test))}


def test_a_rule_file_asks_for_the_tests_of_its_rules_and_for_those_of_all() -> None:
    assert asked(a=None) == {key: {"rules/a.yaml"} for key in ("a", "b", "all")}


def test_words_and_automations_ask_for_the_tests_of_the_rules_that_say_and_run_them() -> None:
    assert asked(hello=None) == {key: {"automations/messages/hello.md"} for key in ("a", "all")}
    assert asked(bye=None) == {key: {"automations/messages/bye.txt"} for key in ("b", "all")}
    assert asked(greet=None) == {key: {"automations/greet.yaml"} for key in ("c", "all")}
    assert asked(note=None) == {key: {"automations/messages/note.md"} for key in ("c", "all")}


def test_a_file_of_tests_asks_for_its_own_and_several_changes_for_what_each_asks_for() -> None:
    assert asked(one=None) == {key: {"rules/tests/one.yaml"} for key in ("a", "b", "c")}
    assert asked(one=None, greet=None, c=None)["c"] == {
        "rules/tests/one.yaml",
        "automations/greet.yaml",
        "rules/c.yaml",
    }


def test_what_is_for_all_rules_asks_for_every_test() -> None:
    head = ("rules:\n", "all_rules:\n  approve: true\nrules:\n")
    assert asked(c=head) == {key: {"rules/c.yaml"} for key in ("a", "b", "c", "all")}


def test_a_rule_that_is_switched_off_is_kept_running_by_no_test() -> None:
    assert asked(c=("    title: T\n", "    title: T\n    mode: 'off'\n")) == {}
    some = asked(a=("  - id: b\n", "  - id: b\n    mode: 'off'\n"))
    assert some == {"a": {"rules/a.yaml"}}, "its neighbour in the file is tested as ever"
