"""The authenticators are all asked, and nothing they do fails open."""

import contextlib

import pytest
from opening import KEY, QUICK, Asks, Brings, Client, Open, Shown, frame, refusing

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import (
    BadFrame,
    BrokenPlugin,
    ChangedPeer,
    ChatError,
    HandshakeFailed,
    LocalError,
    Refused,
    RemoteError,
    Tampered,
    TooSlow,
    UnknownPeer,
    Usage,
)
from plytalk.core.contracts.items import Control
from plytalk.core.contracts.peers import Identity, Peer, Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.questions import Question
from plytalk.core.io.memory_stream import MemoryStream, memory_stream_pair
from plytalk.core.pipeline.authentication import Authentication, counted
from plytalk.core.pipeline.step_timer import StepTimer
from plytalk.core.pipeline.user_questions import UserQuestions
from plytalk.testing import RecordingUi, open_ends, stack_of
from plytalk.testing.parts import PlainWords

pytestmark = pytest.mark.virtual_time


async def test_every_authenticator_is_asked_before_the_answer_leaves() -> None:
    class Notes(Open):
        """Notes whom it is asked about."""

        async def check(self, peer: Peer) -> None:
            asked.append((peer.address, peer.identity))

    asked: list[tuple[str, Identity]] = []
    client = Client(Notes, refusing(Refused("not this one")))
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert isinstance(error, Refused)
    assert asked == [("chat.example.org:1", KEY)]
    assert client.sent == b""


