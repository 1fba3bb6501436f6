"""The attacker's side of plytalk/1: the impostor does a real handshake, so an honest side can only refuse what it shows."""

import asyncio
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from plytalk.core.contracts.errors import HandshakeFailed, RemoteError
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.handshake_io import MESSAGE, FrameHandshakeIO
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.scenario import ATTACKER, scenarios
from plytalk.plugins.framers.u16 import U16
from plytalk.plugins.noise import impostor, payload
from plytalk.plugins.noise.primitives import DH, MLKEM768, X25519
from plytalk.trust.identity import OwnIdentity

CLASSICAL, HYBRID = "Noise_XX_25519_ChaChaPoly_SHA256", "Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256"


def wires() -> tuple[FrameHandshakeIO, FrameHandshakeIO]:
    async def accept(identity: object) -> None:
        pass

    def io(stream) -> FrameHandshakeIO:
        made = FrameHandshakeIO(U16(), stream, accept)
        stream.deliver_to(made.feed, made.ended)
        return made

    client, server = map(io, memory_stream_pair())
    return client, server


def meet(suite: str, show: impostor.Show | None = None, dh: DH = X25519) -> tuple[bytes, bytes]:
    """What the client was shown, and the server's first words as the client reads them."""

    async def both() -> tuple[bytes, bytes]:
        to_server, to_client = wires()
        server, client = impostor.ImpostorServer(to_client), impostor.ImpostorClient(to_server)

        async def serve():
            offer = await server.offered()
            assert offer.tokens == (suite,)
            return await server.serve(suite, show or impostor.own_identity(), dh)

        serving = asyncio.create_task(serve())
        shown = await client.connect([suite])
        mine, theirs = await client.finish(impostor.own_identity()), await serving
        first = mine.receive.decrypt_with_ad(b"", await to_server.receive(MESSAGE, impostor.ROOM))
        assert first == impostor.LET_IN
        return shown, mine.receive.decrypt_with_ad(b"", theirs.send.encrypt_with_ad(b"", b"hello"))

    return clock.run(both())


@pytest.mark.parametrize("suite", [CLASSICAL, HYBRID])
def test_both_roles_speak_the_whole_handshake(suite: str) -> None:
    shown, words = meet(suite)
    assert len(shown) == payload.LENGTH
    assert words == b"hello"


NOW = time.time()


def test_the_payload_is_the_caller_s_to_say() -> None:
    shown, _ = meet(CLASSICAL, lambda static: b"any name I like")
    assert shown == b"any name I like"


def test_an_identity_of_one_s_own_is_honest_and_a_renamed_one_forged() -> None:
    static = bytes(32)
    own = impostor.own_identity()(static)
    other = payload.encode(OwnIdentity(Ed25519PrivateKey.generate()), static, NOW)
    payload.decode(own, static, NOW)
    with pytest.raises(HandshakeFailed, match="forged"):
        payload.decode(impostor.renamed(own, other), static, NOW)


def test_weak_keys_are_weak() -> None:
    assert impostor.LOW_ORDER.generate_keypair().public == bytes(32)
    assert impostor.HOLLOW.generate_keypair().public == b"\xff" * MLKEM768.publickeylen
    with pytest.raises((RemoteError, ValueError)):
        X25519.dh(X25519.generate_keypair(), impostor.LOW_ORDER.generate_keypair().public)
    with pytest.raises((RemoteError, ValueError)):
        MLKEM768.encapsulate(impostor.HOLLOW.generate_keypair().public)


def test_only_the_stacks_of_plytalk1_speak_it(tmp_path: Path) -> None:
    for scenario in scenarios(Registry()):
        assert impostor.speaks_plytalk1(scenario.stack(ATTACKER, tmp_path)) is scenario.name.startswith("plytalk1")


def test_what_is_no_offer_is_refused() -> None:
    async def rubbish() -> None:
        to_server, to_client = wires()
        await to_server.send(impostor.GREETING, b"GET / HTTP/1.1")
        with pytest.raises(HandshakeFailed, match="does not speak plytalk/1"):
            await impostor.ImpostorServer(to_client).offered()

    clock.run(rubbish())
