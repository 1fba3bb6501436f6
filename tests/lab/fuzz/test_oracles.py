"""Each oracle says its sentence for what is wrong, and nothing for what is right."""

import hashlib
import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from plytalk import Handshake, HandshakeFailed, Identity, LocalError, SessionSecrets
from plytalk.lab.fuzz import oracles
from plytalk.testing.attempts import CLIENT, SERVER, Course

LAST = (b"M", b"said at once")


class Wire:
    def __init__(self, *asked: bytes) -> None:
        self.asked = [Identity("test", key) for key in asked]


def course(
    keys: tuple[bytes, bytes] | None = None, sent: Sequence[bytes] = (), transcript: bytes = b"", shown: Sequence[bytes] = ()
) -> Any:
    send, receive = keys or (os.urandom(32), os.urandom(32))
    made = Course({CLIENT: Wire(*shown), SERVER: Wire()})  # type: ignore[dict-item]
    made.results = {CLIENT: SessionSecrets(send, receive, transcript=transcript)}
    made.results[SERVER] = SessionSecrets(receive, send, transcript=transcript)
    made.frames[SERVER] = [*((b"M", payload) for payload in sent), LAST]
    made.frames[CLIENT] = [LAST]
    return made


def test_keys_that_are_random_are_no_finding() -> None:
    courses = [course(sent=[os.urandom(64)]) for _ in range(16)]
    for oracle in (oracles.short_keys, oracles.repeated_keys, oracles.keys_on_the_wire, oracles.public_transcript):
        assert list(oracle(courses)) == []
    assert list(oracles.repeated_messages(courses)) == []


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (lambda: b"same" * 8, "Two conversations had the same keys."),
        (lambda: os.urandom(4) + bytes(28), "28 of 32 bytes of the keys are the same in 16 conversations."),
        (lambda: os.urandom(16).hex().encode(), "The keys consist of characters"),
    ],
)
def test_keys_with_little_in_them(key: Callable[[], bytes], said: str) -> None:
    def both() -> tuple[bytes, bytes]:
        one = key()
        return one, one

    [sentence] = oracles.repeated_keys([course(both()) for _ in range(16)])
    assert sentence.startswith(said)


def test_a_short_key() -> None:
    [sentence] = oracles.short_keys([course((os.urandom(8), os.urandom(32)))])
    assert sentence.startswith("A key has 8 bytes")


@pytest.mark.parametrize("form", [bytes, lambda key: key.hex().encode(), lambda key: key[::-1]])
def test_a_key_on_the_wire(form: Callable[[bytes], bytes]) -> None:
    key = os.urandom(32)
    [sentence] = oracles.keys_on_the_wire([course((key, key), [b"head" + form(key)])])
    assert sentence.startswith("A key goes over the wire")


def test_a_key_that_is_a_hash_of_what_is_sent() -> None:
    sent = os.urandom(48)
    key = hashlib.sha256(sent).digest()
    [sentence] = oracles.keys_on_the_wire([course((key, key), [sent])])
    assert sentence.startswith("A key is a hash of what goes over the wire")


def test_a_key_in_the_public_transcript() -> None:
    key = os.urandom(32)
    assert list(oracles.public_transcript([course((key, key), transcript=b"head" + key)]))


def test_a_key_that_the_object_keeps() -> None:
    class Keeps:
        kept: object = None

    made = course()
    client, server = Keeps(), Keeps()
    assert list(oracles.kept_keys(made, client, server)) == []  # type: ignore[arg-type]
    server.kept = {"last": [made.results[CLIENT].send]}
    [sentence] = oracles.kept_keys(made, client, server)  # type: ignore[arg-type]
    assert sentence.startswith("The server's handshake object keeps a key")


def test_messages_that_repeat() -> None:
    nonce, key = os.urandom(32), os.urandom(32)
    [same] = oracles.repeated_messages([course(sent=[nonce]), course(sent=[nonce])])
    assert same.startswith("The server sends the same in two conversations")
    [part] = oracles.repeated_messages([course(sent=[nonce + os.urandom(32)]), course(sent=[nonce + os.urandom(32)])])
    assert part.startswith("The server sends the same 24 random bytes")
    shown = [course(sent=[key + os.urandom(64)], shown=[key]) for _ in range(2)]
    assert list(oracles.repeated_messages(shown)) == []
    fixed = [course(sent=[nonce + key + os.urandom(64)], shown=[key]) for _ in range(2)]
    assert list(oracles.repeated_messages(fixed))
    text = [course(sent=[b"-----BEGIN PUBLIC KEY-----" * 2 + os.urandom(32)]) for _ in range(2)]
    assert list(oracles.repeated_messages(text)) == []


def test_a_change_that_both_sides_agree_on() -> None:
    made = course()
    assert oracles.agree(made)
    assert list(oracles.disturbed(made, changed=False)) == []
    [sentence] = oracles.disturbed(made, changed=True)
    assert sentence.startswith("A changed message is taken for the original")
    made.results[SERVER] = HandshakeFailed("no")
    assert list(oracles.disturbed(made, changed=True)) == []
    assert not oracles.agree(course((b"", b"")))


def test_errors_that_are_not_refusals() -> None:
    made = course()
    made.results[SERVER] = HandshakeFailed("no")
    assert list(oracles.crashes(made)) == []
    try:
        raise IndexError  # so that it has a place
    except IndexError as error:
        made.results[SERVER] = error
    [sentence] = oracles.crashes(made)
    assert sentence.startswith("The server raises IndexError (test_oracles.py:")
    assert sentence.endswith("instead of HandshakeFailed.")
    made.results = {CLIENT: LocalError("ours")}
    [sentence] = oracles.crashes(made)
    assert sentence.endswith("as if this side were at fault.")
    made.results = {CLIENT: SessionSecrets("key", "key")}  # type: ignore[arg-type]
    [sentence] = oracles.crashes(made)
    assert "not bytes" in sentence


def test_what_an_object_refers_to_is_followed_but_not_code() -> None:
    class One:
        def __init__(self) -> None:
            self.deep = {"a": [(b"here",)]}

    found = list(oracles.reachable(One()))
    assert b"here" in found
    assert Handshake not in found
