"""plytalk/1 live, over TCP, in both roles, against two implementations of Noise that are not ours."""

import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from live.meeting import (
    CLOSE,
    MESSAGE,
    STRANGERS_REFUSE,
    Stranger,
    chooses,
    failing,
    fingerprint,
    meeting,
    offers,
    psk_file,
    stack,
)
from live.noises import DissononcePeer, NoiseProtocolPeer, Scene
from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.peers import Role
from plytalk.plugins.noise.primitives import X25519
from plytalk.plugins.noise.protocol import named

CHACHA, AESGCM = "Noise_XX_25519_ChaChaPoly_SHA256", "Noise_XX_25519_AESGCM_SHA256"
WITH_PSK = "Noise_XXpsk3_25519_ChaChaPoly_SHA256"
PSK = bytes(range(32))
PEERS = [NoiseProtocolPeer, DissononcePeer]


async def arrives(peer, ours, role, suite=CHACHA, edit=bytes, **how):
    """A stranger at our line, past the preambles. `edit` changes the prologue that it uses."""
    if role is Role.RESPONDER:
        chosen, prologue = await offers(ours.line, "Noise_XX_448_ChaChaPoly_SHA256", suite)
    else:
        (chosen, *_), prologue = await chooses(ours.line, suite)
        chosen = suite
    static = X25519.generate_keypair()
    scene = Scene(
        named(chosen),
        role is Role.INITIATOR,
        edit(prologue),
        [PSK] if "psk" in chosen else [],
        static,  # any pair: XX does not need it in advance
        None,
        static.private.private_bytes_raw(),
        None,
    )
    return Stranger(ours.line, peer(scene), static.public, **{"now": time.time(), **how})


async def shakes(stranger, role):
    """Go through XX; the identity that came, in its payload."""
    pattern = named(CHACHA).pattern.messages
    return (await stranger.shake(pattern, begins=role is Role.RESPONDER))[-1]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("suite", [CHACHA, AESGCM, WITH_PSK])
@pytest.mark.parametrize("peer", PEERS)
async def test_a_conversation(peer, suite, role):
    keyed = suite == WITH_PSK
    options = {"psk_file": psk_file(PSK)} if keyed else {}
    ours_stack = stack(*(["psk"] if keyed else []), handshake="plytalk1", suite="classical", **options)
    async with meeting(ours_stack, role) as ours:
        stranger = await arrives(peer, ours, role, suite)
        identity = await shakes(stranger, role)
        if keyed:
            await stranger.proves("psk")
        if role is Role.INITIATOR:
            stranger.lets_in()
        else:
            await stranger.is_let_in()
        await ours.ui.until(open=True)
        assert ours.session.identity.fingerprint == fingerprint(stranger.identity)
        assert len(identity) == 179
        stranger.say("Grüße", "from elsewhere")
        assert await ours.hears(2) == ["Grüße", "from elsewhere"]
        ours.session.say("你好")
        assert await stranger.hears() == [(MESSAGE, "你好".encode())]
        if role is Role.INITIATOR:
            await stranger.close()
            assert (await ours.task).by is EndedBy.THEM
        else:
            ours.session.exit()
            assert await stranger.hears() == [(CLOSE, b"\0" + (2 + keyed).to_bytes(8, "big"))]
            stranger.line.writer.write_eof()
            assert (await ours.task).by is EndedBy.US


# -- controls that must fail -----------------------------------------------------------------------------------------------


async def attempt(peer, role, **how):
    payload = how.pop("payload", None)
    async with meeting(stack(handshake="plytalk1", suite="classical"), role) as ours:
        stranger = await arrives(peer, ours, role, **how)
        if payload:
            stranger.proof = payload(stranger.proof)
        return await failing(ours, stranger, shakes(stranger, role))


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("peer", PEERS)
async def test_another_prologue_is_refused(peer, role):
    why = await attempt(peer, role, edit=lambda prologue: prologue.replace(b"AESGCM", b"AESGCN"))
    if role is Role.INITIATOR:
        assert "message 2 does not decrypt" in why
    else:  # the stranger is the first to see it: our own message B fails there
        assert why in STRANGERS_REFUSE


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("peer", PEERS)
async def test_a_forged_identity_is_refused(peer, role):
    assert "it is forged" in await attempt(peer, role, signer=Ed25519PrivateKey.generate())


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("days", [-3.5, 1.5])
async def test_a_proof_of_another_day_is_refused_and_both_clocks_are_suspected(days, role):
    """So a static key and its proof that somebody has copied soon pass for nobody."""
    async with meeting(stack(handshake="plytalk1", suite="classical"), role) as ours:
        stranger = await arrives(NoiseProtocolPeer, ours, role, now=time.time() + days * 86400)
        if role is Role.RESPONDER:
            await shakes(stranger, role)
            [(kind, body)] = await stranger.hears()
            assert (kind, body[0]) == (CLOSE, 4)
            assert b"One of the two clocks may be wrong" in body
            stranger.line.writer.close()
        else:
            await stranger.shake(named(CHACHA).pattern.messages[:2], begins=False)
        assert "One of the two clocks may be wrong" in await ours.refuses()


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    "payload",
    [
        lambda proof: proof[:104] + b"\x22\x00" + proof[104:],  # an extension, as libp2p allows
        lambda proof: proof[:104],  # without an expiry, as libp2p has it
        lambda proof: proof[38:] + proof[:38],  # the two fields in the other order
        lambda proof: proof + proof[:38],  # a field twice
        lambda proof: b"\x0a\xa4\x00" + proof[2:],  # a length in more bytes than it needs
        lambda proof: proof[:-1],
        lambda proof: b"",
    ],
    ids=["extension", "undated", "order", "twice", "long length", "short", "none"],
)
async def test_a_payload_that_is_not_canonical_is_refused(payload, role):
    why = await attempt(NoiseProtocolPeer, role, payload=payload)
    assert "not written as it should be" in why or "at most 243 are accepted" in why
