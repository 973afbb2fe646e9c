"""Caps in sliding windows, and what makes an effect the same effect (delivery.md §1 and §3)."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.unit.store.builders import T0, delivery

from selftimer.plan.keys import delivery_key, digest, normalised, sealed, unique_of
from selftimer.plan.limits import windows
from selftimer.plan.policy import Caps
from selftimer.plan.state import Verb


def caps_of(limits: dict[str, int] | None = None, **given_: object) -> dict[str, int]:
    return {w.what: w.most for w in windows(delivery("d1", **given_), Caps(), T0, limits or {})}


def test_a_message_has_to_fit_into_the_windows_of_rule_studio_and_client() -> None:
    assert caps_of() == {
        "for this rule in an hour": 30,
        "for this rule in a day": 60,
        "in all in an hour": 60,
        "in all in a day": 200,
        "for this client in a day": 4,
    }


def test_marketing_has_tighter_ones() -> None:
    found = caps_of(purpose="marketing")
    assert (found["of marketing for this client in a day"], found["of marketing for this client in a week"]) == (1, 3)


def test_the_owner_and_a_clients_fields_have_no_caps() -> None:
    assert caps_of(verb=Verb.NOTIFY) == {}
    assert caps_of(verb=Verb.UPDATE) == {}
    assert caps_of(verb=Verb.CONVERSATION) == {}


def test_the_limits_of_a_rule_can_only_be_smaller() -> None:
    assert caps_of({"per_day": 5})["for this rule in a day"] == 5
    assert caps_of({"per_day": 500, "per_hour": 2}) == caps_of() | {"for this rule in an hour": 2}


def test_each_window_slides_back_from_now() -> None:
    spans = {
        w.what: (T0 - w.since).total("seconds") for w in windows(delivery("d1", purpose="marketing"), Caps(), T0, {})
    }
    assert set(spans.values()) == {3_600, 86_400, 604_800}


texts = st.lists(st.sampled_from(["a", "|", "%", "7C", "%7C", "25", "40", "b"]), min_size=1, max_size=3).map("".join)
parts = st.tuples(texts, texts, texts, st.one_of(st.just(""), texts), texts, texts)


@given(parts, parts)
def test_two_effects_never_share_a_key(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assume(one != other)
    assert delivery_key(*one, dry=False) != delivery_key(*other, dry=False)


@given(parts)
def test_a_dry_run_never_shares_a_key_with_anything(one: tuple[str, ...]) -> None:
    assume(one[0] != "dry")
    assert delivery_key(*one, dry=True) not in {delivery_key(*one, dry=False), delivery_key("dry", *one[1:], dry=False)}


def test_a_plain_rule_has_no_entry_in_its_key_and_a_series_has() -> None:
    plain = delivery_key("studio", "r", "s1", "", "2026-06-10", "send:hello", dry=False)
    series = delivery_key("studio", "r", "s1", "week", "2026-06-10", "send:hello", dry=False)
    assert (plain, series) == ("studio|r|s1|2026-06-10|send:hello", "studio|r|s1|week@2026-06-10|send:hello")


def test_a_text_is_the_same_after_an_html_round_trip() -> None:
    assert normalised("Hi\u00a0Anna,\r\n\r\nsee  you") == normalised("Hi Anna, see you")
    assert normalised("Cafe\u0301") == normalised("Caf\u00e9")
    assert digest("Hi  Anna") == digest("Hi Anna") != digest("Hi Ben")


def test_a_digest_is_the_same_in_every_version_or_all_that_was_kept_would_be_forgotten() -> None:
    """The journal, the suppression list and purged clients are known by them alone."""
    assert digest("Hi Anna") == "221151dd47a6becda95b1d1cf69cc8ae"
    assert sealed("00ff" * 8, "email", " Anna@Example.COM ") == sealed("00ff" * 8, "email", "anna@example.com")
    assert sealed("00ff" * 8, "email", "anna@example.com") == "b41bd879fc55e1f14577678d5abed1a7b91e5c2d"
    assert sealed("ff00" * 8, "email", "anna@example.com") != sealed("00ff" * 8, "email", "anna@example.com")
    assert sealed("00ff" * 8, "client", "anna@example.com") != sealed("00ff" * 8, "email", "anna@example.com")


def test_a_coupons_unique_part_is_of_eight_signs_that_nobody_mistakes_and_always_the_same() -> None:
    assert unique_of("studio|r|cl_1|lead.created|create:coupon") == "RGTK95H7"
    codes = {unique_of(f"key {n}") for n in range(2_000)}
    assert len(codes) == 2_000
    assert {len(code) for code in codes} == {8}
    assert {sign for code in codes for sign in code} == set("23456789ABCDEFGHJKLMNPQRSTUVWXYZ")


def test_a_windows_span_and_its_beginning_are_one_and_it_counts_for_whom_it_says() -> None:
    found = list(windows(delivery("d1", purpose="marketing"), Caps(), T0, {}))
    assert all(T0.subtract(seconds=w.seconds) == w.since for w in found)
    assert [(w.rule_id, w.client_id, w.purpose) for w in found] == [
        ("reminder", None, None),
        ("reminder", None, None),
        (None, None, None),
        (None, None, None),
        (None, "cl_d1", None),
        (None, "cl_d1", "marketing"),
        (None, "cl_d1", "marketing"),
    ]
    assert [w.seconds for w in found] == [3_600, 86_400, 3_600, 86_400, 86_400, 86_400, 604_800]


def test_a_note_about_nobody_has_no_windows_of_a_client() -> None:
    found = windows(delivery("d1", client_id=None, purpose="marketing"), Caps(), T0, {})
    assert all("client" not in w.what for w in found)
