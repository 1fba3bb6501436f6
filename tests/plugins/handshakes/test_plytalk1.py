"""plytalk/1's handshake: its floor, its prologue, and what it refuses."""

import asyncio
import gc

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from heap import referents
from meeting import Meeting, end, meet
from msgspec import structs
from msgspec.structs import replace
from programs import ENVIRONMENT, chat, serve

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import ChatError, Exit, HandshakeFailed, Refused, StackMismatch, Usage, WrongSecret
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.properties import Property
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.plugins.ciphers.noise import NoiseTransport
from plytalk.plugins.handshakes.plytalk1 import CLASSICAL, HYBRID, MAX_A, MAX_B, MAX_C, Plytalk1, layers, suites_named
from plytalk.plugins.noise import payload, preamble
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.primitives import X25519, KeyPair
from plytalk.plugins.noise.proof import Prover
from plytalk.testing import PlainFrames, check_handshake
from plytalk.testing.attempts import Attempts

CLIENT, SERVER = Role.INITIATOR, Role.RESPONDER


@pytest.mark.parametrize("suite", ["hybrid", "classical"])
def test_it_keeps_the_contract(suite, tmp_path):
    def make(place):
        return lambda: Plytalk1(tmp_path / place, suite)

    check_handshake(make("client"), make("server"), cipher=NoiseTransport)


# -- suites ----------------------------------------------------------------------------------------------------------------


def test_suites_by_their_names():
    assert suites_named(None) == suites_named("hybrid") == HYBRID
    assert suites_named("classical, hybrid") == (*CLASSICAL, *HYBRID)
    assert suites_named(f"any,{CLASSICAL[0]}") == (*HYBRID, *CLASSICAL)
    assert all("ChaChaPoly" in suites_named(name)[-1] for name in ("hybrid", "classical"))  # the one every peer must speak
    for unknown in ("none", "Noise_NN_25519_ChaChaPoly_SHA256", "hybrid,"):
        with pytest.raises(Usage, match="has no suite"):
            suites_named(unknown)


def test_it_claims_post_quantum_secrecy_only_where_no_other_suite_is_allowed():
    for suite, claims in [(None, True), ("hybrid", True), (HYBRID[0], True), ("classical", False), ("any", False)]:
        layer = Plytalk1.configured({"suite": suite})
        assert (Property.POST_QUANTUM in layer.gives) == claims
        assert bool(layer.caution) == (not claims)


@pytest.mark.parametrize(
    "suites", [("hybrid", "any", HYBRID[0]), ("any", "classical", CLASSICAL[0]), ("any", HYBRID[1], HYBRID[1])]
)
async def test_the_server_takes_the_first_that_it_knows(suites, tmp_path):
    client, server, both = suites
    ends = Plytalk1(tmp_path / "client", client), Plytalk1(tmp_path / "server", server)
    for role, each in zip(Role, ends, strict=True):
        await each.ready(role, None)
    course = await Attempts(*ends, PlainFrames).once()
    assert [secrets.suite for secrets in course.secrets] == [both, both]


async def test_different_suites_are_a_mismatch_and_both_say_which(tmp_path):
    client = await end(CLIENT, tmp_path / "client", suite="hybrid")
    server = await end(SERVER, tmp_path / "server", suite="classical")
    for error in await meet(client, server):
        assert isinstance(error, StackMismatch)
        assert str(error) in {
            f"This side has --suite {one} and the other side has --suite {other}."
            for one, other in (("hybrid", "classical"), ("classical", "hybrid"))
        }
        assert all(suite in "".join(error.__notes__) for suite in (*HYBRID, *CLASSICAL))


class Given(Authenticator):
    """A pre-shared key."""

    name = "given"
    agrees = "psk"

    async def agree(self, io, role):
        return bytes(range(32))


async def test_a_pre_shared_key_at_one_end_only_is_a_mismatch(tmp_path):
    plain = await end(CLIENT, tmp_path / "client")
    keyed = await end(SERVER, tmp_path / "server", Given)
    for error in await meet(plain, keyed):
        assert isinstance(error, StackMismatch)
        assert "a pre-shared key (--psk-file)" in str(error)
        assert "no shared secret" in str(error)
        assert error.hint == "Give both sides the same of --psk-file and --code, or neither."
        assert "Noise" not in error.sentence
        assert "psk3" in "".join(error.__notes__)
    keyed_client = await end(CLIENT, tmp_path / "client", Given)
    assert await meet(keyed_client, keyed) == (None, None)


class Other(Given):
    """Another pre-shared key."""

    async def agree(self, io, role):
        return bytes(32)


async def test_another_pre_shared_key_is_a_wrong_secret(tmp_path):
    client, server = await meet(await end(CLIENT, tmp_path / "client", Given), await end(SERVER, tmp_path / "server", Other))
    assert "do not have the same secret" in str(client)  # message C is the first that the key protects
    assert isinstance(server, WrongSecret)


