"""What is installed with: the unit is one that systemd takes, and the image is built of what is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "selftimer.service"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
PAGE = ROOT / "docs" / "guide" / "deploy.md"
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not on this machine")


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    assert ANALYZE is not None
    return subprocess.run([ANALYZE, *words], check=False, capture_output=True, text=True, timeout=60)


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    # The user and the program are not on the machine that tests; all else is verified as it stands.
    text = UNIT.read_text().replace("/opt/selftimer/bin/selftimer run", "/bin/true")
    text = re.sub(r"^(User|Group)=selftimer", r"\1=root", text, flags=re.MULTILINE)
    (tmp_path / UNIT.name).write_text(text)

    done = analyze("verify", str(tmp_path / UNIT.name))

    assert (done.returncode, done.stderr.strip()) == (0, "")


@needs_systemd
def test_the_unit_may_do_little() -> None:
    done = analyze("security", "--offline=true", "--threshold=15", str(UNIT))
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze can't judge a unit that isn't loaded")
    assert done.returncode == 0, done.stdout[-300:]


def test_the_unit_carries_no_secret_and_knows_no_root() -> None:
    text = UNIT.read_text()
    assert "LoadCredential=password:/etc/selftimer/password" in text
    assert "User=selftimer" in text
    assert not re.search(r"^Environment.*PASSWORD", text, re.MULTILINE)


def test_the_image_is_built_of_what_is_there_and_let_through() -> None:
    let_through = {
        line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE.read_text(), re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert {"requirements.lock", "src", "rules", "automations", "selftimer.toml"} <= set(copied)
    for source in copied:
        assert (ROOT / source).exists(), source
        assert source in let_through, source


def test_the_image_installs_by_hash_and_runs_as_nobody_special() -> None:
    text = DOCKERFILE.read_text()
    assert "--require-hashes -r requirements.lock" in text
    assert "USER 10001:10001" in text
    assert '"selftimer", "status", "--check", "--json"' in text


def test_every_line_that_the_page_explains_is_in_its_file() -> None:
    unit, page = UNIT.read_text(), PAGE.read_text()
    for name in re.findall(r"`([A-Z][A-Za-z]+=)", page.split("## A container")[0]):
        if name != "LoadCredentialEncrypted=":
            assert name in unit, name
