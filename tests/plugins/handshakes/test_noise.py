"""`--handshake noise`: what its options come to, and what it refuses. tests/system/live has its conversations with strangers."""

import contextlib
import stat

import pytest
from meeting import End, Person, meet, nobody
from msgspec.structs import replace
from programs import ENVIRONMENT, chat, connect, serve

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import Exit, HandshakeFailed, ImpossibleStack, Refused, Usage
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.stack.selection import Stack
from plytalk.plugins.authenticators.peer import PinnedPeer
from plytalk.plugins.ciphers.noise import NoiseTransport
from plytalk.plugins.framers.u16 import U16
from plytalk.plugins.handshakes.noise import Noise, layers
from plytalk.plugins.messages.records import Records
from plytalk.plugins.noise import payload
from plytalk.plugins.noise.patterns import PATTERNS, named
from plytalk.plugins.noise.primitives import X25519
from plytalk.plugins.noise.proof import Proven
from plytalk.testing import check_handshake
from plytalk.testing.parts import Nowhere

CLIENT, SERVER = Role.INITIATOR, Role.RESPONDER
INTERACTIVE = [name for name in PATTERNS if not named(name).one_way]


class Given(Authenticator):
    """A pre-shared key."""

    name = "given"
    agrees = "psk"

    async def agree(self, io, role):
        return bytes(range(32))


async def end(role, folder, *auths, **options):
    """An end with the handshake noise."""
    options = {"identity": folder / f"identity of the {role.value}", **options}
    layers = (Nowhere, U16, Noise.configured(options), NoiseTransport, Records, Person)
    chosen = {layer.kind: [layer] for layer in layers}
    made = Stack.build({**chosen, "auth": auths}, options)
    made.refuse(role)
    it = End(role, replace(made, ui=Person()), Person())
    it.told.extend(await made.handshake.ready(role, nobody))
    return it


@pytest.mark.parametrize("pattern", ["XX", "NN", "IX", "X1X1", "XXhfs"])
def test_it_keeps_the_contract(pattern, tmp_path):
    options = {"pattern": pattern}

    def make(place):
        return lambda: Noise.configured(options)(identity=tmp_path / place, **options)

    check_handshake(make("client"), make("server"), cipher=NoiseTransport)


# -- what it claims --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", INTERACTIVE)
def test_what_it_claims_is_what_the_pattern_does(pattern):
    layer = Noise.configured({"pattern": pattern})
    tokens = {role: sum(named(pattern).messages[side::2], ()) for side, role in enumerate((CLIENT, SERVER))}
    assert layer.shows == {role for role in Role if "s" in tokens[role]}
    assert (Property.PEER_KEY in layer.gives) == bool(layer.shows)
    assert Property.STATES in layer.gives
    assert (Property.FORWARD_SECRECY in layer.gives) == ("ee" in tokens[SERVER])
    assert Property.POST_QUANTUM not in layer.gives
    assert Property.PEER_IDENTITY not in layer.gives
    assert ("auth" in layer.prefers) == ("s" in tokens[SERVER])
    assert layer.summary() == Noise.summary()


@pytest.mark.parametrize("options", [{"pattern": "X"}, {"pattern": "ZZ"}, {"noise_suite": "25519_ROT13_SHA256"}])
def test_what_is_no_protocol_is_refused_before_anything_else(options):
    with pytest.raises(Usage):
        Noise.configured(options)


def test_what_it_claims_with_options():
    assert Noise.configured({}).gives == Noise.gives
    assert Property.POST_QUANTUM in Noise.configured({"pattern": "XXhfs"}).gives
    assert Property.PEER_IDENTITY in Noise.configured({"pattern": "IK", "remote_key": "00" * 32}).gives
    assert Property.PEER_IDENTITY not in Noise.configured({"pattern": "XX", "remote_key": "00" * 32}).gives
    plain = Noise.configured({"no_identity": True})
    assert not plain.shows
    assert Property.PEER_KEY not in plain.gives
    assert "auth" not in plain.prefers