def test_the_command_ends_with_the_code_for_it(tmp_path):
    ours, theirs = (ENVIRONMENT | {"PLYTALK_HOME": str(tmp_path / name)} for name in ("server", "client"))
    with serve("--suite", "classical", environment=ours) as server:
        run = chat("connect", f"127.0.0.1:{server.port}", "--accept-new", environment=theirs)
        assert run.returncode == Exit.STACK_MISMATCH
        assert "This side has --suite hybrid and the other side has --suite classical. Give both the same --suite." in run.stderr
        assert "Noise_" not in run.stderr + server.tells("did not get in")
        run = chat("--debug", "connect", f"127.0.0.1:{server.port}", "--accept-new", environment=theirs)
        assert all(suite in run.stderr for suite in (*HYBRID, *CLASSICAL))
        again = chat("connect", f"127.0.0.1:{server.port}", "--accept-new", "--suite", "any", environment=theirs)
        assert again.returncode == 0  # the server goes on listening


# -- somebody on the line --------------------------------------------------------------------------------------------------


async def with_edits(client, server, from_client=None, from_server=None):
    """Both outcomes, where somebody edits what passes: a function of the frame's number and content."""

    def line(edit):
        count = iter(range(100))
        return edit and (lambda data: [framed(edit(next(count), data[2:]))])

    streams = memory_stream_pair(line(from_client), line(from_server) or (lambda data: [data]))
    sessions = [
        DirectChat(Connection(each.stack, stream, each.role)) for each, stream in zip((client, server), streams, strict=True)
    ]
    return await asyncio.gather(*(session.open() for session in sessions), return_exceptions=True)


def framed(payload):
    return len(payload).to_bytes(2, "big") + payload


def strip(offer):
    return structs.replace(offer, tokens=offer.tokens[1:])


def reorder(offer):
    return structs.replace(offer, tokens=offer.tokens[::-1])


def weaken(offer):
    return structs.replace(offer, tokens=CLASSICAL)


@pytest.mark.parametrize("change", [strip, reorder, weaken])
async def test_an_edited_offer_makes_message_b_fail(change, tmp_path):
    client, server = [await end(role, tmp_path / role.value, suite="any") for role in Role]

    def edit(number, frame):
        return change(preamble.Offer.decode(frame)).encode() if number == 0 else frame

    at_client, at_server = await with_edits(client, server, from_client=edit)
    assert isinstance(at_client, HandshakeFailed)
    assert "does not decrypt" in str(at_client) or "too short" in str(at_client)
    assert "closed the connection" in str(at_server) or isinstance(at_server, HandshakeFailed)


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: structs.replace(answer, known=answer.known[:1]),
        lambda answer: structs.replace(answer, known=answer.known[::-1]),
        lambda answer: structs.replace(answer, chosen=CLASSICAL[1]),
        lambda answer: structs.replace(answer, chosen=HYBRID[1]),
    ],
)
async def test_an_edited_answer_makes_the_handshake_fail(change, tmp_path):
    client, server = [await end(role, tmp_path / role.value, suite="any") for role in Role]

    def edit(number, frame):
        return change(preamble.Answer.decode(frame)).encode() if number == 0 else frame

    for error in await with_edits(client, server, from_server=edit):
        assert isinstance(error, HandshakeFailed)


# -- a peer of our own making ----------------------------------------------------------------------------------------------


class Evil(Plytalk1):
    """Speaks plytalk/1 by the rules, but for what a test makes it do."""

    chooses = ""

    async def respond(self, io):
        if not self.chooses:
            return await super().respond(io)
        await io.receive(b"P", 256)
        await io.send(b"P", preamble.Answer(self.chooses, (self.chooses,)).encode())
        self.more = await io.receive(b"A", 8192)
        raise AssertionError("the client went on")

    def _identify(self, handshake, own, identity):
        return Identity("anybody", b"will do")


async def against(role, evil, tmp_path, static=None, theirs_static=None, **options):
    """How our end in this role, with these static keys, fared with the evil other one."""
    ours, theirs = [await end(each, tmp_path / each.value, **options) for each in (role, role.other)]
    await evil.ready(role.other, None)
    for handshake, pair in ((ours.stack.handshake, static), (evil, theirs_static)):
        if pair:
            handshake._prover = Prover(handshake._own, X25519, pair)
    theirs.stack = replace(theirs.stack, handshake=evil)
    outcomes = await meet(*((ours, theirs) if role is CLIENT else (theirs, ours)))
    return outcomes[0 if role is CLIENT else 1]


