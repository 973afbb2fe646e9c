"""Signatures by Standard Webhooks: the example of its specification, and ids that can't be mistaken."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftimer.channels.webhooks import key_of, message_id, signed


def test_the_example_of_the_specification_comes_out_the_same() -> None:
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', key)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.text(min_size=1), st.text(min_size=1))
def test_an_effects_id_is_one_plain_word_without_the_sign_that_the_signature_parts_by(one: str, other: str) -> None:
    try:
        first, second = message_id(one), message_id(other)
    except UnicodeEncodeError:
        return  # half of a surrogate pair: no key holds one
    assert first.isascii()
    assert not set(first) & set(". \r\n")
    assert (first == second) == (one == other)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_short", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "A" * 100, "whsec_!!!!"]
)
def test_a_weak_or_malformed_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        key_of(secret)


def test_a_secret_is_24_to_64_bytes() -> None:
    for size in (24, 32, 64):
        assert len(key_of("whsec_" + base64.b64encode(b"k" * size).decode())) == size
