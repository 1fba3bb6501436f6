import os
from pathlib import Path

import pytest
from plytalk_cipher_xor import Xor, xor

from plytalk import HandshakeFailed, Role, SessionSecrets
from plytalk.testing import check_cipher, check_entry_points


def two_ends() -> tuple[Xor, Xor]:
    secrets = SessionSecrets.shared(os.urandom(32))
    return Xor(secrets, Role.INITIATOR), Xor(secrets, Role.RESPONDER)


def test_it_keeps_the_contract_of_a_cipher() -> None:
    check_cipher(Xor)


def test_what_one_end_seals_the_other_opens() -> None:
    client, server = two_ends()
    for text in (b"", b"hello", bytes(range(256)) * 3):
        assert server.open(client.seal(text)) == text
        assert client.open(server.seal(text)) == text


def test_the_words_are_not_on_the_wire_as_they_are() -> None:
    assert two_ends()[0].seal(b"attack at dawn") != b"attack at dawn"


def test_who_knows_one_message_reads_the_others() -> None:
    client, _ = two_ends()
    known, secret = b"Good morning, dear friends out there", b"the treasure is in the garden"
    key = xor(client.seal(known), known)[:32]
    assert xor(client.seal(secret), key) == secret


def test_a_flipped_bit_is_flipped_in_the_text_and_nobody_notices() -> None:
    client, server = two_ends()
    assert server.open(xor(client.seal(b"pay 1"), b"\0\0\0\0\x08")) == b"pay 9"


def test_without_a_key_there_is_no_cipher() -> None:
    with pytest.raises(HandshakeFailed, match="needs a key"):
        Xor(SessionSecrets.none(), Role.INITIATOR)


def test_plytalk_finds_it_by_its_entry_point() -> None:
    check_entry_points(Path(__file__).parents[1] / "pyproject.toml", Xor)
