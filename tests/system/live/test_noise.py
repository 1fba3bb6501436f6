"""`--handshake noise` live, over TCP, in both roles, against two implementations of Noise that are not ours."""

import asyncio
import os
from itertools import product
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from programs import ENVIRONMENT, connect, serve

from live.meeting import (
    CLOSE,
    MESSAGE,
    MORE,
    STRANGERS_REFUSE,
    Line,
    Stranger,
    failing,
    fingerprint,
    meeting,
    psk_file,
    stack,
)
from live.noises import DissononcePeer, NoiseProtocolPeer, Scene
from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.peers import Role
from plytalk.plugins.ciphers import noise as cipher
from plytalk.plugins.noise.primitives import X25519
from plytalk.plugins.noise.protocol import interactive
from plytalk.plugins.noise.security import proves_presence
from plytalk.trust.files import write

PROLOGUE = "both of us know this"
PSK = bytes(range(32))
PEERS = [NoiseProtocolPeer, DissononcePeer]
PATTERNS = ["XX", "NN", "NX", "IX", "XN", "IK", "KK", "NNpsk0", "XXpsk3"]
SUITES = {
    "XX": "25519_ChaChaPoly_SHA256",
    "IX": "25519_AESGCM_SHA256",
    "NN": "25519_ChaChaPoly_BLAKE2s",
    "KK": "448_AESGCM_SHA512",
}


def a_meeting(stranger, pattern, role, *auths, prologue=PROLOGUE, psk=PSK, signer=None, ours=None, **options):
    """Our stack, and how to make the stranger who fits it."""
    protocol = interactive(pattern, SUITES.get(pattern, SUITES["XX"]))
    initiator = role is Role.INITIATOR
    ours, theirs = ours or protocol.dh.generate_keypair(), protocol.dh.generate_keypair()
    we_need, they_need = protocol.pattern.needs(initiator), protocol.pattern.needs(not initiator)
    scene = Scene(
        protocol,
        initiator,
        prologue.encode(),
        [psk] * protocol.pattern.psks,
        ours,
        ours.public if "rs" in they_need else None,
        theirs.private.private_bytes_raw() if "s" in they_need else None,
        theirs.public if "rs" in we_need else None,
    )
    if "s" in we_need:
        options["static_key"] = Path(os.environ["PLYTALK_HOME"]) / "static"
        write(options["static_key"], ours.private.private_bytes_raw().hex().encode())
    if "rs" in we_need:
        options["remote_key"] = theirs.public.hex()
    suite = SUITES.get(pattern, SUITES["XX"])
    if scene.psks:
        auths, options = (*auths, "psk"), {**options, "psk_file": psk_file(PSK)}
    stacked = stack(*auths, pattern=pattern, noise_suite=suite, prologue=PROLOGUE, **options)
    return stacked, lambda line: Stranger(line, stranger(scene), theirs.public, signer), protocol.pattern.messages


async def talk(ours, stranger):
    """Words in both directions, short ones and one that takes two records."""
    stranger.say("Grüße", "from elsewhere")
    stranger.say("")
    assert await ours.hears(3) == ["Grüße", "from elsewhere", ""]
    ours.session.say("你好")
    ours.session.say("here")
    assert await stranger.hears() == [(MESSAGE, "你好".encode()), (MESSAGE, b"here")]
    long = "é" * 40_000
    ours.session.say(long)
    [(first, head)], [(last, tail)] = await stranger.hears(), await stranger.hears()
    assert (first, last, head + tail) == (MESSAGE | MORE, MESSAGE, long.encode())
    stranger.line.send(stranger.record((MESSAGE | MORE, head)), stranger.record((MESSAGE, tail), (42, b"of a later version")))
    assert (await ours.hears(4))[-1] == long
    for count in range(8):
        stranger.say(f"{count}")
        ours.session.say(f"{count}")
        assert await stranger.hears() == [(MESSAGE, str(count).encode())]
    await ours.hears(12)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("peer", "pattern"), [*product(PEERS, PATTERNS), (DissononcePeer, "X1X1")]
)  # the other knows none deferred
async def test_a_conversation(peer, pattern, role):
    stacked, make, messages = a_meeting(peer, pattern, role)
    async with meeting(stacked, role) as ours:
        stranger = make(ours.line)
        heard = await stranger.shake(messages, begins=role is Role.RESPONDER)
        theirs_sends_s = "s" in sum(messages[role is Role.INITIATOR :: 2], ())
        keyed = "psk" in pattern and theirs_sends_s  # where no identity is shown, there is nothing to prove it for
        if role is Role.RESPONDER and not proves_presence(interactive(pattern, SUITES["XX"]).pattern):
            stranger.line.send(stranger.record())  # its handshake could be a recording; this could not
        if keyed:
            await stranger.proves("psk")
        await ours.ui.until(open=True)
        shown = ours.session.identity
        assert (shown.fingerprint if shown else None) == (fingerprint(stranger.identity) if theirs_sends_s else None)
        assert [len(payload) for payload in heard] == [
            179 if "s" in tokens else 0 for tokens in messages[role is Role.RESPONDER :: 2]
        ]
        await talk(ours, stranger)
        if role is Role.INITIATOR:
            await stranger.close()
            assert (await ours.task).by is EndedBy.THEM
        else:
            ours.session.exit()
            [(kind, body)] = await stranger.hears()
            assert (kind, body) == (CLOSE, b"\0" + (1 + 2 + 8 + keyed).to_bytes(8, "big"))
            stranger.line.writer.write_eof()
            assert (await ours.task).by is EndedBy.US


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("peer", PEERS)
async def test_both_rekey_in_step(peer, role, monkeypatch):
    monkeypatch.setattr(cipher, "REKEY_RECORDS", 3)
    stacked, make, messages = a_meeting(peer, "NN", role)
    async with meeting(stacked, role) as ours:
        stranger = make(ours.line)
        await stranger.shake(messages, begins=role is Role.RESPONDER)
        before = int(role is Role.INITIATOR)  # our client has proved by a record that it is there
        for count in range(10):
            if count and count % 3 == 0:
                stranger.noise.rekey_sending()
            if (count + before) % 3 == 0 and count + before:
                stranger.noise.rekey_receiving()
            stranger.say(f"{count}")
            assert (await ours.hears(count + 1))[-1] == f"{count}"
            ours.session.say(f"{count}")
            assert await stranger.hears() == [(MESSAGE, str(count).encode())]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("peer", PEERS)
