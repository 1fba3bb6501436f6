"""The cipher states of a Noise handshake: counted and rekeyed alike at both ends, and gone after the first failure."""

import os
import subprocess
import sys

import pytest

from plytalk.core.contracts.errors import HandshakeFailed, LocalError, Tampered
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.plugins.ciphers import noise
from plytalk.plugins.ciphers.noise import NoiseTransport, layers
from plytalk.plugins.noise.primitives import AESGCM, CHACHAPOLY
from plytalk.plugins.noise.states import CipherState
from plytalk.testing import check_cipher

CIPHERS = [CHACHAPOLY, AESGCM]
THERE, BACK = bytes(range(32)), bytes(range(32, 64))


def secrets(functions=CHACHAPOLY, there=THERE, back=BACK):
    """The secrets of a handshake, for the client and for the server."""
    return tuple(
        SessionSecrets(states=(CipherState(functions, send), CipherState(functions, receive)))
        for send, receive in ((there, back), (back, there))
    )


def pair(functions=CHACHAPOLY):
    client, server = secrets(functions)
    return NoiseTransport(client, Role.INITIATOR), NoiseTransport(server, Role.RESPONDER)


@pytest.mark.parametrize("functions", CIPHERS)
def test_it_keeps_the_contract(functions):
    check_cipher(NoiseTransport, lambda: secrets(functions, os.urandom(32), os.urandom(32)))


@pytest.mark.parametrize("functions", CIPHERS)
def test_records_are_noise_transport_messages(functions):
    client, server = pair(functions)
    plain = CipherState(functions, THERE)
    for count in range(5):
        sealed = client.seal(b"%d" % count)
        assert sealed == plain.encrypt_with_ad(b"", b"%d" % count)
        assert server.open(sealed) == b"%d" % count
    assert repr(client) == "<NoiseTransport 5 sent, 0 received>"
    assert repr(server) == "<NoiseTransport 0 sent, 5 received>"


def test_a_handshake_without_states_is_of_no_use():
    with pytest.raises(HandshakeFailed, match="left no cipher states"):
        NoiseTransport(SessionSecrets.shared(bytes(32)), Role.INITIATOR)


# -- rekeying --------------------------------------------------------------------------------------------------------------


def test_when_a_direction_is_rekeyed():
    assert (noise.REKEY_RECORDS, noise.REKEY_BYTES) == (2**20, 2**30)


@pytest.mark.parametrize("functions", CIPHERS)
def test_both_ends_rekey_after_so_many_records(functions, monkeypatch):
    monkeypatch.setattr(noise, "REKEY_RECORDS", 3)
    client, server = pair(functions)
    plain = CipherState(functions, THERE)
    for count in range(11):
        if count in (3, 6, 9):
            plain.rekey()
        sealed = client.seal(b"word")
        assert sealed == plain.encrypt_with_ad(b"", b"word")  # the counter goes on (11.3)
        assert server.open(sealed) == b"word"
        assert client.open(server.seal(b"back")) == b"back"


@pytest.mark.parametrize(("limit", "value"), [("REKEY_RECORDS", 3), ("REKEY_BYTES", 100)])
def test_a_batch_in_which_a_direction_is_rekeyed_is_sealed_and_opened_one_by_one(limit, value, monkeypatch):
    monkeypatch.setattr(noise, limit, value)
    (client, server), (alone, _) = pair(), pair()
    words = [b"words of some length"] * 2
    for _ in range(5):
        sealed = client.seal_batch(words)
        assert sealed == [alone.seal(word) for word in words]
        try:
            opened = server.open_batch(sealed)
        except LocalError:
            opened = [server.open(one) for one in sealed]
        assert opened == words
    assert client.sealed_count == 10


@pytest.mark.parametrize("functions", CIPHERS)
def test_both_ends_rekey_after_so_many_bytes(functions, monkeypatch):
    monkeypatch.setattr(noise, "REKEY_BYTES", 100)
    client, server = pair(functions)
    plain = CipherState(functions, THERE)
    for size, rekeyed in [(84, False), (83, True), (0, False), (1, True), (500, False), (5, True)]:
        if rekeyed:
            plain.rekey()
        sealed = client.seal(bytes(size))
        assert sealed == plain.encrypt_with_ad(b"", bytes(size))
        assert server.open(sealed) == bytes(size)


