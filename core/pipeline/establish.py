"""How a conversation opens: the handshake, and the authenticators that judge it.

    handshake -> [client: presence ->] authenticators -> [<- server: let in, or a goodbye that says why not]

Nothing fails open here. Every exception is a refusal; an authenticator that was chosen and never asked is a refusal; and whatever
went wrong, a peer that has not finished the handshake is told nothing: the connection closes.

What the authenticators do is in `authentication.py`, what they ask the user in `user_questions.py`, and how a client is let in or
told why not in `entrance.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from plytalk.core.contracts.blame import blame, blame_one, returned
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import (
    BrokenPlugin,
    Busy,
    ChangedPeer,
    ChatError,
    HandshakeFailed,
    LocalError,
    Refused,
    RemoteError,
    StackMismatch,
    TooSlow,
)
from plytalk.core.contracts.events import notify
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.items import Empty, Item
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.contracts.sealed_count import count_by_cipher
from plytalk.core.contracts.transport import Stream
from plytalk.core.pipeline.authentication import Authentication, counted
from plytalk.core.pipeline.entrance import Entrance
from plytalk.core.pipeline.handshake_io import FrameHandshakeIO
from plytalk.core.pipeline.sealed_channel import SealedChannel
from plytalk.core.pipeline.step_timer import StepTimer
from plytalk.core.pipeline.tracing import Tracer
from plytalk.core.pipeline.user_questions import IsThere, UserQuestions
from plytalk.core.stack.selection import Stack


class Established(Struct, frozen=True):
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


def admit_everybody(identity: Identity | None) -> None:
    """Let everybody in whom the authenticators let in."""


class OpeningCallbacks(Struct, frozen=True):
    """What an opening calls while it lasts.

    `turn` is awaited before each message of the peer is looked at, where handshakes take turns for the processor; `notice` tells
    the user about the peer, by default with the UI; `is_there` says whether a client that was cut off could connect again.
    """

    turn: Callable[[], Awaitable[None]] | None = None
    notice: Callable[[str], None] | None = None
    is_there: IsThere | None = None


NO_CALLBACKS = OpeningCallbacks()


class Establishment:
    """One attempt to open a conversation over a stream. `admit` is the server's final check of the client's identity."""

    def __init__(
        self,
        stack: Stack,
        stream: Stream,
        role: Role,
        address: str,
        limits: Limits,
        tracer: Tracer | None,
        admit: Admit = admit_everybody,
        callbacks: OpeningCallbacks = NO_CALLBACKS,
    ) -> None:
        self._stack, self._stream, self._role = stack, stream, role
        self._limits, self._tracer, self._admit, self._turn = limits, tracer, admit, callbacks.turn
        self._can_answer = Empty in stack.make_messages.layer.carries
        self._defers = self._can_answer and role is Role.RESPONDER
        self._timer = StepTimer()
        self._entrance = Entrance(stream, role, limits, self._can_answer)
        notice = callbacks.notice or partial(notify, stack.ui)
        self._user = UserQuestions(stack.ui, address, self._timer, notice, callbacks.is_there)
        if tracer:
            stack = replace(stack, auths=tuple(map(tracer.wrap_authenticator, stack.auths)))
        self._authentication = Authentication(stack, stream, role, address, self._user, self._entrance.show_refusal)

    @property
    def approved(self) -> bool:
        """Whether the user was asked about the other side's key and said yes, which may take longer than a server waits."""
        return self._user.approved

    async def run(self) -> Established:
        """Raises ChatError."""
        try:
            return await self._run()
        except ChatError:
            raise
        except BaseException as error:
            let_through(error)
            known = blame(error, self._stack.layers, "raised {} before the conversation.")
            said = f"A layer of {self._stack.line} raised {type(error).__name__} before the conversation."
            raise known or BrokenPlugin(said) from error
        finally:
            self._timer.forget()
            self._user.forget()

    async def _run(self) -> Established:
        framer = self._stack.framer()
        make_io: Callable[..., FrameHandshakeIO] = FrameHandshakeIO
        if self._tracer:
            framer, make_io = self._tracer.wrap_framer(framer), self._tracer.handshake_io(self._stack.handshake)
        agreement = next((auth.agrees for auth in self._stack.auths if auth.agrees), "")
        check, agree = self._authentication.check, self._authentication.agree
        io = make_io(framer, self._stream, check, agree, agreement, self._limits.unread, self._defers, self._turn)
        self._user.watch(io)
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
            messages = self._tracer.wrap_messages(messages, self._stack.features)
            cipher = self._tracer.wrap_cipher(cipher, messages)
        channel = SealedChannel(io, cipher, messages, partial(self._timer.pause, self._limits.person), self._role)
        try:
            await self._settle_or_say_why(io, channel, secrets)
        except BaseException:
            cipher.forget()
            raise
        return Established(io, framer, cipher, messages, self._authentication.identity, channel.items)

    async def _settle_or_say_why(self, io: FrameHandshakeIO, channel: SealedChannel, secrets: SessionSecrets) -> None:
        try:
            await self._settle(io, channel, secrets)
        except ChatError as refusal:
            self._entrance.show_refusal()
            if isinstance(refusal, HandshakeFailed | ChangedPeer) and self._defers and io.answers and not io.over:
                await self._entrance.say_why(channel, io, refusal)
            raise

    async def _settle(self, io: FrameHandshakeIO, channel: SealedChannel, secrets: SessionSecrets) -> None:
        """All that both sides have to agree on once they hold the same keys. Raises ChatError."""
        if io.refusal:
            raise io.refusal
        self._authentication.check_all_asked()
        if self._stack.handshake.first_record_proves:
            await self._entrance.prove_presence(channel)
        await self._authentication.verify(channel, secrets, self._timer, self._limits.handshake)
        if self._role is Role.RESPONDER and (refusal := self._admit(self._authentication.identity)):
            raise refusal
        if io.answers and self._can_answer:
            await self._entrance.let_in(channel, self._user.say, self._authentication.agreed)

    # -- the handshake ----------------------------------------------------------------------------------------------------

    async def _handshake(self, io: FrameHandshakeIO) -> SessionSecrets:
        handshake = self._stack.handshake
        talk = handshake.initiate if self._role is Role.INITIATOR else handshake.respond
        if self._tracer:
            self._tracer.tell("timer", f"The handshake may take {self._limits.handshake:g} seconds.")
        try:
            async with self._timer.limit(self._limits.handshake):
                watch = asyncio.get_running_loop().call_later(self._limits.first_byte, self._first_byte_is_due, io)
                try:
                    return self._secrets(await talk(io), talk.__name__)
                finally:
                    watch.cancel()
        except TimeoutError as error:
            if not self._timer.expired:
                raise self._fault(error) from error
            if not io.has_received:
                raise self._silence() from None
            raise TooSlow(f"The other side did not finish its handshake within {self._limits.handshake:g} seconds.") from None
        except RemoteError as error:
            if mismatch := self._stack.mismatch(io.first):
                raise mismatch from error
            if io.over and not io.has_received and self._role is Role.INITIATOR and handshake.speaks_first is Role.RESPONDER:
                raise self._other_stack("The other side closed the connection without a word.") from error
            raise counted(error) from error.__cause__
        except LocalError:
            raise
        except BaseException as error:
            let_through(error)
            raise self._fault(error) from error

    def _fault(self, error: BaseException) -> ChatError:
        return blame(error, self._stack.layers) or blame_one(error, self._stack.handshake)

    def _secrets(self, got: object, method: str) -> SessionSecrets:
        if not isinstance(got, SessionSecrets):
            raise returned(self._stack.handshake, method, got)
        for key in (got.send, got.receive):
            if not isinstance(key, bytes | bytearray):
                raise returned(self._stack.handshake, method, key)
        return got

    def _first_byte_is_due(self, io: FrameHandshakeIO) -> None:
        if not io.has_received:
            self._timer.expire()

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