def test_it_says_that_a_copied_proof_passes_for_ever_where_it_accepts_proofs():
    warning = "someone who copies a static key and the proof for it passes for their owner for ever"
    assert warning in Noise.configured({}).caution
    assert warning in Noise.configured({"pattern": "IK"}).caution  # which has something else to say as well
    assert warning not in Noise.configured({"no_identity": True}).caution
    assert warning not in Noise.configured({"pattern": "NN"}).caution


async def test_no_authenticator_goes_with_no_identity(tmp_path):
    with pytest.raises(ImpossibleStack, match="needs peer key"):
        await end(CLIENT, tmp_path, PinnedPeer, no_identity=True, peer="SHA256:" + "A" * 43)


# -- keys ------------------------------------------------------------------------------------------------------------------


async def test_a_static_key_known_beforehand_is_told_and_kept(tmp_path):
    server = await end(SERVER, tmp_path, pattern="IK", static_key=tmp_path / "static")
    [told] = server.told
    key = told.rpartition("--remote-key ")[2]
    assert bytes.fromhex(key) == server.stack.handshake._static.public
    assert stat.S_IMODE((tmp_path / "static").stat().st_mode) == 0o600
    again = await end(SERVER, tmp_path, pattern="IK", static_key=tmp_path / "static")
    assert again.told == [told]
    client = await end(CLIENT, tmp_path, pattern="IK", remote_key=key)
    assert await meet(client, server) == (None, None)


async def test_another_remote_key_ends_the_handshake(tmp_path):
    server = await end(SERVER, tmp_path, pattern="IK")
    client = await end(CLIENT, tmp_path, pattern="IK", remote_key=X25519.generate_keypair().public.hex())
    for error in await meet(client, server):
        assert isinstance(error, HandshakeFailed)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"pattern": "IK"}, "needs --remote-key"),
        ({"pattern": "XX", "remote_key": "00" * 32}, "has no use for --remote-key"),
        ({"pattern": "IK", "remote_key": "00" * 31}, "--remote-key holds no key for 25519"),
        ({"pattern": "IK", "remote_key": "00" * 32, "noise_suite": "448_ChaChaPoly_SHA256"}, "112 hexadecimal digits"),
    ],
)
async def test_a_remote_key_where_the_pattern_has_it_and_nowhere_else(options, why, tmp_path):
    with pytest.raises(Usage, match=why):
        await end(CLIENT, tmp_path, **options)


async def test_a_new_identity_is_told(tmp_path):
    first, second = [await end(CLIENT, tmp_path) for _ in range(2)]
    assert first.told[0].startswith("Created a new identity (SHA256:")
    assert second.told == []
    assert (await end(CLIENT, tmp_path / "nowhere", pattern="NN")).told == []
    assert not (tmp_path / "nowhere").exists()


async def test_our_own_static_key_coming_back_is_refused(tmp_path):
    ends = [await end(role, tmp_path, static_key=tmp_path / "static") for role in Role]
    error, _ = await meet(*ends)
    assert isinstance(error, Refused)
    assert "this side's own key" in str(error)


# -- pre-shared keys -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["NNpsk0", "NNpsk2", "XXpsk3", "IXpsk0+psk2", "XXhfs+psk3"])
async def test_a_pre_shared_key_comes_from_an_authenticator(pattern, tmp_path):
    ends = [await end(role, tmp_path, Given, pattern=pattern) for role in Role]
    assert await meet(*ends) == (None, None)


async def test_a_pre_shared_key_without_a_use_and_a_use_without_one(tmp_path):
    with_key, without = await end(CLIENT, tmp_path, Given), await end(SERVER, tmp_path, pattern="NNpsk0")
    client, server = await meet(with_key, without)
    assert isinstance(client, Usage)
    assert "takes no pre-shared key" in str(client)
    assert isinstance(server, Usage)
    assert "nothing brings one" in str(server)


# -- messages --------------------------------------------------------------------------------------------------------------


async def test_words_where_a_message_has_none_are_refused(tmp_path, monkeypatch):
    client, server = [await end(role, tmp_path, pattern="XX") for role in Role]
    write = Noise._run.__globals__["HandshakeState"].write_message
    monkeypatch.setattr(
        "plytalk.plugins.noise.engine.HandshakeState.write_message", lambda self, said=b"": write(self, said or b"hello")
    )
    _, error = await meet(client, server)
    assert isinstance(error, HandshakeFailed)
    assert "a payload in a handshake message" in str(error)


