"""What the authenticators say about the other side: whether its key is right, and what they prove to each other.

Nothing fails open here. Every exception is a refusal, and so is an authenticator that was chosen and never asked.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from plytalk.core.contracts.authenticator import Authenticator, Channel
from plytalk.core.contracts.blame import blame_one, returned
from plytalk.core.contracts.errors import ChatError, Exit, HandshakeFailed, LocalError, Refused, RemoteError, TooSlow
from plytalk.core.contracts.handshake import HandshakeIO
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.peers import Identity, Peer, Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.transport import Stream
from plytalk.core.io.address import is_local
from plytalk.core.pipeline.step_timer import StepTimer
from plytalk.core.pipeline.user_questions import UserQuestions
from plytalk.core.stack.selection import Stack

T = TypeVar("T")


class Authentication:
    """All authenticators of a stack, in one attempt to open a conversation. `identity` is the key that they let pass."""

    def __init__(
        self, stack: Stack, stream: Stream, role: Role, address: str, user: UserQuestions, refused: Callable[[], None]
    ) -> None:
        """`address` is what the peer is known by here; `refused` is called when a key is refused."""
        self._stack, self._stream, self._role, self._address = stack, stream, role, address
        self._user, self._refused = user, refused
        self.identity: Identity | None = None
        self.agreed = False
        """Whether a pre-shared key went into the handshake."""

    # -- during the handshake ---------------------------------------------------------------------------------------------

    async def agree(self, io: HandshakeIO) -> bytes:
        """The pre-shared key."""
        key = b""
        for auth in (auth for auth in self._stack.auths if auth.agrees):
            key = await _consult(auth, auth.agree(io, self._role))
            if not isinstance(key, bytes):
                raise returned(auth, "agree", key)
        self.agreed = True
        return key

    async def check(self, identity: Identity) -> None:
        """Judge the key that the other side shows. Raises ChatError where it is not right."""
        if identity == self._stack.handshake.identity and not is_local(self._stream.peer):
            raise Refused(
                "The other side shows this side's own key: someone is sending our messages back, or the key was copied."
            )
        try:
            for auth in self._stack.auths:
                _pass(auth, "check", await _consult(auth, auth.check(self._peer(identity))))
        except ChatError:
            self._refused()
            raise
        self._user.check_presence()
        self.identity = identity  # not before: a handshake that swallows a refusal has shown no key

    # -- after the handshake ----------------------------------------------------------------------------------------------

    def check_all_asked(self) -> None:
        """Raises Refused for an authenticator that waited in vain."""
        for auth in self._stack.auths:
            if missing := self._missing(auth):
                raise Refused(
                    f"The handshake `{self._stack.handshake.name}` {missing}, so --auth {auth.name} was not used.",
                    HandshakeFailed.hint,
                    told="This server lets nobody in without a key, and your side showed none.",
                )

    def _missing(self, auth: Authenticator) -> str:
        """What an authenticator waited for in vain; empty for nothing. One that brings a key may do without the peer's."""
        if auth.agrees and not self.agreed:
            return "took no pre-shared key"
        if self.identity is None and (not auth.agrees or Property.PEER_KEY in auth.needs):
            return "showed no key of the other side"
        return ""

    async def verify(self, channel: Channel, secrets: SessionSecrets, timer: StepTimer, seconds: float) -> None:
        """Let each authenticator talk to its counterpart, for at most `seconds`. Raises ChatError."""
        self._user.begin_verifying()
        if self.identity is None:
            return
        for auth in sorted(self._stack.auths, key=lambda auth: auth.name):  # in the same order on both sides
            peer = self._peer(self.identity, secrets.binding(auth.name))
            try:
                async with timer.limit(seconds):
                    _pass(auth, "verify", await _consult(auth, auth.verify(channel, peer)))
            except TimeoutError:
                raise TooSlow(
                    f"The other side did not answer the authenticator `{auth.name}` in time.",
                    told=f"This server uses the authenticator `{auth.name}`, and your side did not answer it in time.",
                ) from None
            except RemoteError as error:
                raise counted(error) from error.__cause__

    def _peer(self, identity: Identity, binding: bytes = b"") -> Peer:
        return Peer(self._role, self._address, identity, partial(self._user.confirm, identity), binding, self._user.say)


async def _consult(auth: Authenticator, answer: Awaitable[T]) -> T:
    try:
        return await answer
    except LocalError as error:
        if error.exit_code is Exit.FAILED:  # a file that cannot be read or written, say: then nothing was checked
            raise Refused(str(error), error.hint) from error
        raise
    except ChatError:
        raise
    except BaseException as error:  # an error in a check is a refusal
        let_through(error)
        raise blame_one(error, auth, "raised {}, so the other side was refused.") from error


def _pass(auth: Authenticator, method: str, answer: object) -> None:
    """Returning means yes: one that returns anything, such as False, has not understood that, and lets nobody in."""
    if answer is not None:
        raise returned(auth, method, answer)


def counted(error: RemoteError) -> RemoteError:
    """A fault without an exit code counts as a failed handshake."""
    return HandshakeFailed(str(error), error.hint) if error.exit_code is Exit.FAILED else error