@pytest.mark.parametrize("functions", CIPHERS)
def test_a_new_key_is_the_one_that_others_make(functions, monkeypatch):
    """noiseprotocol's CipherState counts and rekeys as ours does."""
    connection = pytest.importorskip("noise.connection", reason="needs noiseprotocol: ./run --group tests")
    state = pytest.importorskip("noise.state", reason="needs noiseprotocol: ./run --group tests")
    named = connection.NoiseConnection.from_name(f"Noise_NN_25519_{functions.name}_SHA256".encode())
    theirs = state.CipherState(named.noise_protocol)
    theirs.initialize_key(THERE)
    monkeypatch.setattr(noise, "REKEY_RECORDS", 4)
    client, _ = pair(functions)
    for count in range(10):
        if count in (4, 8):
            theirs.rekey()
        assert bytes(theirs.decrypt_with_ad(b"", client.seal(b"%d" % count))) == b"%d" % count


def test_without_rekeying_the_other_end_understands_nothing(monkeypatch):
    _, server = pair()
    monkeypatch.setattr(noise, "REKEY_RECORDS", 2)
    hasty, _ = pair()
    for _ in range(2):
        assert server.open(hasty.seal(b"word")) == b"word"
    with pytest.raises(Tampered):
        server.open(hasty.seal(b"word"))


@pytest.mark.parametrize(("limit", "value"), [("REKEY_RECORDS", 3), ("REKEY_BYTES", 60)])
@pytest.mark.parametrize("functions", CIPHERS)
def test_what_is_sealed_for_many_is_rekeyed_for_each_as_alone(functions, limit, value, monkeypatch):
    """Rooms send so. Each has its own count: one of them has had a record before."""
    monkeypatch.setattr(noise, limit, value)
    pairs = [pair(functions) for _ in range(3)]
    assert pairs[1][1].open(pairs[1][0].seal(b"before")) == b"before"
    alone, failed = pair(functions)[0], []
    for _ in range(12):
        sealed = NoiseTransport.seal_each([client for client, _ in pairs], b"to all", failed)
        assert [server.open(each) for (_, server), each in zip(pairs, sealed, strict=True)] == [b"to all"] * 3
        assert sealed[0] == alone.seal(b"to all")
    assert failed == []
    assert repr(pairs[1][0]) == "<NoiseTransport 13 sent, 0 received>"


# -- the end of the keys ---------------------------------------------------------------------------------------------------


def test_the_first_failure_is_the_last():
    client, server = pair()
    good = client.seal(b"good")
    with pytest.raises(Tampered, match="did not decrypt"):
        server.open(bytes(64))
    with pytest.raises(Tampered, match="after one that did not decrypt"):
        server.open(good)
    with pytest.raises(LocalError, match="forgotten"):
        server.seal(b"never")


def test_after_a_failure_nothing_holds_the_keys():
    _, server = pair()
    held = [direction.state.seal.__self__ for direction in (server._out, server._in)] + [object()]
    *before, alone = map(sys.getrefcount, held)
    assert min(before) > alone
    with pytest.raises(Tampered):
        server.open(bytes(64))
    assert [*map(sys.getrefcount, held)] == [alone] * 3  # by this list, and by nothing else


def test_forgetting_is_final_even_where_a_rekeying_is_due(monkeypatch):
    monkeypatch.setattr(noise, "REKEY_RECORDS", 1)
    client, server = pair()
    server.open(client.seal(b"word"))
    server.forget()
    client.forget()
    for use in (lambda: server.open(bytes(16)), lambda: client.seal(b"never")):
        with pytest.raises(LocalError, match="forgotten"):
            use()


FORKED = """
import os, sys
from plytalk.core.contracts.errors import LocalError
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.plugins.ciphers.noise import NoiseTransport, layers
from plytalk.plugins.noise.primitives import CHACHAPOLY
from plytalk.plugins.noise.states import CipherState

def end(send, receive, role):
    return NoiseTransport(SessionSecrets(states=(CipherState(CHACHAPOLY, send), CipherState(CHACHAPOLY, receive))), role)

client, server = end(bytes(32), b"1" * 32, Role.INITIATOR), end(b"1" * 32, bytes(32), Role.RESPONDER)
sealed = server.seal(b"before")
child = os.fork()
if not child:
    refused = 0
    for use in (lambda: client.seal(b"never"), lambda: client.open(sealed), lambda: server.seal(b"never")):
        try:
            use()
        except LocalError:
            refused += 1
    os._exit(refused)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3, "the child could use its parent's keys"
assert client.open(sealed) == b"before"
assert server.open(client.seal(b"the parent goes on")) == b"the parent goes on"
print("well")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_can_neither_send_nor_read():
    run = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=180)
    assert (run.returncode, run.stdout, run.stderr) == (0, "well\n", "")


def test_what_happens_in_the_child():
    client, server = pair()
    noise._forget_all()
    for use in (lambda: client.seal(b"never"), lambda: server.open(bytes(16))):
        with pytest.raises(LocalError, match="forgotten"):
            use()


def test_it_can_be_found():
    assert layers() == [NoiseTransport]
