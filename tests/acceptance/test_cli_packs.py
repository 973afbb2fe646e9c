"""`selftimer new` and `selftimer diff-pack`: what they ask, say, write and leave alone."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from tests.acceptance.cli_kit import Commands, bare, make_workspace

from selftimer.cli.main import main
from selftimer.packs.catalogue import STARTER, names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACK = {
    "pack.yaml": "name: hallo\ntitle: Say hello\nfor: Says hello to whoever books.\nversion: 1\n"
    "inputs:\n  days: {ask: After how many days?, type: number, default: 2, min: 1, max: 9}\n",
    "rules/hallo.yaml": "rules:\n  - id: hallo\n    title: Say hello\n"
    "    when: ${days} days after session.start_at at 10:00\n"
    "    if: session.confirmed\n    then:\n      - send: hallo\n",
    "automations/messages/hallo.md": "Hi {{ client.first_name }},\n\nhello again after ${days} days.\n",
    "rules/tests/hallo.yaml": "tests:\n  - name: hello\n    rule: hallo\n    given:\n      - client: {id: anna}\n"
    "      - session: {id: s1, client: anna, start_at: 2026-06-10 14:00}\n    diary:\n      - {at: 2026-06-01 10:00}\n"
    '      - {at: "${2026-06-10 + days days} 10:00", send: hallo, to: anna}\n      - {at: 2026-07-10 10:00}\n',
}


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    bare(monkeypatch)
    yield
    structlog.reset_defaults()


@pytest.fixture
def selftimer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(make_workspace(tmp_path / "nord", "http://127.0.0.1:9"), capsys)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return made(tmp_path / "given", PACK)


def made(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def typed(patch: pytest.MonkeyPatch, text: str) -> None:
    patch.setattr(sys, "stdin", Terminal(text))


# --- the catalogue ---------------------------------------------------------------------------------------------------


def test_without_a_name_it_lists_what_there_is(selftimer: Commands) -> None:
    assert selftimer("new") == 0
    listed = {line.split()[0] for line in selftimer.out.splitlines()[1:] if line}
    assert set(names()) <= listed
    data: Any = selftimer.json("new")
    assert {one["name"] for one in data} == set(names())
    assert not any(one["here"] for one in data)


def test_every_pack_can_be_looked_at_without_a_workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in names():
        assert main(["new", name, "--show", "--json", "-w", str(tmp_path)]) == 0
        files = json.loads(capsys.readouterr().out)["files"]
        assert not any("${" in text for text in files.values())
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_isnt_there_is_asked_back(selftimer: Commands) -> None:
    assert selftimer("new", "wedding", "--yes") == 2
    assert "there is no pack 'wedding'; did you mean 'weddings'?" in selftimer.err
    assert selftimer("new", "../leads", "--yes") == 2


# --- writing ---------------------------------------------------------------------------------------------------------


def test_what_it_writes_can_be_checked_and_tested_at_once(selftimer: Commands) -> None:
    assert selftimer("new", "quotes", "--input", "first=4", "--yes") == 0
    assert "  quote-silent: Ask about a silent quote once, then ask me  (writes to clients," in selftimer.out
    assert "6 files written" in selftimer.out
    assert "selftimer check -w" in selftimer.out
    assert "wait: until 4 days after start" in (selftimer.workspace / "rules" / "quotes.yaml").read_text()

    assert selftimer("check") == 0
    assert selftimer("test", "quotes") == 0
    assert selftimer.json("new")[names().index("quotes")]["here"]


def test_where_nobody_can_be_asked_nothing_is_written_unless_told_so(selftimer: Commands) -> None:
    before = content(selftimer.workspace)
    assert selftimer("new", "quotes") == 2
    assert "--yes" in selftimer.err
    assert content(selftimer.workspace) == before


def test_on_a_terminal_it_asks_until_an_answer_fits_and_then_for_a_yes(
    selftimer: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(selftimer.workspace)
    typed(monkeypatch, "often\n4\nno\n")
    assert selftimer("new", "quotes") == 1
    assert "'often' doesn't fit; write a number from 2 to 9" in selftimer.err
    assert "nothing was written" in selftimer.out
    assert content(selftimer.workspace) == before

    typed(monkeypatch, "")
    assert selftimer("new", "quotes") == 2
    typed(monkeypatch, "\ny\n")
    assert selftimer("new", "quotes") == 0
    assert "until 5 days after start" in (selftimer.workspace / "rules" / "quotes.yaml").read_text()


def test_nothing_of_the_owners_is_overwritten(selftimer: Commands) -> None:
    mine = selftimer.workspace / "automations" / "messages" / "quote-ends.md"
    mine.write_text("Hi {{ client.first_name }}, my own words.\n")
    before = content(selftimer.workspace)

    assert selftimer("new", "quotes", "--yes") == 2
    assert "automations/messages/quote-ends.md is here already with other content" in selftimer.err
    assert content(selftimer.workspace) == before


def test_a_pack_is_written_once(selftimer: Commands) -> None:
    assert selftimer("new", "quotes", "--yes") == 0
    assert selftimer("new", "quotes", "--yes") == 2
    assert "quotes is here already; 'selftimer diff-pack quotes'" in selftimer.err


def test_what_would_break_the_workspace_is_not_written(selftimer: Commands) -> None:
    (selftimer.workspace / "rules" / "mine.yaml").write_text(
        "rules:\n  - id: quote-ends\n    when: quote.sent\n    then:\n      - notify: hello\n"
    )
    before = content(selftimer.workspace)

    assert selftimer("new", "quotes", "--yes") == 1
    assert "quote-ends" in selftimer.out
    assert "couldn't be used; nothing was written" in selftimer.err
    assert content(selftimer.workspace) == before


def test_a_pack_that_builds_on_another_says_so(selftimer: Commands) -> None:
    assert selftimer("new", "vip", "--yes") == 1
    assert "'selftimer new sessions'" in selftimer.out
    assert not (selftimer.workspace / "rules" / "vip.yaml").exists()


def test_a_folder_that_leads_out_of_the_workspace_is_not_written_to(selftimer: Commands, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (selftimer.workspace / "rules" / "tests").symlink_to(tmp_path / "elsewhere")

    assert selftimer("new", "quotes", "--yes") == 2
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert not (selftimer.workspace / "rules" / "quotes.yaml").exists(), "what was written before it is taken away"
    assert not (selftimer.workspace / ".selftimer-packs" / "quotes.toml").exists()


@pytest.mark.parametrize("said", ["first", "first=", "days=3", "first=1"])
def test_an_answer_that_doesnt_fit_is_a_usage_error(selftimer: Commands, said: str) -> None:
    assert selftimer("new", "quotes", "--yes", "--input", said) == 2
    assert not (selftimer.workspace / "rules" / "quotes.yaml").exists()


# --- from somebody ---------------------------------------------------------------------------------------------------


def test_a_pack_in_a_folder_or_an_archive_is_taken_like_one_of_the_catalogue(
    selftimer: Commands, pack: Path, tmp_path: Path
) -> None:
    path = tmp_path / "hallo.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in PACK.items():
            archive.writestr(f"hallo-1/{name}", text)

    assert selftimer("new", "--from", str(path), "--input", "days=3", "--yes") == 0
    assert "3 days after session.start_at" in (selftimer.workspace / "rules" / "hallo.yaml").read_text()
    assert selftimer("test", "hallo") == 0
    assert selftimer("new", "--from", str(pack), "--yes") == 2, "the same pack, whatever it comes in"


def test_an_archive_that_reaches_out_writes_nothing_anywhere(selftimer: Commands, tmp_path: Path) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**PACK, "../../evil.yaml": "x"}.items():
            archive.writestr(name, text)
    before = content(tmp_path)

    assert selftimer("new", "--from", str(path), "--yes") == 2
    assert "leads out of the pack" in selftimer.err
    assert content(tmp_path) == before


def test_somebody_elses_words_never_steer_the_terminal(selftimer: Commands, tmp_path: Path) -> None:
    words = {**PACK, "automations/messages/hallo.md": "Hi \x1b[2J{{ client.first_name }},\n"}
    selftimer("new", "--from", str(made(tmp_path / "odd", words)), "--show")
    assert "\x1b" not in selftimer.out + selftimer.err


# --- diff-pack -------------------------------------------------------------------------------------------------------


def test_a_new_workspace_knows_its_packs_and_nothing_has_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", str(tmp_path / "new")])
    capsys.readouterr()
    assert main(["diff-pack", "--json", "-w", str(tmp_path / "new")]) == 0
    data = json.loads(capsys.readouterr().out)
    assert {one["name"]: one["changes"] for one in data} == {name: [] for name in STARTER}


def test_it_tells_the_packs_changes_from_the_owners(selftimer: Commands, pack: Path) -> None:
    selftimer("new", "--from", str(pack), "--input", "days=3", "--yes")
    rule = selftimer.workspace / "rules" / "hallo.yaml"
    rule.write_text(rule.read_text().replace("10:00", "09:30"))
    newer = {
        **PACK,
        "pack.yaml": PACK["pack.yaml"].replace("version: 1", "version: 2"),
        "rules/hallo.yaml": PACK["rules/hallo.yaml"].replace("then:", "repeat: once per client\n    then:"),
        "automations/messages/hallo-note.md": "A note.\n",
    }
    del newer["rules/tests/hallo.yaml"]
    made(pack, newer)
    (pack / "rules" / "tests" / "hallo.yaml").unlink()

    assert selftimer("diff-pack", "hallo") == 0
    assert "hallo: version 1, today 2" in selftimer.out
    assert "rules/hallo.yaml: changed in the pack, changed by you" in selftimer.out
    assert "\n  +    repeat: once per client\n" in selftimer.out
    assert "\n  +    when: 3 days after session.start_at at 09:30\n" in selftimer.out
    assert "automations/messages/hallo-note.md: new in the pack" in selftimer.out
    assert "rules/tests/hallo.yaml: gone in the pack" in selftimer.out
    assert "automations/messages/hallo.md:" not in selftimer.out, "filled with the answers of then, nothing changed"


def test_what_was_taken_over_is_measured_from_then_on(selftimer: Commands, pack: Path) -> None:
    selftimer("new", "--from", str(pack), "--yes")
    made(pack, {"automations/messages/hallo.md": PACK["automations/messages/hallo.md"].replace("again", "once more")})
    mine = content(selftimer.workspace / "automations")

    assert selftimer("diff-pack", "hallo", "--taken") == 0
    assert "changed in the pack" in selftimer.out
    assert content(selftimer.workspace / "automations") == mine
    selftimer("diff-pack", "hallo")
    assert "automations/messages/hallo.md: changed by you" in selftimer.out


def test_without_the_files_of_then_the_digest_still_tells_who_changed_what(selftimer: Commands, pack: Path) -> None:
    selftimer("new", "--from", str(pack), "--yes")
    for path in (selftimer.workspace / ".selftimer-packs" / "hallo").rglob("*.*"):
        path.unlink()
    made(pack, {"automations/messages/hallo.md": "Hi {{ client.first_name }},\n\nall is new.\n"})
    (selftimer.workspace / "rules" / "hallo.yaml").unlink()

    (data,) = selftimer.json("diff-pack", "hallo")
    changes = {one["file"]: one for one in data["changes"]}
    assert "+all is new." in changes["automations/messages/hallo.md"]["upstream_diff"]
    assert (changes["rules/hallo.yaml"]["own"], changes["rules/hallo.yaml"]["own_diff"]) == ("gone", "")


def test_what_cant_be_compared_is_said(selftimer: Commands, pack: Path) -> None:
    assert selftimer("diff-pack") == 0
    assert "no packs were written here" in selftimer.out
    assert selftimer("diff-pack", "quotes") == 2
    assert selftimer("diff-pack", "--taken") == 2

    selftimer("new", "--from", str(pack), "--yes")
    pack.rename(pack.parent / "moved")
    assert selftimer("diff-pack", "hallo") == 0
    assert "give its newer version by --from" in selftimer.err
    assert selftimer("diff-pack", "hallo", "--from", str(pack.parent / "moved")) == 0
    assert "nothing changed" in selftimer.out

    (selftimer.workspace / ".selftimer-packs" / "hallo.toml").write_text("version = \n")
    assert selftimer("diff-pack") == 2
    assert ".selftimer-packs/hallo.toml can't be read" in selftimer.err


def test_a_forgotten_pack_can_be_written_again(selftimer: Commands, pack: Path) -> None:
    selftimer("new", "--from", str(pack), "--yes")
    (selftimer.workspace / ".selftimer-packs" / "hallo.toml").unlink()

    assert selftimer("new", "--from", str(pack), "--yes") == 0
    assert "is here already, word for word" in selftimer.out
    assert "0 files written" in selftimer.out