@pytest.mark.parametrize("chosen", [*CLASSICAL, "Noise_NN_25519_ChaChaPoly_SHA256", HYBRID[0] + "/code"])
async def test_a_server_that_chooses_what_was_not_offered_is_refused_and_no_less_is_tried(chosen, tmp_path):
    evil = Evil(tmp_path / "evil")
    evil.chooses = chosen
    error = await against(CLIENT, evil, tmp_path)
    assert isinstance(error, StackMismatch)
    assert chosen in "".join(error.__notes__)
    assert not hasattr(evil, "more")


@pytest.mark.parametrize("role", Role)
async def test_our_own_static_key_coming_back_is_refused(role, tmp_path):
    evil = Evil(tmp_path / "evil", "classical")
    pair = X25519.generate_keypair()
    error = await against(role, evil, tmp_path, static=pair, theirs_static=pair, suite="classical")
    assert isinstance(error, Refused)
    assert "this side's own key" in str(error)


LOW_ORDER = [bytes(32), b"\1" + bytes(31), (2**255 - 20).to_bytes(32, "little"), (2**255 - 19).to_bytes(32, "little")]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("point", LOW_ORDER)
async def test_a_static_key_of_low_order_is_refused(point, role, tmp_path):
    evil = Evil(tmp_path / "evil", "classical")
    pair = KeyPair(X25519.generate_keypair().private, point)
    error = await against(role, evil, tmp_path, theirs_static=pair, suite="classical")
    assert isinstance(error, HandshakeFailed)
    assert "of low order" in str(error)


@pytest.mark.parametrize("suite", [CLASSICAL[1], HYBRID[1]])
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("point", LOW_ORDER)
async def test_an_ephemeral_key_of_low_order_is_refused(point, role, suite, tmp_path):
    ends = [await end(each, tmp_path / each.value, suite=suite) for each in Role]

    def edit(number, frame):
        return point + frame[32:] if number == 1 else frame

    way = {"from_server": edit} if role is CLIENT else {"from_client": edit}
    outcomes = await with_edits(*ends, **way)
    assert "of low order" in str(outcomes[0 if role is CLIENT else 1])
    assert all(isinstance(error, HandshakeFailed) for error in outcomes)


async def test_words_in_message_a_are_refused(tmp_path, monkeypatch):
    write = HandshakeState.write_message
    monkeypatch.setattr(HandshakeState, "write_message", lambda self, said=b"": write(self, said or b"hello"))
    client, server = [await end(each, tmp_path / each.value, suite="classical") for each in Role]
    _, error = await meet(client, server)
    assert isinstance(error, HandshakeFailed)
    assert "a payload in a handshake message" in str(error)


async def test_there_is_no_handshake_before_there_is_an_identity(tmp_path):
    client, server = [await end(each, tmp_path / each.value) for each in Role]
    client.stack.handshake._key = None
    error, _ = await meet(client, server)
    assert isinstance(error, Usage)


def test_the_limits_are_the_lengths_of_the_published_vectors_and_the_identity():
    """Messages of 1,216, 1,200 and 64 bytes without words in them; with a pre-shared key A has two tags more."""
    assert (MAX_A, MAX_B, MAX_C) == (1216 + 2 * 16, 1200 + payload.LENGTH, 64 + payload.LENGTH)


# -- keys do not outlive their use -----------------------------------------------------------------------------------------

EPHEMERAL = {type(X25519PrivateKey.generate()), type(MLKEM768PrivateKey.generate())}


def private_keys():
    """Every private key that anything holds. They are not containers, so they are found by their holders."""
    gc.collect()
    return {id(held) for holder in gc.get_objects() for held in referents(holder) if type(held) in EPHEMERAL}


async def test_after_the_handshake_no_ephemeral_key_is_reachable(tmp_path):
    ends = [await end(each, tmp_path / each.value) for each in Role]
    own = {id(each.stack.handshake._prover.current().pair.private) for each in ends}
    static = private_keys()
    assert own <= static
    async with Meeting(*ends) as meeting:
        assert meeting.outcomes == (None, None)
        assert private_keys() == static


class No(Authenticator):
    """Refuses everybody."""

    name = "no"

    async def check(self, peer):
        raise Refused("no")


@pytest.mark.parametrize("role", Role)
async def test_after_a_refusal_neither(role, tmp_path):
    ends = [await end(each, tmp_path / each.value, *([No] if each is role else [])) for each in Role]
    for each in ends:
        each.stack.handshake._prover.current()
    static = private_keys()
    outcomes = await meet(*ends)
    assert any(isinstance(error, ChatError) for error in outcomes)
    assert private_keys() == static  # although the errors are held, and their tracebacks with them


async def test_what_the_test_above_looks_for_can_be_found(tmp_path):
    before = private_keys()
    state = HandshakeState(HYBRID[0], initiator=True, s=X25519.generate_keypair())
    state.write_message()
    assert len(private_keys() - before) == 3  # s, e, e1
    state.forget()
    assert private_keys() == before


def test_it_can_be_found():
    assert layers() == [Plytalk1]