async def test_plain_peers_show_no_identity(peer, role):
    stacked, make, messages = a_meeting(peer, "XX", role)
    async with meeting(stacked, role) as ours:
        stranger = make(ours.line)
        await stranger.shake(messages, begins=role is Role.RESPONDER, with_proof=False)
        await ours.ui.until(open=True)
        assert ours.session.identity is None
    stacked, make, messages = a_meeting(peer, "XX", role, no_identity=True)
    async with meeting(stacked, role) as ours:
        stranger = make(ours.line)
        assert not any(await stranger.shake(messages, begins=role is Role.RESPONDER))
        await ours.ui.until(open=True)
        assert ours.session.identity is None


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("peer", PEERS)
async def test_the_chat_command(peer, role, tmp_path):
    _, make, messages = a_meeting(peer, "XX", role)
    options = ("--handshake", "noise", "--prologue", PROLOGUE)
    environment = ENVIRONMENT | {"PLYTALK_HOME": str(tmp_path)}
    came: asyncio.Queue[Line] = asyncio.Queue()
    listener = await asyncio.start_server(lambda *ends: came.put_nowait(Line(*ends)), "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    with (
        serve(*options, environment=environment)
        if role is Role.RESPONDER
        else connect(port, *options, "--accept-new", environment=environment)
    ) as ours:
        if role is Role.RESPONDER:
            came.put_nowait(Line(*await asyncio.open_connection("127.0.0.1", ours.port)))
        stranger = make(await came.get())
        await stranger.shake(messages, begins=role is Role.RESPONDER)
        stranger.say("Grüße")
        assert await asyncio.to_thread(ours.hear_words) == "Grüße"
        ours.say("你好")
        said = "server: 你好" if role is Role.RESPONDER else "你好"  # a client without rooms gets it in the text
        assert await stranger.hears() == [(MESSAGE, said.encode())]
        await stranger.close()
        assert await asyncio.to_thread(ours.status) == 0
        assert any(fingerprint(stranger.identity) in told for told in ours.told)
    listener.close()
    stranger.line.writer.close()
    await stranger.line.writer.wait_closed()


# -- controls that must fail -----------------------------------------------------------------------------------------------


async def attempt(stacked, make, messages, role, **how):
    async with meeting(stacked, role) as ours:
        stranger = make(ours.line)
        return await failing(ours, stranger, stranger.shake(messages, begins=role is Role.RESPONDER, **how))


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("peer", PEERS)
async def test_another_prologue_is_refused(peer, role):
    stacked, make, messages = a_meeting(peer, "XX", role, prologue="they know another")
    why = await attempt(stacked, make, messages, role)
    if role is Role.INITIATOR:
        assert "message 2 does not decrypt" in why
    else:  # the stranger is the first to see it
        assert why in STRANGERS_REFUSE


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("peer", PEERS)
async def test_a_forged_identity_is_refused(peer, role):
    stacked, make, messages = a_meeting(peer, "XX", role, signer=Ed25519PrivateKey.generate())
    assert "it is forged" in await attempt(stacked, make, messages, role)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("peer", PEERS)
async def test_no_identity_satisfies_no_authenticator(peer, role):
    stacked, make, messages = a_meeting(peer, "XX", role, "peer", peer="SHA256:" + "A" * 43)
    assert "showed no key of the other side, so --auth peer" in await attempt(stacked, make, messages, role, with_proof=False)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("peer", PEERS)
async def test_another_identity_than_the_one_asked_for_is_refused(peer, role):
    stacked, make, messages = a_meeting(peer, "XX", role, "peer", peer="SHA256:" + "A" * 43)
    assert "it is someone else, or someone is between you" in await attempt(stacked, make, messages, role)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("peer", PEERS)
async def test_another_pre_shared_key_is_refused(peer, role):
    stacked, make, messages = a_meeting(peer, "NNpsk0", role, psk=bytes(32))
    why = await attempt(stacked, make, messages, role)
    assert "message 1 does not decrypt" in why or why in STRANGERS_REFUSE


@pytest.mark.parametrize("role", Role)
async def test_our_own_static_key_coming_back_is_refused(role):
    pair = X25519.generate_keypair()
    stacked, _, messages = a_meeting(NoiseProtocolPeer, "XX", role, ours=pair)
    scene = Scene(
        interactive("XX", SUITES["XX"]),
        role is Role.INITIATOR,
        PROLOGUE.encode(),
        [],
        pair,
        None,
        pair.private.private_bytes_raw(),
        None,
    )
    why = await attempt(stacked, lambda line: Stranger(line, NoiseProtocolPeer(scene), pair.public), messages, role)
    assert "this side's own key" in why
