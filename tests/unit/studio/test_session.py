from __future__ import annotations

import asyncio

import httpx
import pytest
from pydantic import SecretStr
from tests.unit.studio.scripted import CLIENT, CONVERSATION, LOGIN_PAGE, MESSAGE, Reply, bench, client, error

from selftimer.errors import ConfigError, NotSignedIn, Unclear, Unreachable
from selftimer.facts.records import Kind
from selftimer.studio import Credentials

EXPIRIES = {
    "401": Reply(401, error("authentication_required")),
    "419": Reply(419, {"message": "CSRF token mismatch."}),
    "redirect": Reply(302, {}, headers={"location": "http://studio.test/login?next=%2Fclients"}),
    "login page": Reply(content=LOGIN_PAGE.encode()),
}
APP_SHELL = b"<!doctype html><html><body><div id=app></div></body></html>"


@pytest.fixture(params=EXPIRIES, ids=str)
def expiry(request: pytest.FixtureRequest) -> Reply:
    return EXPIRIES[request.param]


async def test_the_first_read_signs_in_with_the_pages_token_and_probes() -> None:
    b = bench()
    b.script.answers[f"GET /clients/{CLIENT}"].append(Reply(json={"data": client()}))
    await b.studio.record(Kind.CLIENT, CLIENT)
    assert b.script.asked == ["GET /login", "POST /login", "GET /notifications/all", f"GET /clients/{CLIENT}"]
    headers = b.script.requests[1][2]
    assert headers["x-csrf-token"] == "page-token"
    assert b.script.requests[3][2]["x-requested-with"] == "XMLHttpRequest"


async def test_however_a_session_ends_a_read_signs_in_again_once_and_repeats(expiry: Reply) -> None:
    b = bench()
    b.script.expiry = expiry
    await b.studio.account()
    b.script.expire()
    b.script.answers[f"GET /clients/{CLIENT}"].append(Reply(json={"data": client()}))
    (record,) = await b.studio.record(Kind.CLIENT, CLIENT)
    assert record.id == CLIENT
    assert b.script.logins == 2


async def test_an_app_shell_without_a_login_form_is_settled_by_the_probe() -> None:
    b = bench()
    b.script.expiry = Reply(content=APP_SHELL)
    await b.studio.account()
    b.script.expire()
    b.script.answers[f"GET /clients/{CLIENT}"].append(Reply(json={"data": client()}))
    await b.studio.record(Kind.CLIENT, CLIENT)
    assert b.script.logins == 2


@pytest.mark.parametrize("answer", [EXPIRIES["401"], Reply(content=APP_SHELL)])
async def test_one_path_that_always_looks_signed_out_does_not_use_up_the_logins(answer: Reply) -> None:
    b = bench()
    b.script.always["GET /quotes/"] = lambda _request: answer
    for _ in range(5):
        with pytest.raises(Exception, match=r"session is not valid|web page"):
            await b.studio.page(Kind.QUOTE, 1)
    assert b.script.logins == 1


async def test_twenty_parallel_requests_share_one_login_and_one_renewal(expiry: Reply) -> None:
    b = bench()
    b.script.expiry = expiry
    b.script.always[f"GET /clients/{CLIENT}"] = lambda _request: Reply(json={"data": client()})
    await asyncio.gather(*(b.studio.record(Kind.CLIENT, CLIENT) for _ in range(20)))
    assert b.script.logins == 1
    b.script.expire()
    await asyncio.gather(*(b.studio.record(Kind.CLIENT, CLIENT) for _ in range(20)))
    assert b.script.logins == 2


async def test_a_cancelled_caller_does_not_cancel_the_login_of_the_others() -> None:
    b = bench()
    b.script.always[f"GET /clients/{CLIENT}"] = lambda _request: Reply(json={"data": client()})
    first = asyncio.create_task(b.studio.record(Kind.CLIENT, CLIENT))
    second = asyncio.create_task(b.studio.record(Kind.CLIENT, CLIENT))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    assert (await second)[0].id == CLIENT
    assert b.script.logins == 1


async def test_after_three_logins_in_an_hour_it_stops_and_says_so_and_goes_on_an_hour_later() -> None:
    b = bench()
    b.script.always[f"GET /clients/{CLIENT}"] = lambda _request: Reply(json={"data": client()})
    for _ in range(3):
        await b.studio.record(Kind.CLIENT, CLIENT)
        b.script.expire()
    with pytest.raises(
        NotSignedIn, match=r"3 times within an hour and no session lasted: .* in 60 minutes; check SELFTIMER_"
    ) as told:
        await b.studio.record(Kind.CLIENT, CLIENT)
    assert told.value.code == "too_many_logins"
    assert b.script.logins == 3
    b.clock.move_to(b.clock.now().add(hours=1))
    await b.studio.record(Kind.CLIENT, CLIENT)
    assert b.script.logins == 4


