"""Names of the sandbox's people. Every surname is a canary: unique, and no part of another or of any ordinary word."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words(
    "Anna Ben Clara David Emma Felix Greta Hannah Ida Jonas Katharina Leon Marie Nils Olivia Paul Rosa Simon Tilda "
    "Viktor Wiebke Yusuf Zoe Amelie Bruno Charlotte Daniel Elif Finn Helena Ivan Jana Karim Lena Milan Nora Oskar "
    "Paula Rafael Sofia Theo Ulrike Valentin Yara Agnieszka Bjarne Carmen Dmitri Esther Fabian Giulia Henrik"
)
UNICODE_NAMES = ("Łucja", "Zoë", "Þórunn", "Chloé", "Søren", "Ngọc Ánh", "İpek", "Анастасия", "明子", "Renée 🌸")
HOSTILE_NAMES = (
    "Maximiliana-Konstantina Wilhelmine Friederike Auguste",
    "https://win-a-prize.example/click",
    "www.cheap-likes.example",
    "{{ 7*7 }}",
    "<script>alert(1)</script>",
    "anna@spam.example",
    "Tom\nBcc: all@example.com",
    "A" * 120,
)
"""What strangers type into a form: too long, addresses, markup, template text, a line break (delivery.md §6)."""

_ONSETS = _words("Quo Zar Vex Xil Jyr Kva Wro Zub Yxo Vlo Qui Zhe Fju Gwy Tzo Pfe Xan Djo Ksy Vru Zwi Qar Hjo Nzy")
_MIDDLES = _words("rbel lvan xtor zmir ndyx lqua rvok mzel xbar ldov rjin zgul ntyv lpaz rxud mvih xkal ldez rpoq zfin")
_BRIDGES = _words("ova uxi eqa yzo ivu oja axe uwo ezy iqu ovy ajo yxa uze iwo eja oxu avy ujo eza")
_ENDS = _words("zq xt vk jn qr zb xl wv kz fj vd gx bq zm tx jk rv qs xd lz")
_SIZE = len(_ONSETS) * len(_MIDDLES) * len(_BRIDGES) * len(_ENDS)
_STRIDE = 78_643  # prime, and no divisor of the number of names: every name comes once before any comes again


def surname(seed: int, index: int) -> str:
    """The canary surname number `index` of a world; all have 12 letters, so that none is a part of another.

    Up to 192,000 people; a longer life is refused rather than given a name that isn't unique.
    """
    if index >= _SIZE:
        raise ValueError(f"the sandbox has names for {_SIZE} people; this world has more")
    number = (index * _STRIDE + seed * 104_729) % _SIZE
    number, end = divmod(number, len(_ENDS))
    number, bridge = divmod(number, len(_BRIDGES))
    onset, middle = divmod(number, len(_MIDDLES))
    return _ONSETS[onset] + _MIDDLES[middle] + _BRIDGES[bridge] + _ENDS[end]


def first_name(random: Random, *, hostile: float = 0.04) -> str:
    """An ordinary first name; now and then one with other letters, or what a stranger typed instead of a name."""
    roll = random.random()
    if roll < hostile:
        return random.choice(HOSTILE_NAMES)
    if roll < hostile + 0.08:
        return random.choice(UNICODE_NAMES)
    return random.choice(FIRST_NAMES)


def email(random: Random, last_name: str) -> str:
    """An address of theirs; it holds the canary too."""
    return f"{random.choice('abcdefghklmnprst')}.{last_name.lower()}@{random.choice(('example.com', 'example.net'))}"
