"""A pack from somebody else: nothing of it is used before all of it is found fit."""

from __future__ import annotations

import stat
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftimer.errors import ConfigError
from selftimer.packs.contents import MAX_ATTACHMENT, MAX_FILES, MAX_TOTAL, _wrong, read_contents
from selftimer.rulebook.yaml12 import MAX_BYTES

if TYPE_CHECKING:
    from pathlib import Path

FIT = {
    "pack.yaml": b"name: hello\n",
    "about.md": b"Why.\n",
    "rules/hello.yaml": b"rules: []\n",
    "rules/tests/hello.yaml": b"tests: []\n",
    "automations/hello.yaml": b"automations: []\n",
    "automations/messages/hello.md": b"Hi\n",
    "automations/files/prices.pdf": b"%PDF",
}


def archive(folder: Path, files: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    path = folder / "pack.zip"
    with zipfile.ZipFile(path, "w", method) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


def unpacked(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / "pack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "pack"


def test_a_folder_and_an_archive_of_it_are_the_same(tmp_path: Path) -> None:
    assert read_contents(unpacked(tmp_path, {**FIT, ".git/config": b"x"})) == FIT
    assert read_contents(archive(tmp_path, FIT)) == FIT


def test_an_archive_may_hold_all_of_it_in_one_folder(tmp_path: Path) -> None:
    assert read_contents(archive(tmp_path, {f"hello-main/{name}": content for name, content in FIT.items()})) == FIT


@pytest.mark.parametrize(
    "name",
    [
        "../rules/evil.yaml",
        "rules/../../evil.yaml",
        "/etc/evil.yaml",
        "rules/./evil.yaml",
        "rules//evil.yaml",
        "rules\\evil.yaml",
        "C:/evil.yaml",
        "rules/.hidden.yaml",
        ".env",
        ".selftimer/selftimer.db",
        "selftimer.toml",
        "rules/evil.py",
        "rules/evil.yml",
        "rules/deep/evil.yaml",
        "automations/messages/evil.html",
        "automations/files/evil.exe",
        "automations/files/../../evil.txt",
        "rules/e\nvil.yaml",
        "rules/e\x1b[31m.yaml",
        "rules/ evil.yaml ",
        f"rules/{'e' * 200}.yaml",
    ],
)
def test_what_leads_out_or_has_no_business_in_a_workspace_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing was written") as error:
        read_contents(archive(tmp_path, {**FIT, name: b"x"}))
    assert "\x1b" not in str(error.value)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_a_path_that_is_taken_stays_in_the_folders_of_a_workspace(name: str) -> None:
    for path in (name, f"rules/{name}.yaml", f"automations/files/{name}.txt"):
        if not _wrong(path):
            assert not path.startswith("/")
            assert not any(part.startswith(".") or not part for part in path.split("/"))
            assert path in {"pack.yaml", "about.md"} or path.startswith(("rules/", "automations/"))


def test_what_is_too_large_is_refused_by_what_comes_out_not_by_what_is_claimed(tmp_path: Path) -> None:
    path = archive(tmp_path, {**FIT, "rules/big.yaml": b"#" * (MAX_BYTES + 1)})
    with pytest.raises(ConfigError, match=r"rules/big\.yaml: it is larger than 256 KiB"):
        read_contents(path)

    claims = path.read_bytes().replace((MAX_BYTES + 1).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(claims)
    with pytest.raises(ConfigError, match=r"larger than|can't be read"):
        read_contents(path)


def test_many_files_and_much_of_it_are_refused(tmp_path: Path) -> None:
    many = {f"automations/messages/m{number}.md": b"x" for number in range(MAX_FILES)}
    with pytest.raises(ConfigError, match="more than 100 files"):
        read_contents(archive(tmp_path, {**FIT, **many}))
    with pytest.raises(ConfigError, match="more than 100 files"):
        read_contents(unpacked(tmp_path, {**FIT, **many}))
    much = {f"automations/files/{n}.pdf": b"\0" * MAX_ATTACHMENT for n in range(1 + MAX_TOTAL // MAX_ATTACHMENT)}
    with pytest.raises(ConfigError, match="8 MiB"):
        read_contents(archive(tmp_path, {**FIT, **much}))


def test_a_link_is_refused_wherever_it_leads(tmp_path: Path) -> None:
    folder = unpacked(tmp_path, FIT)
    (folder / "rules" / "link.yaml").symlink_to("/etc/hostname")
    with pytest.raises(ConfigError, match=r"rules/link\.yaml: it is a link"):
        read_contents(folder)

    path = tmp_path / "links.zip"
    with zipfile.ZipFile(path, "w") as made:
        link = zipfile.ZipInfo("rules/link.yaml")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/hostname")
        made.writestr("pack.yaml", b"x")
    with pytest.raises(ConfigError, match=r"rules/link\.yaml: it is a link"):
        read_contents(path)


def test_two_names_that_one_disk_takes_for_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="differ in capitals only"):
        read_contents(archive(tmp_path, {**FIT, "rules/HELLO.yaml": b"rules: []\n"}))


def test_an_encrypted_or_a_damaged_archive_is_a_sentence(tmp_path: Path) -> None:
    path = archive(tmp_path, FIT)
    whole = path.read_bytes()
    at = whole.index(b"PK\x01\x02") + 8
    path.write_bytes(whole[:at] + b"\x01" + whole[at + 1 :])
    with pytest.raises(ConfigError, match="encrypted"):
        read_contents(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match="can't be read as a ZIP archive"):
        read_contents(path)
    with pytest.raises(ConfigError, match="packed in a way that isn't read"):
        read_contents(archive(tmp_path, FIT, method=zipfile.ZIP_LZMA))


@given(st.data())
def test_no_bytes_do_more_than_be_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp()
    path = archive(folder, FIT)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content))
    try:
        found = read_contents(path)
    except ConfigError:
        return
    assert all(not _wrong(name) for name in found)


def test_what_is_no_pack_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no pack\.yaml"):
        read_contents(archive(tmp_path, {"rules/hello.yaml": b"x"}))
    with pytest.raises(ConfigError, match="neither a folder nor"):
        read_contents(tmp_path / "nowhere")
