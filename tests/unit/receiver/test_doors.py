"""Whoever can't be known isn't let in, and what strangers typed comes in clean, bounded and by its declared names."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant

from selftimer.channels.webhooks import signed
from selftimer.receiver.doors import (
    FORM,
    JSON,
    MOST_CHARACTERS,
    Brought,
    Door,
    Refused,
    admit,
    content_type,
    id_of,
    read_body,
    tidy,
)

KEY, OTHER, TOKEN = bytes(range(32)), bytes(32), "t0ken-" * 5
NOW = Instant.from_utc(2026, 3, 2, 8)
SECOND = int(NOW.timestamp(unit="second"))
BODY = b'{"email": "anna@example.com"}'
FIELDS = {"name": "name", "email": "email", "first-name": "first_name"}
SIGNED = Door(name="form", fields=FIELDS, key=KEY)
BY_TOKEN = Door(name="form", fields=FIELDS, token=TOKEN)
BOTH = Door(name="form", fields=FIELDS, key=KEY, token=TOKEN)


def refused(door: Door, headers: dict[str, str], body: bytes = BODY, token: str | None = None) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        admit(door, headers, body, NOW, token)
    return caught.value.status, caught.value.why


def brought(body: object, kind: str = JSON) -> Brought:
    return read_body(SIGNED, kind, body if isinstance(body, bytes) else json.dumps(body).encode())


# --- signatures ------------------------------------------------------------------------------------------------------


def test_a_call_that_is_signed_as_selftimer_signs_its_own_is_let_in() -> None:
    assert admit(SIGNED, signed("msg_1", SECOND, BODY, KEY), BODY, NOW, None) == "msg_1"


def test_the_example_of_standard_webhooks_is_let_in() -> None:
    # https://github.com/standard-webhooks/standard-webhooks, spec: the secret and the call of its example
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    door = Door(name="x", fields={}, key=key)
    assert admit(door, headers, body, Instant.from_timestamp(1614265331), None) == headers["webhook-id"]


def test_while_a_key_is_changed_any_of_several_signatures_will_do() -> None:
    good = signed("m", SECOND, BODY, KEY)
    old = signed("m", SECOND, BODY, OTHER)["webhook-signature"]
    both = {**good, "webhook-signature": f"{old} v1a,x {good['webhook-signature']}"}
    assert admit(SIGNED, both, BODY, NOW, None) == "m"


@pytest.mark.parametrize("off", [-301, 301, 86_400, -86_400 * 365])
def test_a_call_that_was_signed_long_ago_or_by_a_wrong_clock_is_not_let_in(off: int) -> None:
    status, why = refused(SIGNED, signed("m", SECOND + off, BODY, KEY))
    assert (status, why) == (401, "signed too long ago, or by a clock that is off")
    admit(SIGNED, signed("m", SECOND + (300 if off > 0 else -300), BODY, KEY), BODY, NOW, None)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "m2"},
        {"webhook-timestamp": str(SECOND + 1)},
        {"webhook-timestamp": f"+{SECOND}"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,ÿ"},
        {"webhook-signature": signed("m", SECOND, BODY, OTHER)["webhook-signature"]},
        {"webhook-signature": signed("m", SECOND, BODY, KEY)["webhook-signature"].replace("v1,", "v2,")},
        {"webhook-signature": signed("m", SECOND, BODY, KEY)["webhook-signature"].removeprefix("v1,")},
        {"webhook-id": ""},
        {"webhook-id": "a b"},
        {"webhook-id": "m" * 201},
    ],
)
def test_whatever_of_a_signed_call_is_another_it_is_not_let_in(change: dict[str, str]) -> None:
    assert refused(SIGNED, {**signed("m", SECOND, BODY, KEY), **change})[0] == 401


def test_another_body_or_no_signature_at_all_is_not_let_in() -> None:
    good = signed("m", SECOND, BODY, KEY)
    assert refused(SIGNED, good, BODY + b" ")[0] == 401
    assert refused(SIGNED, {k: v for k, v in good.items() if k != "webhook-id"})[0] == 401
    assert refused(SIGNED, {})[0] == 401
    assert (
        refused(SIGNED, {"authorization": f"Bearer {TOKEN}"}, token=TOKEN)[0] == 401
    )  # it has no token to be known by


@given(st.binary(max_size=200), st.binary(min_size=1, max_size=40), st.text("abc.", min_size=1, max_size=8))
def test_only_the_key_makes_a_signature(body: bytes, key: bytes, ident: str) -> None:
    headers = signed(ident, SECOND, body, key)
    whole = hmac.new(KEY, f"{ident}.{SECOND}.".encode() + body, hashlib.sha256).digest()
    same = headers["webhook-signature"] == f"v1,{base64.b64encode(whole).decode()}"
    if same:
        assert admit(SIGNED, headers, body, NOW, None) == ident
    else:
        assert refused(SIGNED, headers, body)[0] == 401


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_form_that_cannot_sign_is_known_by_its_token_in_the_path_or_the_header() -> None:
    assert admit(BY_TOKEN, {}, BODY, NOW, TOKEN) is None
    assert admit(BY_TOKEN, {"authorization": f"Bearer {TOKEN}"}, BODY, NOW, None) is None
    assert admit(BY_TOKEN, {"webhook-id": "m"}, BODY, NOW, TOKEN) == "m"


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ÿ" * 30])
def test_a_wrong_token_is_not_let_in(token: str) -> None:
    assert refused(BY_TOKEN, {}, token=token)[0] == 401
    assert refused(BY_TOKEN, {"authorization": f"Bearer {token}"})[0] == 401


def test_a_forged_signature_is_not_made_good_by_a_token() -> None:
    forged = signed("m", SECOND, BODY, OTHER)
    assert refused(BOTH, forged, token=TOKEN)[0] == 401
    assert admit(BOTH, {}, BODY, NOW, TOKEN) is None
    assert admit(BOTH, signed("m", SECOND, BODY, KEY), BODY, NOW, None) == "m"


# --- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": JSON, "content-encoding": "gzip"},
    ],
)
def test_what_is_neither_json_nor_a_form_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        content_type(headers)
    assert caught.value.status == 415


def test_a_form_and_json_bring_the_same() -> None:
    fields = {"name": "Anna", "email": "anna@example.com", "first-name": "A", "utm": "x"}
    wanted = Brought(fields={"name": "Anna", "email": "anna@example.com", "first_name": "A"}, dropped=1)
    assert brought(fields) == brought(urlencode(fields).encode(), FORM) == wanted
    assert brought({"type": "form.sent", "timestamp": "x", "data": fields}) == wanted
    assert content_type({"content-type": "Application/JSON; charset=utf-8"}) == JSON


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("  Anna\r\nB ", "Anna\nB"),
        (3, "3"),
        (1.5, "1.5"),
        (True, "true"),
        (["a", " ", "b"], "a, b"),
        ("", None),
        (" \n", None),
        (None, None),
        ("a\u202eb\x00c\u200b", "abc"),
        ("{{ 7*7 }} <b>", "{{ 7*7 }} <b>"),
        ("ä😀", "ä😀"),
    ],
)
def test_values_come_in_as_clean_texts_and_what_is_empty_is_missing(value: Any, wanted: str | None) -> None:
    assert brought({"name": value}) == Brought(fields={} if wanted is None else {"name": wanted}, dropped=0)


def test_things_within_things_and_fields_that_nobody_declared_are_dropped_and_counted() -> None:
    assert brought({"name": {"first": "Anna"}, "x": 1, "y": [[1]], "__proto__": "z", "email": "a"}) == Brought(
        fields={"email": "a"}, dropped=4
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"3", b"{", b'{"name": "\\ud800"}', b"\xff", b"[" * 60_000, b"null"])
def test_a_body_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        brought(body)
    assert caught.value.status == 400


def test_a_form_of_too_many_fields_is_refused_and_one_of_odd_bytes_is_read() -> None:
    with pytest.raises(Refused):
        brought(b"&".join(b"a%d=1" % n for n in range(501)), FORM)
    assert brought(b"name=%FFA&&=&email", FORM).fields == {"name": "\ufffdA"}


@given(st.text(max_size=9_000))
def test_a_tidy_text_is_bounded_stays_as_it_is_and_hides_nothing(text: str) -> None:
    tidied = tidy(text)
    assert len(tidied) <= MOST_CHARACTERS
    assert tidy(tidied) == tidied
    assert not set(tidied) & {chr(code) for code in (*range(9), *range(11, 32), 127, 0x202E, 0x2066)}


@given(st.dictionaries(st.sampled_from(["name", "email", "x", "data", "type"]), st.from_type(type(None)) | st.text()))
def test_whatever_json_comes_only_declared_fields_come_in(data: dict[str, Any]) -> None:
    assert set(brought(data).fields) <= set(FIELDS.values())


def test_the_same_form_twice_on_a_day_has_one_id_and_the_next_day_another() -> None:
    one, other = brought({"name": "A", "email": "b"}), brought({"email": "b", "name": "A"})
    assert id_of(None, one, NOW) == id_of(None, other, NOW.add(hours=3))
    assert id_of(None, one, NOW) != id_of(None, one, NOW.add(hours=24))
    assert id_of(None, one, NOW) != id_of(None, brought({"name": "A"}), NOW)
    assert id_of("m", one, NOW) == id_of("m", brought({}), NOW.add(hours=99)) != id_of("n", one, NOW)
    assert "anna" not in id_of("anna@example.com", one, NOW)
