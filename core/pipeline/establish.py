"""How a conversation opens: the handshake, and the authenticators that judge it.

    handshake -> [client: presence ->] authenticators -> [<- server: let in, or a goodbye that says why not]

Nothing fails open here. Every exception is a refusal; an authenticator that was chosen and never asked is a refusal; and whatever
went wrong, a peer that has not finished the handshake is told nothing: the connection closes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import Any, TypeVar

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import (
    BrokenPlugin,
    Busy,
    ChangedPeer,
    ChatError,
    Exit,
    HandshakeFailed,
    LocalError,
    Refused,
    RemoteError,
    StackMismatch,
    Tampered,
    TooSlow,
    Withdrawn,
)
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.handshake import HandshakeIO
from plytalk.core.contracts.items import Close, CloseReason, Empty, Item
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.peers import Identity, Peer, Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.sealed_count import count_by_cipher
from plytalk.core.contracts.transport import Stream
from plytalk.core.pipeline.handshake_io import FrameHandshakeIO, SealedChannel
from plytalk.core.pipeline.tracing import Tracer
from plytalk.core.stack.selection import Stack

T = TypeVar("T")
NOT_WAITING = "The server no longer waits for your answer: if it is yes, this side connects again."
TOO_EARLY = "The other side sent too much while you were asked about it, so the question is withdrawn."


@dataclass(frozen=True)
class Established:
    """What an opened conversation goes on with. `identity` is the key the other side showed, if it showed one; `items` is what it
    has said already.
    """

    io: FrameHandshakeIO
    framer: Framer
    cipher: Cipher
    messages: Messages
    identity: Identity | None
    items: Sequence[Item] = ()


Admit = Callable[[Identity | None], Refused | Busy | None]
"""Why a server has no room for the key that a client showed; None where it has."""

IsThere = Callable[[], Coroutine[Any, Any, bool]]
"""Whether a server can be connected to."""


def admit_everybody(identity: Identity | None) -> None:
    """Let everybody in whom the authenticators let in."""


class Establishment:
    """One attempt to open a conversation over a stream.

    `admit` is the server's final check of the client's identity; `is_there` says whether a client that was cut off could
    connect again.
    """

    def __init__(
        self,
        stack: Stack,
        stream: Stream,
        role: Role,
        address: str,
        limits: Limits,
        tracer: Tracer | None,
        admit: Admit = admit_everybody,
        turn: Callable[[], Awaitable[None]] | None = None,
        notice: Callable[[str], None] | None = None,
        is_there: IsThere | None = None,
    ) -> None:
        self._is_there = is_there
        self._stack, self._stream, self._role, self._address = stack, stream, role, address
        self._limits, self._tracer, self._admit, self._turn = limits, tracer, admit, turn
        self._notice = notice or stack.ui.notice
        self._can_answer = Empty in stack.make_messages.layer.carries
        self._defers = self._can_answer and role is Role.RESPONDER
        self._loop = asyncio.get_running_loop()
        self._identity: Identity | None = None
        self._agreed = self._verifying = False
        self._io: FrameHandshakeIO | None = None
        self._clock: asyncio.Timeout | None = None
        self.approved = False
        """Whether the user was asked about the other side's key and said yes, which may take longer than a server waits."""

    async def run(self) -> Established:
        """Raises ChatError."""
        try:
            return await self._run()
        except ChatError:
            raise
        except Exception as error:
            raise BrokenPlugin(f"A layer of {self._stack.line} raised {type(error).__name__} before the conversation.") from error
        finally:
            self._clock = None  # the other knows this task, which knows this attempt: that would be a circle
            self._io = None  # so does the wire

    async def _run(self) -> Established:
        framer = self._stack.framer()
        make_io: Callable[..., FrameHandshakeIO] = FrameHandshakeIO
        if self._tracer:
            framer, make_io = self._tracer.wrap_framer(framer), self._tracer.handshake_io(self._stack.handshake)
        agreement = next((auth.agrees for auth in self._stack.auths if auth.agrees), "")
        io = make_io(framer, self._stream, self._ask, self._agree, agreement, self._limits.unread, self._defers, self._turn)
        self._io = io
        self._stream.deliver_to(io.feed, io.ended)
        try:
            return await self._talk(io, framer)
        except BaseException:
            io.release()
            raise

    async def _talk(self, io: FrameHandshakeIO, framer: Framer) -> Established:
        secrets = await self._handshake(io)
        if self._tracer:  # before the cipher, which may overwrite them
            self._tracer.tell_keys(secrets, self._role)
        cipher, messages = self._stack.cipher(secrets, self._role), self._stack.messages()
        count_by_cipher(messages, cipher)
        if self._tracer:
            cipher, messages = self._tracer.wrap_cipher(cipher), self._tracer.wrap_messages(messages)
        channel = SealedChannel(io, cipher, messages, self._thinking, self._role)
        try:
            await self._settle_or_say_why(io, channel, secrets)
        except BaseException:
            cipher.forget()
            raise
        return Established(io, framer, cipher, messages, self._identity, channel.items)

    async def _settle_or_say_why(self, io: FrameHandshakeIO, channel: SealedChannel, secrets: SessionSecrets) -> None:
        try:
            await self._settle(io, channel, secrets)
        except ChatError as refusal:
            self._show_refusal()
            if isinstance(refusal, HandshakeFailed | ChangedPeer) and self._defers and io.answers and not io.over:
                await self._say_why(channel, io, refusal)
            raise

    def _show_refusal(self) -> None:
        """Let a client that cannot be told why it is refused at least see that nothing of what it said was taken."""
        if self._role is Role.RESPONDER and not self._can_answer:
            self._stream.reset()

    async def _settle(self, io: FrameHandshakeIO, channel: SealedChannel, secrets: SessionSecrets) -> None:
        """All that both sides have to agree on once they hold the same keys. Raises ChatError."""
        if io.refusal:
            raise io.refusal
        for auth in self._stack.auths:
            if missing := self._missing(auth):
                raise Refused(
                    f"The handshake `{self._stack.handshake.name}` {missing}, so --auth {auth.name} was not used.",
                    HandshakeFailed.hint,
                    told="This server lets nobody in without a key, and your side showed none.",
                )
        if self._stack.handshake.first_record_proves:
            await self._prove_presence(channel)
        await self._verify(channel, secrets)
        if self._role is Role.RESPONDER:
            if refusal := self._admit(self._identity):
                raise refusal
            if io.answers and self._can_answer:
                await channel.say(Empty())
        elif io.answers and self._can_answer:
            await self._be_let_in(channel)

    # -- the handshake ----------------------------------------------------------------------------------------------------

    async def _handshake(self, io: FrameHandshakeIO) -> SessionSecrets:
        handshake = self._stack.handshake
        talk = handshake.initiate if self._role is Role.INITIATOR else handshake.respond
        if self._tracer:
            self._tracer.tell("timer", f"The handshake may take {self._limits.handshake:g} seconds.")
        try:
            async with asyncio.timeout(self._limits.handshake) as self._clock:
                watch = self._loop.call_later(self._limits.first_byte, self._first_byte_is_due, io)
                try:
                    return await talk(io)
                finally:
                    watch.cancel()
        except TimeoutError as error:
            if not (self._clock and self._clock.expired()):
                raise BrokenPlugin(f"The handshake `{handshake.name}` raised {type(error).__name__}.") from error
            if not io.heard:
                raise self._silence() from None
            raise TooSlow(f"The other side did not finish its handshake within {self._limits.handshake:g} seconds.") from None
        except RemoteError as error:
            if mismatch := self._stack.mismatch(io.first):
                raise mismatch from error
            if io.over and not io.heard and self._role is Role.INITIATOR and handshake.speaks_first is Role.RESPONDER:
                raise self._other_stack("The other side closed the connection without a word.") from error
            raise counted(error) from error.__cause__
        except LocalError:
            raise
        except Exception as error:
            raise BrokenPlugin(f"The handshake `{handshake.name}` raised {type(error).__name__}.") from error

    def _first_byte_is_due(self, io: FrameHandshakeIO) -> None:
        if self._clock and not io.heard:
            self._clock.reschedule(self._loop.time())

    def _silence(self) -> ChatError:
        sentence = f"The other side said nothing for {self._limits.first_byte:g} seconds."
        handshake = self._stack.handshake
        if handshake.speaks_first is not self._role.other:
            return TooSlow(sentence)
        if self._role is Role.RESPONDER:
            return TooSlow(f"{sentence} It may run another stack: with the handshake `{handshake.name}` the client speaks first.")
        return self._other_stack(f"{sentence} With the handshake `{handshake.name}` the server speaks first.")

    def _other_stack(self, sentence: str) -> StackMismatch:
        """A server of this stack would have spoken, or answered."""
        names = self._stack.names
        return StackMismatch(
            f"{sentence} It runs another stack than handshake {names['handshake']} over framer {names['framer']}, or is full.",
            "Ask what the server runs, and choose the same with --profile.",
        )

    # -- authenticators ---------------------------------------------------------------------------------------------------

    async def _agree(self, io: HandshakeIO) -> bytes:
        key = b""
        for auth in (auth for auth in self._stack.auths if auth.agrees):
            key = await self._consult(auth, auth.agree(io, self._role))
        self._agreed = True
        return key

    def _missing(self, auth: Authenticator) -> str:
        """What an authenticator waited for in vain; empty for nothing. One that brings a key may do without the peer's."""
        if auth.agrees and not self._agreed:
            return "took no pre-shared key"
        if self._identity is None and (not auth.agrees or Property.PEER_KEY in auth.needs):
            return "showed no key of the other side"
        return ""

    async def _ask(self, identity: Identity) -> None:
        if identity == self._stack.handshake.identity and not is_local(self._stream.peer):
            raise Refused(
                "The other side shows this side's own key: someone is sending our messages back, or the key was copied."
            )
        try:
            for auth in self._stack.auths:
                await self._consult(auth, auth.check(self._peer(identity)))
        except ChatError:
            self._show_refusal()
            raise
        if self.approved and self._io and self._io.over:  # the answer counts, and this connection is of no use any more
            raise HandshakeFailed("The other side closed the connection while you were asked about it.", "Connect again.")
        self._identity = identity  # not before: a handshake that swallows a refusal has shown no key

    # -- letting in -------------------------------------------------------------------------------------------------------

    async def _prove_presence(self, channel: SealedChannel) -> None:
        """The client's first record, where its handshake alone could have been recorded. Raises HandshakeFailed."""
        if self._role is Role.INITIATOR:
            if self._can_answer:
                await channel.say(Empty())
            return
        limits = self._limits
        try:  # one that cannot say nothing proves itself by what its user says
            async with asyncio.timeout(limits.handshake if self._can_answer else limits.person):
                await channel.hear(limits.message + channel.overhead)
        except TimeoutError:
            raise TooSlow("The other side did not prove in time that it is there: its handshake may be a recording.") from None
        except Tampered as error:
            raise HandshakeFailed("The other side's first record does not open: its handshake may be a recording.") from error

    async def _be_let_in(self, channel: SealedChannel) -> None:
        """Wait for the server's first record. Raises what the server says against it, and HandshakeFailed."""
        try:
            try:
                async with asyncio.timeout(self._limits.handshake):
                    return await channel.hear()
            except TimeoutError:
                self._say("The server has not let you in yet: perhaps a person there is asked. Waiting.")
            async with asyncio.timeout(self._limits.person):
                await channel.hear()
        except TimeoutError:
            raise TooSlow("The server neither let you in nor refused you.", "Try again later.") from None
        except Tampered as error:
            raise HandshakeFailed("The server's first record does not open: it was changed on the way.") from error
        except HandshakeFailed as error:
            if not channel.over or isinstance(error, Refused | Busy):
                raise
            secret = " Perhaps the two sides do not have the same secret." if self._agreed else ""
            raise HandshakeFailed(
                f"The server closed the connection instead of letting you in.{secret}", "Ask its owner what it says about you."
            ) from error

    async def _say_why(self, channel: SealedChannel, io: FrameHandshakeIO, refusal: ChatError) -> None:
        """Tell a client that is not let in why, and give it a moment to read that."""
        reason = CloseReason.BUSY if isinstance(refusal, Busy) else CloseReason.REFUSED
        told = refusal.told if isinstance(refusal, HandshakeFailed) else Refused().told
        with suppress(TimeoutError, ChatError):
            async with asyncio.timeout(self._limits.goodbye):
                await channel.say(Close(reason=reason, sentence=told))
                self._stream.finish()
                await io.closed()

    async def _verify(self, channel: SealedChannel, secrets: SessionSecrets) -> None:
        self.approved, self._verifying = False, True  # from here on, being kept waiting is not why anything goes wrong
        for auth in sorted(self._stack.auths, key=lambda auth: auth.name):  # in the same order on both sides
            if self._identity is None:
                continue
            peer = self._peer(self._identity, secrets.binding(auth.name))
            try:
                async with asyncio.timeout(self._limits.handshake) as self._clock:
                    await self._consult(auth, auth.verify(channel, peer))
            except TimeoutError:
                raise TooSlow(
                    f"The other side did not answer the authenticator `{auth.name}` in time.",
                    told=f"This server uses the authenticator `{auth.name}`, and your side did not answer it in time.",
                ) from None
            except RemoteError as error:
                raise counted(error) from error.__cause__

    @staticmethod
    async def _consult(auth: Authenticator, answer: Awaitable[T]) -> T:
        try:
            return await answer
        except LocalError as error:
            if error.exit_code is Exit.FAILED:  # a file that cannot be read or written, say: then nothing was checked
                raise Refused(str(error), error.hint) from error
            raise
        except ChatError:
            raise
        except Exception as error:  # an error in a check is a refusal
            raise BrokenPlugin(
                f"The authenticator `{auth.name}` raised {type(error).__name__}, so the other side was refused."
            ) from error

    def _peer(self, identity: Identity, binding: bytes = b"") -> Peer:
        return Peer(self._role, self._address, identity, partial(self._confirm, identity), binding, self._say)

    def _say(self, sentence: str) -> None:
        self._notice(clean(sentence))

    async def _confirm(self, identity: Identity, question: str, otherwise: str) -> bool:
        ask = self._stack.ui.question_queue.ask
        about = {"address": clean(self._address), "fingerprint": identity.fingerprint}
        with self._pause(None):
            asking = asyncio.ensure_future(ask(clean(question), clean(otherwise), **about))
            try:
                self.approved = await self._unless_gone(asking)
            finally:
                await _cancelled(asking)
            return self.approved

    async def _unless_gone(self, asking: "asyncio.Future[bool]") -> bool:
        """The answer. Raises HandshakeFailed when the other side disconnects first, which withdraws the question.

        A client's answer about a key that it meets is of use as long as the server is there, since it connects again.
        """
        assert self._io is not None
        io = self._io
        await _first(asking, io.wait_for_end(may_talk=not self._verifying))
        if asking.done():
            return asking.result()
        if self._is_there and not self._verifying:
            if await _first(asking, self._is_there()):
                self._say(NOT_WAITING)
                return await asking
            if asking.done():
                return asking.result()
        raise Withdrawn if io.over else Withdrawn(TOO_EARLY)

    def _thinking(self) -> AbstractContextManager[None]:
        return self._pause(self._loop.time() + self._limits.person)

    @contextmanager
    def _pause(self, until: float | None) -> Iterator[None]:
        """People may think longer than peers: the clock stands still, though not beyond `until`."""
        clock = self._clock
        assert clock is not None
        left = (clock.when() or 0) - self._loop.time()
        clock.reschedule(until)
        try:
            yield
        finally:
            if not clock.expired():
                clock.reschedule(self._loop.time() + left)


async def _first(asking: "asyncio.Future[bool]", other: Coroutine[Any, Any, T]) -> T | None:
    """What `other` comes to, or None if the question is answered first."""
    task = asyncio.ensure_future(other)
    try:
        await asyncio.wait((asking, task), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        await _cancelled(task)


async def _cancelled(task: "asyncio.Future[Any]") -> None:
    """Cancel it and wait until it has ended."""
    task.cancel()
    await asyncio.wait((task,))


def counted(error: RemoteError) -> RemoteError:
    """A fault without an exit code counts as a failed handshake."""
    return HandshakeFailed(str(error), error.hint) if error.exit_code is Exit.FAILED else error


def is_local(peer: str) -> bool:
    """Whether a peer is on this machine, by its address as a stream shows it: there one user may well be both ends."""
    return _is_loopback(peer.rpartition(":")[0].strip("[]")) or "/" in peer or peer.startswith("memory:")


@lru_cache(1024)
def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return not host
