"""Ids of the Studio API: never changed, never truncated, and refused with a sentence."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftimer.primitives.ids import (
    ID_TYPES,
    ClientId,
    ConversationId,
    IdError,
    InvoiceItemId,
    SessionId,
    StudioId,
    id_type_of,
    odd_form,
    same_but_for_length,
    stem_of,
)

FIXED = [t for t in ID_TYPES if t.fixed]


@pytest.mark.parametrize("kind", ID_TYPES, ids=lambda t: t.kind)
def test_a_generated_id_is_one_of_its_kind_and_has_30_characters(kind: type[StudioId]) -> None:
    made = kind.generate(Random(1))

    assert kind.parse(made) == made
    assert len(made) == len(kind.prefix) + 30
    assert id_type_of(made) is kind


@pytest.mark.parametrize("length", [29, 30])
@pytest.mark.parametrize("kind", FIXED, ids=lambda t: t.kind)
def test_29_and_30_characters_are_both_taken_as_they_are(kind: type[StudioId], length: int) -> None:
    text = kind.prefix + "aB3" + "x" * (length - 3)

    assert kind.parse(text) == text


@pytest.mark.parametrize("length", [0, 1, 28, 31, 64])
@pytest.mark.parametrize("kind", FIXED, ids=lambda t: t.kind)
def test_any_other_length_is_refused_and_the_sentence_says_what_came(kind: type[StudioId], length: int) -> None:
    text = kind.prefix + "x" * length

    with pytest.raises(IdError, match=f"{kind.prefix}.*29 or 30"):
        kind.parse(text)
    assert not kind.valid(text)


def test_another_kinds_prefix_is_refused() -> None:
    with pytest.raises(IdError, match="client ids are 'cl_'"):
        ClientId.parse(SessionId.generate(Random(2)))


def test_conversations_have_no_known_length() -> None:
    assert ConversationId.parse("conv_1") == "conv_1"
    assert ConversationId.valid("conv_" + "z" * 64)
    assert not ConversationId.valid("conv_" + "z" * 65)
    assert not ConversationId.valid("conv_ünïcode")


def test_line_items_of_samples_count_as_invoice_items() -> None:
    assert InvoiceItemId.valid("li_" + "a" * 30)
    assert id_type_of("li_" + "a" * 30) is InvoiceItemId


def test_prefixes_that_begin_alike_are_told_apart() -> None:
    assert id_type_of("ses_x") is SessionId
    assert id_type_of("nothing") is None
    assert id_type_of("zz_x") is None


@given(st.text(max_size=50))
def test_no_text_makes_the_check_crash(text: str) -> None:
    for kind in ID_TYPES:
        assert kind.valid(text) in {True, False}


@given(st.sampled_from(FIXED), st.text(alphabet="abcXYZ019", min_size=29, max_size=30))
def test_case_is_kept(kind: type[StudioId], body: str) -> None:
    assert str(kind.parse(kind.prefix + body)) == kind.prefix + body


@given(st.sampled_from(ID_TYPES), st.randoms(), st.integers(0, 4))
def test_two_lengths_of_an_id_are_one_and_two_ids_are_not(kind: type[StudioId], random: Random, less: int) -> None:
    whole, other = kind.generate(random), kind.generate(random)
    shorter = whole[: len(whole) - less]
    assert same_but_for_length(whole, shorter) == same_but_for_length(shorter, whole) == (1 <= less <= 2)
    if 1 <= less <= 2:
        assert shorter.startswith(stem_of(whole))
        assert whole.startswith(stem_of(shorter))
    assert whole == other or not same_but_for_length(whole, other)


def test_short_ids_are_never_taken_for_one_another() -> None:
    assert not same_but_for_length("msg_1", "msg_12")
    assert stem_of("msg_12") == ""


def test_an_id_of_no_known_form_is_odd_for_its_kind_alone() -> None:
    assert odd_form("client", "12345")
    assert odd_form("client", "in_" + "a" * 30)
    assert not odd_form("client", "cl_" + "a" * 29)
    assert not odd_form("gallery", "12345")
