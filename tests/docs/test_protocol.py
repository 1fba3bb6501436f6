"""docs/protocol.md: numbers in it that other pages and the code have as well."""

import re
from hashlib import sha256
from pathlib import Path

import pytest

from plytalk.core.contracts.errors import ImpossibleStack
from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.limits import DEFAULT_LIMITS
from plytalk.core.contracts.peers import Role
from plytalk.plugins.authenticators.code import Code
from plytalk.plugins.authenticators.psk import Psk
from plytalk.plugins.ciphers.noise import NoiseTransport
from plytalk.plugins.framers.u16 import U16
from plytalk.plugins.handshakes import plytalk1
from plytalk.plugins.messages.records import Records
from plytalk.plugins.noise import payload
from plytalk.plugins.noise.proof import RENEWAL
from plytalk.plugins.rooms import budget, member_names, room_list
from plytalk.plugins.rooms.resume import MAX_INSTANCE, origin_of
from plytalk.testing import stack_of
from plytalk.trust.word_list import WORDS

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
TEXT = " ".join(PAGE.read_text(encoding="utf-8").split())


def test_the_word_list() -> None:
    assert sha256("\n".join(WORDS).encode()).hexdigest() in TEXT


def test_the_lengths_of_handshake_messages() -> None:
    assert f"Always these {payload.LENGTH} bytes" in TEXT
    without_kem = plytalk1.MAX_B - 1088 - 16
    assert f"| {without_kem} | {plytalk1.MAX_B:,} |" in TEXT
    assert f"| {plytalk1.MAX_C} | {plytalk1.MAX_C} |" in TEXT


def test_the_life_of_a_proof() -> None:
    assert f"48 hours ({payload.LIFETIME:,} seconds)" in TEXT
    assert f"a day ({payload.TOLERANCE:,} seconds)" in TEXT
    assert payload.LIFETIME + payload.TOLERANCE == 3 * 86400  # "for three days at most", "more than three days in the future"
    assert RENEWAL == 3600  # "an hour or more after"


@pytest.mark.parametrize("reason", CloseReason)
def test_the_reasons_of_a_close(reason: CloseReason) -> None:
    assert re.search(rf"\| {int(reason)} \| \w+( \w+)? \| [^|]+ \| \d \|", TEXT)


def test_the_limits_of_rooms() -> None:
    assert f"is made, {room_list.MAX_ROOMS} at most" in TEXT
    assert f"of {member_names.MAX_NAME} characters and {member_names.MAX_NAME_BYTES} bytes at most" in TEXT
    assert member_names.room_name("#" + "A" * 32) == "a" * 32
    with pytest.raises(member_names.BadName):
        member_names.room_name("a" * 33)
    assert f"send {budget.BYTES // 1024} KiB a second and {budget.BURST_BYTES // 1024} KiB at once" in TEXT
    assert f"{budget.REQUESTS:g} requests a second, and {budget.BURST_REQUESTS:g} at once" in TEXT


def test_an_instance_that_is_too_long_or_no_text_counts_as_none() -> None:
    assert f"longer than {MAX_INSTANCE} characters" in TEXT
    assert origin_of(None, "x" * (MAX_INSTANCE + 1)) == origin_of(None, 7) == origin_of(None, None)


def test_the_time_of_silence() -> None:
    assert f"heard nothing for {DEFAULT_LIMITS.ping:g} seconds" in TEXT


def test_code_and_psk_exclude_each_other() -> None:
    stack = stack_of(U16, plytalk1.Plytalk1, NoiseTransport, Records, Code, Psk, psk_file=Path("psk"))
    with pytest.raises(ImpossibleStack, match="there is room for one"):
        stack.refuse(Role.INITIATOR)