async def test_extensions_behind_the_identity_are_read_over(tmp_path):
    client, server = [await end(role, tmp_path) for role in Role]
    prover = client.stack.handshake._prover
    pair, proof = prover.current()
    bare, dated = proof[: payload.UNDATED], proof[payload.UNDATED :]
    extensions = b"\x22\x09\x12\x07/muxer1"
    for shown in (bare + extensions, bare + extensions + dated, bare):
        prover._current = Proven(pair, shown)
        assert await meet(client, server) == (None, None)
    prover._current = Proven(pair, bare + extensions + b"\0")
    _, error = await meet(client, server)
    assert "not written as it should be" in str(error)


@pytest.mark.parametrize("role", Role)
async def test_who_wants_no_identity_shows_none_and_looks_at_none(role, tmp_path):
    plain, other = await end(role, tmp_path, no_identity=True), await end(role.other, tmp_path)
    assert await meet(*((plain, other) if role is CLIENT else (other, plain))) == (None, None)


@pytest.mark.parametrize("other", [{"prologue": "two"}, {"noise_suite": "25519_AESGCM_SHA256"}, {"pattern": "XX1"}])
async def test_ends_that_were_told_different_things_do_not_meet(other, tmp_path):
    client, server = await end(CLIENT, tmp_path, prologue="one"), await end(SERVER, tmp_path, **{"prologue": "one", **other})
    for error in await meet(client, server):
        assert isinstance(error, HandshakeFailed)


# -- the command -----------------------------------------------------------------------------------------------------------


def homes(folder):
    return [ENVIRONMENT | {"PLYTALK_HOME": str(folder / name)} for name in ("client", "server")]


def converse(client, server):
    client.tells("Talking to")
    server.tells("Talking to")
    client.say("Grüße")
    assert server.hear_words() == "Grüße"
    server.say("exit")
    assert (server.status(), client.status()) == (0, 0)


def test_xx_with_identities_and_known_hosts(tmp_path):
    ours, theirs = homes(tmp_path)
    options = ("--handshake", "noise", "--prologue", "Grüße")
    with (
        serve(*options, environment=theirs) as server,
        connect(server.port, *options, "--accept-new", environment=ours) as client,
    ):
        converse(client, server)
    assert (tmp_path / "client" / "known_hosts").exists()


def test_ik_with_the_key_that_the_server_prints(tmp_path):
    ours, theirs = homes(tmp_path)
    options = ("--handshake", "noise", "--pattern", "IK")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve(*options, environment=theirs))
        [key] = [line.rpartition(" ")[2] for line in server.told if "--remote-key" in line]
        client = stack.enter_context(connect(server.port, *options, "--remote-key", key, environment=ours))
        converse(client, server)


@pytest.mark.parametrize("pattern", ["NNpsk0", "XXhfs+psk3"])
def test_a_pre_shared_key_from_a_file(pattern, tmp_path):
    ours, theirs = homes(tmp_path)
    assert chat("keys", "psk", str(tmp_path / "psk"), environment=ours).returncode == 0
    options = ("--handshake", "noise", "--pattern", pattern, "--psk-file", str(tmp_path / "psk"))
    with serve(*options, environment=theirs) as server, connect(server.port, *options, environment=ours) as client:
        converse(client, server)


def test_a_client_of_plytalk1_is_told_apart(tmp_path):
    ours, theirs = homes(tmp_path)
    with serve("--handshake", "noise", environment=theirs) as server:
        run = chat("connect", f"127.0.0.1:{server.port}", "--accept-new", environment=ours)
        assert run.returncode == Exit.STACK_MISMATCH  # it hears nothing but the end
        assert "did not answer the handshake `plytalk1`" in run.stderr
        assert "handshake noise here, handshake plytalk1 on the other side" in server.tells("did not get in")


def test_one_way_patterns_are_refused_by_the_command():
    run = chat("serve", "--handshake", "noise", "--pattern", "X")
    assert run.returncode == Exit.USAGE
    assert "one-way" in run.stderr


def test_it_can_be_found():
    assert layers() == [Noise]