async def test_a_wrong_password_is_tried_once_an_hour_and_says_what_to_check() -> None:
    b = bench(credentials=Credentials(email="owner@studio.test", password=SecretStr("wrong")))
    for _ in range(3):
        with pytest.raises(NotSignedIn, match="did not accept the e-mail and password; check SELFTIMER_EMAIL") as told:
            await b.studio.account()
        assert told.value.code == "wrong_credentials"
        assert "wrong" not in str(told.value)
    assert b.count("POST /login") == 1
    b.clock.move_to(b.clock.now().add(hours=1))
    with pytest.raises(NotSignedIn):
        await b.studio.account()
    assert b.count("POST /login") == 2


async def test_the_pinned_account_is_the_only_one_that_is_served() -> None:
    b = bench(account_id="acc_other")
    for _ in range(3):
        with pytest.raises(NotSignedIn, match="belong to account acc_1, but this workspace is account acc_other's"):
            await b.studio.page(Kind.CLIENT, 1)
    assert b.script.logins == 1
    assert "GET /clients/" not in b.script.asked


async def test_the_account_that_was_seen_first_is_pinned() -> None:
    b = bench()
    assert await b.studio.account() == "acc_1"
    b.script.account_id = "acc_2"
    with pytest.raises(NotSignedIn, match="acc_2"):
        await b.studio.account()


async def test_an_account_without_an_id_is_tolerated() -> None:
    b = bench(account_id="acc_1")
    b.script.account_id = None
    assert await b.studio.account() == ""


async def test_account_signs_in_again_when_the_session_has_ended() -> None:
    b = bench()
    await b.studio.account()
    b.script.expire()
    assert await b.studio.account() == "acc_1"


async def test_a_cookie_serves_instead_of_a_password_and_can_not_be_renewed() -> None:
    b = bench(credentials=Credentials(cookie=SecretStr("session=given; XSRF-TOKEN=abc")))
    b.script.valid.add("given")
    assert await b.studio.account() == "acc_1"
    message = {"id": MESSAGE, "conversation_id": CONVERSATION}
    b.script.answers["POST /conversation_messages"].append(Reply(201, {"data": message}))
    await b.studio.send_message(CONVERSATION, "hi")
    assert b.script.requests[-1][2]["x-csrf-token"] == "abc"
    b.script.expire()
    with pytest.raises(NotSignedIn, match="cookie is not valid any more"):
        await b.studio.account()
    assert "POST /login" not in b.script.asked
    b.script.valid.add("given")
    assert await b.studio.account() == "acc_1"


async def test_where_there_is_no_csrf_cookie_the_pages_meta_tag_is_used() -> None:
    b = bench()
    b.script.csrf_cookie = False
    message = {"id": MESSAGE, "conversation_id": CONVERSATION}
    b.script.answers["POST /conversation_messages"].append(Reply(201, {"data": message}))
    await b.studio.send_message(CONVERSATION, "hi")
    assert b.script.requests[-1][2]["x-csrf-token"] == "page-token"


async def test_a_login_that_the_network_refused_does_not_count() -> None:
    b = bench()
    b.faults.next["POST /login"].extend(httpx.ConnectError("no") for _ in range(4))
    with pytest.raises(Unreachable):
        await b.studio.account()
    assert await b.studio.account() == "acc_1"


@pytest.mark.parametrize("path", ["POST /login", "GET /login", "GET /notifications/all"])
async def test_a_server_that_fails_while_signing_in_does_not_use_up_the_logins(path: str) -> None:
    b = bench()
    for _ in range(2):
        b.script.answers[path].extend([Reply(503, {})] * 4)
        with pytest.raises(Unclear):
            await b.studio.account()
    assert await b.studio.account() == "acc_1"
    assert b.script.logins == 1


async def test_missing_credentials_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match="SELFTIMER_EMAIL"):
        Credentials(email="a@b.c")


async def test_closing_in_the_middle_of_a_login_leaves_nothing_behind() -> None:
    b = bench()
    reading = asyncio.create_task(b.studio.account())
    await asyncio.sleep(0)
    await b.studio.aclose()
    with pytest.raises(asyncio.CancelledError):
        await reading


def test_secrets_do_not_show() -> None:
    assert "secret" not in repr(Credentials(email="a@b.c", password=SecretStr("secret")))
