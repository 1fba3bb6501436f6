"""Secrets show nothing, and a reply that has not come is neither yes nor no."""

import copy
import hmac
import pickle
import traceback

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from plytalk.core.contracts.peers import Identity, Peer, Reply, Role, SessionSecrets
from plytalk.testing.verdict import shows

KEY = bytes(range(32))


def test_secrets_are_never_printed() -> None:
    secrets = SessionSecrets.shared(KEY)
    for text in (repr(secrets), str(secrets), f"{secrets}", f"{secrets!r:>80}", repr([secrets])):
        assert not shows(text, KEY)


def test_secrets_stay_out_of_a_traceback() -> None:
    def use(secrets: SessionSecrets) -> None:
        raise ValueError(f"cannot use {secrets}")

    with pytest.raises(ValueError, match="cannot use <SessionSecrets") as failure:
        use(SessionSecrets.shared(KEY))
    assert not shows("".join(traceback.format_exception(failure.value)), KEY)


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_secrets_are_neither_pickled_nor_copied(copied) -> None:
    with pytest.raises(TypeError, match="not pickled or copied"):
        copied(SessionSecrets.shared(KEY))


def test_secrets_are_not_compared_in_the_open_nor_changed() -> None:
    assert SessionSecrets.shared(KEY) != SessionSecrets.shared(KEY)
    with pytest.raises(AttributeError):
        SessionSecrets.none().send = KEY  # type: ignore[misc]


def test_one_key_may_serve_both_directions() -> None:
    secrets = SessionSecrets.shared(KEY)
    assert (secrets.send, secrets.receive) == (KEY, KEY)
    assert (SessionSecrets.none().send, SessionSecrets.none().receive) == (b"", b"")


def test_a_binding_is_hkdf_of_the_transcript_and_the_name() -> None:
    secrets = SessionSecrets(transcript=b"h" * 32)
    expected = HKDF(SHA256(), 32, None, b"plytalk/1 binding sas").derive(b"h" * 32)
    assert hmac.compare_digest(secrets.binding("sas"), expected)
    assert secrets.binding("sas") != secrets.binding("psk")


def test_the_fingerprint_of_an_identity_is_openssh_s() -> None:
    blob = bytes.fromhex("0000000b7373682d65643235353139000000200000000000000000000000000000000000000000000000000000000000000000")
    assert Identity("ssh-ed25519", blob).is_openssh
    assert not Identity("ssh-rsa", blob).is_openssh
    assert not Identity("rsa", b"-----BEGIN PUBLIC KEY-----").is_openssh
    assert Identity("ssh-ed25519", blob).fingerprint == "SHA256:kmYcvdi2GkPeWxB6XLjrZB8JHsy2Hm8luHMFp9GMvqk"


def test_roles_are_each_other_s_other() -> None:
    assert Role.INITIATOR.other is Role.RESPONDER
    assert Role.RESPONDER.other is Role.INITIATOR


async def test_a_reply_gives_its_answer_when_awaited_and_only_then() -> None:
    async def answer(number: int) -> bool:
        asked.append(number)
        return False

    asked: list[int] = []
    reply = Reply(answer, 42)
    assert asked == []
    assert await reply is False
    assert asked == [42]


@pytest.mark.filterwarnings("error")
def test_a_reply_is_no_truth_value() -> None:
    async def answer() -> bool:
        return False

    for use in (bool, lambda reply: not reply, lambda reply: reply or True, lambda reply: 1 if reply else 0):
        with pytest.raises(TypeError, match="await it first"):
            use(Reply(answer))


async def test_a_peer_s_question_reaches_the_person_and_needs_an_await() -> None:
    async def ask(question: str, otherwise: str) -> bool:
        asked.append((question, otherwise))
        return True

    asked: list[tuple[str, str]] = []
    peer = Peer(Role.INITIATOR, "192.0.2.1:8000", Identity("test", b"key"), ask)
    with pytest.raises(TypeError, match="await it first"):
        bool(peer.confirm("Trust it?"))
    assert await peer.confirm("Trust it?", "--yes") is True
    assert asked == [("Trust it?", "--yes")]