@pytest.mark.parametrize(
    ("raised", "expected", "code"),
    [
        (Refused("no"), Refused, 4),
        (UnknownPeer("who?"), UnknownPeer, 4),
        (ChangedPeer("another key"), ChangedPeer, 5),
        (LocalError("the file is locked"), Refused, 4),
        (Usage("the file is missing"), Usage, 2),
        (ZeroDivisionError(), BrokenPlugin, 7),
        (TimeoutError(), BrokenPlugin, 7),
        (KeyError("secret"), BrokenPlugin, 7),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_every_exception_in_a_check_is_a_no(raised: Exception, expected: type[ChatError], code: int) -> None:
    client = Client(refusing(raised))
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert type(error) is expected
    assert error.exit_code == code
    assert client.sent == b""


@pytest.mark.parametrize("answer", [False, True, "no", 0])
async def test_a_check_that_returns_anything_is_a_no(answer: object) -> None:
    class Answers(Open):
        async def check(self, peer: Peer) -> None:
            return answer  # type: ignore[return-value]

    client = Client(Answers)
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert isinstance(error, BrokenPlugin)
    assert f"returns a value of type {type(answer).__name__} from `check`" in error.sentence
    assert client.sent == b""


async def test_an_authenticator_that_was_never_asked_is_a_no() -> None:
    class Forgets(Shown):
        """Shows no key."""

        async def initiate(self, io) -> SessionSecrets:
            return SessionSecrets.none()

    error = await Client(Forgets, Open).opens()
    assert isinstance(error, HandshakeFailed)
    assert "showed no key of the other side, so --auth open was not used" in error.sentence


class TakesAKey(Shown):
    """Takes a pre-shared key into the handshake."""

    async def initiate(self, io) -> SessionSecrets:
        assert io.agreement == "code"
        self.taken = await io.agree()
        return SessionSecrets.shared(self.taken)


async def test_a_pre_shared_key_goes_into_the_handshake_and_needs_no_other() -> None:
    client = Client(TakesAKey, Brings)
    assert await client.opens() is None
    assert client.stack.handshake.taken == b"k" * 32  # type: ignore[attr-defined]


async def test_a_pre_shared_key_that_no_handshake_took_is_a_no() -> None:
    client = Client(Brings)
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert isinstance(error, HandshakeFailed)
    assert "took no pre-shared key, so --auth brings was not used" in error.sentence


async def test_an_authenticator_that_waits_too_long_for_the_other_side_gives_up() -> None:
    class Waits(Authenticator):
        """Waits for ever."""

        name = "waits"

        async def verify(self, channel, peer: Peer) -> None:
            await channel.receive()

    client = Client(Waits, limits=QUICK)
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert isinstance(error, TooSlow)
    assert "did not answer the authenticator `waits` in time" in error.sentence


async def test_what_the_other_side_does_wrong_towards_an_authenticator_counts_as_the_handshake_s() -> None:
    class Strict(Authenticator):
        """Wants something else."""

        name = "strict"

        async def verify(self, channel, peer: Peer) -> None:
            raise BadFrame("Something else came.")

    client = Client(Strict)
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert type(error) is HandshakeFailed
    assert "Something else came" in error.sentence


async def test_a_handshake_that_swallows_a_refusal_does_not_get_in() -> None:
    class Swallows(Shown):
        """Goes on whatever is said."""

        async def initiate(self, io) -> SessionSecrets:
            try:
                return await super().initiate(io)
            except ChatError:
                return SessionSecrets.none()

    client = Client(Swallows, refusing(Refused("no")))
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert isinstance(error, HandshakeFailed)
    assert "was not used" in error.sentence


async def test_our_own_key_coming_back_is_refused_unless_both_ends_are_ours() -> None:
    class Known(Shown):
        """Has its own key."""

        identity = KEY

    for peer, refused in (("192.0.2.1:8000", True), ("127.0.0.1:8000", False), ("[::1]:8000", False), ("memory:server", False)):
        client = Client(Known, Open)
        client.stream.peer = peer
        client.peer.send(frame(b"K", b"key"))
        error = await client.opens()
        assert isinstance(error, Refused) is refused
        assert ("own key" in str(error)) is refused


async def test_both_sides_of_a_conversation_can_be_told_apart_by_no_one_else() -> None:
    """`verify` is called at the end of the handshake, with a binding that only these two ends share."""

    class Bound(Shown):
        """Has a transcript."""

        async def initiate(self, io) -> SessionSecrets:
            await super().initiate(io)
            return SessionSecrets(transcript=b"t" * 32)

        async def respond(self, io) -> SessionSecrets:
            await super().respond(io)
            await io.ask(KEY)
            return SessionSecrets(transcript=b"t" * 32)

    class Notes(Authenticator):
        """Notes the binding."""

        name = "notes"

        async def verify(self, channel, peer: Peer) -> None:
            bindings.append(peer.binding)

    bindings: list[bytes] = []
    async with open_ends(stack_of(Bound, Notes), stack_of(Bound, Notes)):
        pass
    assert bindings == [SessionSecrets(transcript=b"t" * 32).binding("notes")] * 2


class Later(Authenticator):
    """Notes that it is asked at the end."""

    name = "b-later"

    async def verify(self, channel, peer: Peer) -> None:
        await channel.send(self.name.encode())


class Earlier(Later):
    """The same, of a name that comes before."""

    name = "a-earlier"


class Talks(PlainWords):
    """Carries what authenticators say."""

    carries = frozenset({Control})

    def pack(self, items):
        return super().pack([item.body.decode() if isinstance(item, Control) else item for item in items])


@pytest.mark.parametrize("order", [(Later, Earlier), (Earlier, Later)])
async def test_authenticators_talk_in_the_order_of_their_names_in_whatever_order_they_were_chosen(
    order: tuple[type[Authenticator], ...],
) -> None:
    client = Client(*order, Talks)
    client.peer.send(frame(b"K", b"key"))
    assert await client.opens() is None
    assert client.sent == frame(b"S", b"secret") + frame(b"M", b"a-earlier") + frame(b"M", b"b-later")


class Silent(Shown):
    """Neither side shows a key."""

    async def initiate(self, io) -> SessionSecrets:
        await io.agree()
        return SessionSecrets.none()


async def test_an_authenticator_is_not_asked_at_the_end_about_a_peer_that_showed_no_key() -> None:
    class BringsAndTalks(Brings):
        """Would say something at the end."""

        async def verify(self, channel, peer: Peer) -> None:
            await channel.send(b"word")

    client = Client(Silent, BringsAndTalks, Talks)
    assert await client.opens() is None
    assert client.sent == b""


async def test_an_authenticator_that_brings_a_key_and_needs_the_peer_s_does_not_do_without_it() -> None:
    class BringsAndLooks(Brings):
        """Wants to see a key, too."""

        needs = {Property.PEER_KEY}

    error = await Client(Silent, BringsAndLooks).opens()
    assert type(error) is Refused
    assert "The handshake `shown` showed no key of the other side, so --auth brings was not used." in error.sentence
    assert error.told == "This server lets nobody in without a key, and your side showed none."


async def test_a_refusal_is_followed_by_no_other_question() -> None:
    class NotAsked(Authenticator):
        """Ought not to be asked."""

        name = "not-asked"

        async def check(self, peer: Peer) -> None:
            raise AssertionError("asked")

    client = Client(refusing(Refused("not this one")), NotAsked)
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert type(error) is Refused
    assert client.opening._authentication.identity is None


async def test_a_file_that_cannot_be_read_is_a_refusal_that_says_what_to_do() -> None:
    client = Client(refusing(LocalError("The file is locked.", "Close the other program.")))
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert type(error) is Refused
    assert error.sentence == "The file is locked. Close the other program."
    assert isinstance(error.__cause__, LocalError)


async def test_the_other_side_is_told_which_authenticator_it_did_not_answer() -> None:
    class WaitsToo(Authenticator):
        """Waits for ever."""

        name = "waits"

        async def verify(self, channel, peer: Peer) -> None:
            await channel.receive()

    client = Client(WaitsToo, limits=QUICK)
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert isinstance(error, TooSlow)
    assert error.told == "This server uses the authenticator `waits`, and your side did not answer it in time."


@pytest.mark.parametrize("error", [Refused("no"), ChangedPeer("another key"), TooSlow("late")])
def test_a_fault_with_an_exit_code_stays_what_it_is(error: RemoteError) -> None:
    assert counted(error) is error


@pytest.mark.parametrize("error", [BadFrame("Not a frame.", "Look again."), Tampered("Changed.", "Look again.")])
def test_a_fault_without_an_exit_code_keeps_its_words(error: RemoteError) -> None:
    assert type(counted(error)) is HandshakeFailed
    assert counted(error).sentence == error.sentence


class YesTooLate(RecordingUi):
    """Its person says yes in the moment in which the other side goes."""

    peer: MemoryStream

    async def answer(self, question: Question) -> str | None:
        self.peer.close()
        return "yes"


async def test_a_key_that_was_approved_too_late_gets_no_answer() -> None:
    client = Client(Asks, YesTooLate)
    ui = client.stack.ui
    assert isinstance(ui, YesTooLate)
    ui.peer = client.peer
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert type(error) is HandshakeFailed
    assert "The other side closed the connection while you were asked about it." in error.sentence
    assert client.opening._authentication.identity is None


@pytest.mark.parametrize("layers", [(Open,), (Open, refusing(Refused("not this one")))], ids=["let in", "refused"])
async def test_a_refusal_of_a_key_is_reported_at_once(layers: tuple[type[Authenticator], ...]) -> None:
    stack, reports = stack_of(Shown, *layers), []
    stream, _ = memory_stream_pair()
    user = UserQuestions(stack.ui, "here", StepTimer(), reports.append)
    authentication = Authentication(stack, stream, Role.INITIATOR, "here", user, lambda: reports.append("refused"))
    with contextlib.suppress(Refused):
        await authentication.check(KEY)
    assert reports == ([] if authentication.identity else ["refused"])
    assert authentication.identity == (KEY if layers == (Open,) else None)
