from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st
from whenever import Time

from selftimer.errors import ConfigError, WorkspaceError
from selftimer.plan.policy import Cadence, Caps, Policy, QuietHours
from selftimer.primitives.time import Span
from selftimer.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
GOOD = '[studio]\nname = "Nord"\ntime_zone = "Europe/Berlin"\n'


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of whoever runs the tests."""
    import os

    for name in [name for name in os.environ if name.startswith("SELFTIMER_") or name == "CREDENTIALS_DIRECTORY"]:
        monkeypatch.delenv(name)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    def make(toml: str = GOOD, dotenv: str = "", **environment: str) -> Settings:
        (tmp_path / "selftimer.toml").write_text(toml, "utf-8")
        (tmp_path / ".env").write_text(dotenv, "utf-8")
        (tmp_path / ".env").chmod(0o600)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return Settings.load(tmp_path)

    return make


def refusal(load: Callable[..., Settings], toml: str = GOOD, dotenv: str = "", **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(toml, dotenv, **environment)
    return str(caught.value).splitlines()


def test_a_name_and_a_zone_are_enough(load: Callable[..., Settings], tmp_path: Path) -> None:
    settings = load()

    assert settings.workspace == tmp_path
    assert settings.database_path == tmp_path / ".selftimer" / "selftimer.db"
    assert settings.state_folder == tmp_path / ".selftimer"
    assert settings.stop_file == tmp_path / "PAUSE"
    assert settings.log_file is None
    assert settings.account.url == "https://studio.pixieset.com"
    assert not settings.sandboxed
    assert settings.notes() == []


def test_the_policy_has_the_defaults_of_the_policy(load: Callable[..., Settings]) -> None:
    expected = Policy(zone="Europe/Berlin", quiet_hours=QuietHours(Time(21), Time(8)))
    assert load().policy() == expected


def test_the_policy_follows_the_file(load: Callable[..., Settings]) -> None:
    policy = load(
        GOOD
        + 'quiet_hours = ""\n[polling]\nsignals = 0\npage_one = 60\n[caps]\nclient_per_day = 2\n'
        + '[limits]\nlate = "2 days"\napproval_days = 3\nconcurrency = 4\n[store]\nkeep_traces_days = 30\n'
    ).policy()

    assert policy.quiet_hours is None
    assert policy.cadence == Cadence(signals=0, page_one=60)
    assert policy.caps == Caps(client_per_day=2)
    assert policy.late == Span(2, "days")
    assert (policy.approval_days, policy.concurrency, policy.keep_traces_days) == (3, 4, 30)


def test_the_facts_are_what_rules_see(load: Callable[..., Settings]) -> None:
    facts = load(
        GOOD
        + 'currency = "EUR"\nlocale = "de-DE"\ncountry = "de-by"\nowner = "Kim"\n'
        + '[fallbacks]\n"client.first_name" = "there"\nsession.location = "the studio"\n'
        + '[kinds]\nwedding = ["*wedding*", "Elopement*"]\nfamily = "Family*"\n'
    ).facts()

    assert (facts.name, facts.zone, facts.owner) == ("Nord", "Europe/Berlin", "Kim")
    assert (facts.currency, facts.locale, facts.country) == ("eur", "de_DE", "DE-BY")
    assert facts.fallbacks == {"client.first_name": "there", "session.location": "the studio"}
    assert facts.kinds == {"wedding": ("*wedding*", "Elopement*"), "family": ("Family*",)}


def test_the_starter_s_own_settings_are_accepted() -> None:
    assert Settings.load(ROOT).facts().fallbacks["client.first_name"] == "there"


# Which source wins --------------------------------------------------------------------------------------------------


def test_the_environment_goes_before_env_and_env_before_the_file(load: Callable[..., Settings]) -> None:
    toml = GOOD + 'owner = "file"\nphone = "file"\nwebsite = "file"\n'
    dotenv = "SELFTIMER_STUDIO__OWNER=dotenv\nexport SELFTIMER_STUDIO__PHONE='dotenv'\nOTHER=1\n"

    studio = load(toml, dotenv, SELFTIMER_STUDIO__OWNER="environment").studio

    assert (studio.owner, studio.phone, studio.website) == ("environment", "dotenv", "file")


def test_systemd_s_credentials_go_before_all(load: Callable[..., Settings], tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "password").write_text("from systemd\n")

    settings = load(SELFTIMER_PASSWORD="from environment", CREDENTIALS_DIRECTORY=str(folder))

    assert settings.password is not None
    assert settings.password.get_secret_value() == "from systemd"


def test_the_short_variable_for_the_e_mail_is_the_account_s(load: Callable[..., Settings]) -> None:
    settings = load(GOOD + '[account]\nemail = "file@nord.example"\n', SELFTIMER_EMAIL="kim@nord.example")
    assert settings.account.email == "kim@nord.example"


def test_an_empty_variable_is_not_set(load: Callable[..., Settings]) -> None:
    settings = load(dotenv="SELFTIMER_PASSWORD=\nSELFTIMER_EMAIL=\n")
    assert settings.password is None
    assert settings.account.email is None


def test_secrets_are_never_printed(load: Callable[..., Settings]) -> None:
    settings = load(SELFTIMER_PASSWORD="hunter2", SELFTIMER_COOKIE="studio=hunter2")
    assert "hunter2" not in repr(settings) + str(settings) + str(settings.model_dump())


def test_a_password_in_the_file_is_refused_and_not_repeated(load: Callable[..., Settings]) -> None:
    for place in (GOOD + '[account]\npassword = "hunter2"\n', 'cookie = "hunter2"\n' + GOOD):
        (sentence,) = refusal(load, place)
        assert re.match(r"selftimer\.toml:\d: a (password|cookie) doesn't belong in selftimer\.toml", sentence)
        assert re.search(r"put it in \.env as SELFTIMER_(PASSWORD|COOKIE)=", sentence)
        assert "hunter2" not in sentence


def test_an_env_that_others_can_read_is_noted(load: Callable[..., Settings], tmp_path: Path) -> None:
    settings = load(dotenv="SELFTIMER_PASSWORD=x\n")
    (tmp_path / ".env").chmod(0o644)

    assert settings.notes() == [
        f"{tmp_path}/.env can be read by other users of this machine; run 'chmod 600 {tmp_path}/.env'"
    ]


def test_a_sandbox_on_this_machine_needs_no_tls(load: Callable[..., Settings]) -> None:
    settings = load(SELFTIMER_ACCOUNT__URL="http://127.0.0.1:8765/")
    assert settings.account.url == "http://127.0.0.1:8765"
    assert settings.sandboxed


# What is wrong ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("", "selftimer.toml: the section [studio] is missing; it needs at least name and time_zone"),
        ('[studio]\nname = "x"\n', "selftimer.toml:1: [studio] needs 'time_zone'"),
        (GOOD + '[acount]\nurl = "x"\n', "selftimer.toml:4: there is no section [acount]; did you mean 'account'?"),
        (GOOD + 'ownr = "x"\n', "selftimer.toml:4: [studio] has no key 'ownr'; did you mean 'owner'?"),
        (
            GOOD + "[store]\nzzz = 1\n",
            "selftimer.toml:5: [store] has no key 'zzz'; it has path, keep_traces_days",
        ),
        (GOOD + "studio.owner = 1\n", "selftimer.toml:4: [studio] has no key 'studio'; it has"),
        (
            '[studio]\nname = "x"\ntime_zone = "Berlin"\n',
            "selftimer.toml:3: time_zone: 'Berlin' is not a time zone; write one like 'Europe/Berlin'",
        ),
        (
            GOOD + 'locale = "xx_YY"\n',
            "selftimer.toml:4: locale: 'xx_YY' is not a known language and country; write one like 'en_GB'",
        ),
        (GOOD + 'currency = "euro"\n', "selftimer.toml:4: currency: 'euro' is not a currency; write the three letters"),
        (GOOD + 'country = "Germany"\n', "selftimer.toml:4: country: no public holidays are known for 'Germany'"),
        (GOOD + 'country = "DE-XX"\n', "selftimer.toml:4: country: DE has no part 'XX'; known are"),
        (GOOD + 'quiet_hours = "9pm"\n', "selftimer.toml:4: quiet_hours: '9pm' are not quiet hours; write them like"),
        (GOOD + 'quiet_hours = "25:00-08:00"\n', "selftimer.toml:4: quiet_hours: '25:00' is not a time"),
        (GOOD + '[limits]\nlate = "2d"\n', "selftimer.toml:5: late: '2d' is not a length of time"),
        (GOOD + "[caps]\nclient_per_day = 0\n", "selftimer.toml:5: client_per_day: input should be greater than or"),
        (GOOD + '[polling]\nfull = "often"\n', "selftimer.toml:5: full: input should be a valid integer"),
        (GOOD + '[account]\nurl = "http://nord.example"\n', "selftimer.toml:5: url: 'http://nord.example' must be an"),
        (GOOD + '[account]\nurl = "https://a.example/api"\n', "selftimer.toml:5: url: 'https://a.example/api' must be"),
        (
            GOOD + '[fallbacks]\n"client.frist_name" = "x"\n',
            "selftimer.toml:4: fallbacks: there is no field 'client.frist_name'; did you mean 'client.first_name'?",
        ),
        (GOOD + "[fallbacks]\nclient.first_name = 3\n", "selftimer.toml:5: client.first_name: input should be a valid"),
        (GOOD + "[kinds]\nwedding = 3\n", "selftimer.toml:5: wedding: input should be a valid"),
        (GOOD + '[webhooks.crm]\nurl = "x"\n', "selftimer.toml:5: url: 'x' is not an address like https://"),
        (GOOD + '[webhooks.crm]\nurl = "http://a.example/x"\n', "selftimer.toml:4: crm: the address must begin with"),
        (GOOD + '[webhooks.crm]\nurl = "https://localhost/x"\n', "selftimer.toml:4: crm: this address is on this"),
        (
            GOOD + '[webhooks.crm]\nurl = "https://a.example/x"\nallow_local = true\n',
            "selftimer.toml:4: crm: allow_local is for addresses on this machine",
        ),
        (
            GOOD + '[webhooks.crm]\nurl = "https://a.example/x"\n',
            (
                "selftimer.toml: [webhooks.crm] has no secret to sign with: put it into .env as "
                "SELFTIMER_WEBHOOKS__CRM__SECRET=whsec_"
            ),
        ),
        (
            GOOD + '[webhooks.crm]\nurl = "https://a.example/x"\nsecret = "whsec_x"\n',
            (
                "selftimer.toml:6: a secret doesn't belong in selftimer.toml, which gets shared and copied: "
                "put it in .env as "
                "SELFTIMER_WEBHOOKS__CRM__SECRET=…"
            ),
        ),
        (
            GOOD + '[webhooks.crm]\nuri = "https://a.example/x"\nurl = "https://a.example/x"\n',
            "selftimer.toml:5: [webhooks.crm] has no key 'uri'; did you mean 'url'?",
        ),
        (
            GOOD + '[webhooks."Up"]\nurl = "https://a.example"\n',
            "selftimer.toml:4: webhooks: 'Up' can't be a webhook's",
        ),
        (GOOD + '[alerts]\nemail = "x"\n', "selftimer.toml:4: there is no section [alerts]"),
        (GOOD + '[notify.email]\nhost = "x"\nto = "a@b.example"\n', "selftimer.toml:4: [notify.email] needs 'sender'"),
        (GOOD + '[notify.mail]\nhost = "x"\n', "selftimer.toml:4: [notify] has no key 'mail'; did you mean 'email'?"),
        (
            GOOD + '[notify.email]\nhost = "x"\nto = "a@b.example"\nsender = "nobody"\n',
            "selftimer.toml:7: sender: 'nobody' is no e-mail address",
        ),
        (
            GOOD + '[notify.email]\nhost = "x"\nto = "a@b.example"\nsender = "c@d.example"\nsecurity = "none"\n',
            "selftimer.toml:4: email: mail goes in the clear to this machine only",
        ),
        (
            GOOD + '[notify.email]\nhost = "x"\nto = "a@b.example"\nsender = "c@d.example"\nusername = "k"\n',
            "selftimer.toml:4: email: the password is missing: put it into .env as SELFTIMER_NOTIFY__EMAIL__PASSWORD",
        ),
        (
            GOOD + '[notify.email]\nhost = "x"\npassword = "secret"\n',
            (
                "selftimer.toml:6: a password doesn't belong in selftimer.toml, which gets shared and copied: "
                "put it in .env as "
                "SELFTIMER_NOTIFY__EMAIL__PASSWORD=…"
            ),
        ),
        (
            GOOD + '[notify.webhook]\nurl = "https://ntfy.example"\nformat = "ntfy"\n',
            "selftimer.toml:4: webhook: ntfy needs a topic",
        ),
        ("[studio]\nname = Nord\n", "selftimer.toml:2:8: Invalid value; texts need quotes"),
    ],
)
def test_a_mistake_is_said_with_its_line(load: Callable[..., Settings], toml: str, sentence: str) -> None:
    (said,) = refusal(load, toml)
    assert said.startswith(sentence)


def test_all_mistakes_are_said_at_once_by_line(load: Callable[..., Settings]) -> None:
    said = refusal(load, '[studio]\nname = ""\ntime_zone = "x"\n[log]\nlevel = "loud"\n')
    assert [line.split(":")[1] for line in said] == ["2", "3", "5"]


def test_mistakes_in_variables_are_said_with_their_names(load: Callable[..., Settings]) -> None:
    assert refusal(load, dotenv="\nSELFTIMER_CAPS__RULE_PER_HOUR=many\n")[0].startswith(".env:2: rule_per_hour: ")
    (said,) = refusal(load, SELFTIMER_STUDIO__LOCALE="qq")
    assert said.startswith("the variable SELFTIMER_STUDIO__LOCALE: locale: 'qq' is not a known")


def test_variables_that_mean_nothing_are_refused(load: Callable[..., Settings]) -> None:
    assert refusal(load, dotenv="SELFTIMER_PASWORD=x\n") == [
        ".env:1: the variable SELFTIMER_PASWORD means nothing to Selftimer; did you mean 'SELFTIMER_PASSWORD'?"
    ]
    assert refusal(load, dotenv="", SELFTIMER_STUDIO__NMAE="x") == [
        "the variable SELFTIMER_STUDIO__NMAE: [studio] has no key 'nmae'; did you mean 'name'?"
    ]


def test_a_line_of_env_that_cant_be_read_is_not_passed_over(load: Callable[..., Settings]) -> None:
    assert refusal(load, dotenv="SELFTIMER_EMAIL=kim@nord.example\nSELFTIMER_PASSWORD 'x'\n") == [
        ".env:2: this can't be read; write one NAME=value a line, in quotes if it has blanks or #"
    ]


def test_a_variable_for_a_section_must_be_json(load: Callable[..., Settings]) -> None:
    (said,) = refusal(load, SELFTIMER_KINDS="weddings")
    assert "kinds" in said
    assert "must be JSON" in said


def test_variables_of_the_commands_are_no_settings(load: Callable[..., Settings]) -> None:
    load(SELFTIMER_DEBUG="1", SELFTIMER_WORKSPACE="/somewhere", SELFTIMER_CRASH_AT="claimed:2")


def test_a_folder_without_settings_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"is not a workspace: it has no selftimer\.toml.*'selftimer init"):
        Settings.load(tmp_path)


def test_text_that_is_not_utf8_is_said(tmp_path: Path) -> None:
    (tmp_path / "selftimer.toml").write_text(GOOD)
    (tmp_path / ".env").write_bytes(b"SELFTIMER_PASSWORD=\xff\n")
    with pytest.raises(ConfigError, match=r"\.env: this is not UTF-8"):
        Settings.load(tmp_path)
    (tmp_path / "selftimer.toml").write_bytes(b'[studio]\nname = "\xff"\n')
    with pytest.raises(ConfigError, match=r"selftimer\.toml: this is not UTF-8"):
        Settings.load(tmp_path)


@tries(deadline=None)
@given(st.text(max_size=200), st.text(max_size=60))
def test_whatever_stands_in_the_files_is_settings_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, toml: str, dotenv: str
) -> None:
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "selftimer.toml").write_text(GOOD + toml, "utf-8", "surrogatepass")
    (folder / ".env").write_text(dotenv, "utf-8", "surrogatepass")
    try:
        Settings.load(folder)
    except (ConfigError, WorkspaceError) as error:
        if not str(error):
            pytest.fail("an error without a sentence")


def test_what_the_starter_has_commented_out_are_the_defaults(load: Callable[..., Settings]) -> None:
    text = (ROOT / "selftimer.toml").read_text("utf-8").split("take away a # to change it.")[1]
    shown = re.sub(r"^# (?=[\[a-z])", "", text, flags=re.MULTILINE)
    shown = re.sub(r'^(email|account_id) = ""', "", shown, flags=re.MULTILINE)

    said, silent = load(GOOD + shown), load()

    assert said.log.file == Path(".selftimer/selftimer.log")
    for section in ("account", "polling", "caps", "flood", "breaker", "limits", "store"):
        assert getattr(said, section) == getattr(silent, section)
        assert getattr(said, section).model_fields_set >= set(type(getattr(said, section)).model_fields) - {
            "email",
            "account_id",
        }


def test_endpoints_are_put_right_in_either_way_of_writing(load: Callable[..., Settings]) -> None:
    text = '[account.endpoints]\n"quote.list" = "/e/"\nquote.get = "/e/{id}"\ntemplate.email.list = {size = 3}\n'
    found = load(GOOD + text).account.endpoints
    assert found == {"quote.list": "/e/", "quote.get": "/e/{id}", "template.email.list": {"size": 3}}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('"qoute.list" = "/e/"', "there is no endpoint 'qoute.list'; did you mean 'quote.list'?"),
        ('"quote.get" = "/e/"', "the path must hold {id}; got '/e/'"),
        ('"quote.list" = "e"', "the path starts with a slash; got 'e'"),
        ('"quote.list" = {sise = 3}', "has no 'sise' to change; it has path, "),
        ('"quote.list" = {size = "many"}', "size can't be 'many'"),
        ('"quote.list" = 3', "can't be 3"),
    ],
)
def test_a_wrong_endpoint_is_told_with_its_line(load: Callable[..., Settings], line: str, said: str) -> None:
    (sentence,) = refusal(load, f'{GOOD}[account.endpoints]\n"account" = "/me"\n{line}\n')
    assert sentence.startswith("selftimer.toml:6: ")
    assert said in sentence


# --- webhooks and notes -----------------------------------------------------------------------------------------------

SECRET = "whsec_" + "QUJD" * 12
HOOKS = GOOD + '[webhooks.contact-form]\nurl = "https://a.example/x"\n'


def test_a_variable_names_a_webhook_with_underscores(load: Callable[..., Settings]) -> None:
    settings = load(HOOKS, SELFTIMER_WEBHOOKS__CONTACT_FORM__SECRET=SECRET)
    (name,) = settings.webhooks
    hook = settings.webhooks[name]
    assert (name, hook.url) == ("contact-form", "https://a.example/x")
    assert hook.secret is not None
    assert hook.secret.get_secret_value() == SECRET
    assert settings.facts().webhooks == ("contact-form",)
    assert SECRET not in repr(settings)


@pytest.mark.parametrize("secret", ["x", "whsec_", "whsec_QUJD", "QUJD" * 12])
def test_a_secret_that_signs_nothing_is_refused_with_how_to_make_one(
    load: Callable[..., Settings], secret: str
) -> None:
    (said,) = refusal(load, HOOKS, f"SELFTIMER_WEBHOOKS__CONTACT_FORM__SECRET={secret}\n")
    assert "24 to 64 bytes in base64; make one with: python3" in said
    assert said.startswith(".env:1: secret:")


def test_secrets_come_as_credentials_of_systemd_too(
    load: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "webhook-contact-form-secret").write_text(f"{SECRET}\n")
    (folder / "notify-email-password").write_text("hunter2\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    mail = '[notify.email]\nhost = "x"\nto = "a@b.example"\nsender = "c@d.example"\nusername = "k"\n'
    settings = load(HOOKS + mail)
    assert settings.webhooks["contact-form"].secret is not None
    assert settings.notify.email is not None
    assert settings.notify.email.password is not None
    assert settings.notify.email.password.get_secret_value() == "hunter2"
