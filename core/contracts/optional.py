"""What a layer may offer besides its contract: a Protocol of one or two methods for each, found by `isinstance`.

None of them is required. Whatever uses one does without where a layer does not have it.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.items import Item
from plytalk.core.contracts.layer import Failed, FrameKind, Layer
from plytalk.core.contracts.peers import Identity, Login, Role

# -- before the first conversation, and after the last --------------------------------------------------------------------


@runtime_checkable
class Prepares(Protocol):
    """A layer that loads keys or checks files first. Not for framers, ciphers and messages, which conversations create."""

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        """Called once, before the first conversation of this end. Gives sentences for the user.

        `secret(prompt)` asks for a passphrase, and raises UnknownPeer where nobody can be asked.
        """


@runtime_checkable
class AsksWords(Protocol):
    """A `secret` that can also ask for something that may be seen while it is typed, and that consists of known words."""

    def ask_words(self, prompt: str, complete: Callable[[str], Sequence[str]], fault: Callable[[str], str]) -> str:
        """What is typed, once nothing is wrong with it; off a terminal, the first line of standard input as it is.

        `complete(typed)` gives what the last word of it can become, `fault(typed)` a sentence about what is wrong, empty for
        nothing. Raises UnknownPeer where nobody answers.
        """


@runtime_checkable
class Releases(Protocol):
    """A feature that holds something open."""

    async def release(self) -> None:
        """Called once, when this end is done: close what `ready` opened."""


async def prepare(layer: Layer, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
    """Let a layer prepare, if it wants to. Gives its sentences for the user."""
    return await layer.ready(role, secret) if isinstance(layer, Prepares) else ()


# -- for a trace -----------------------------------------------------------------------------------------------------------
#
# What the bytes of a message are: `DescribesBytes` in spans.py.


@runtime_checkable
class NamesSteps(Protocol):
    """A handshake that names its messages by the kind of their frames."""

    steps: ClassVar[Mapping[FrameKind, str]]


def steps_of(layer: Layer) -> Mapping[FrameKind, str]:
    """The names of a handshake's messages."""
    return layer.steps if isinstance(layer, NamesSteps) else {}


# -- for the lab -----------------------------------------------------------------------------------------------------------


@runtime_checkable
class HasVariants(Protocol):
    """A handshake whose options change what it gives."""

    variants: ClassVar[Mapping[str, Mapping[str, Any]]]
    """Options worth their own row in the lab's matrix, by a short name; empty for none."""


@runtime_checkable
class KeepsKeys(Protocol):
    """An authenticator that can be told beforehand which key is right: the lab attacks it with one that was."""

    @classmethod
    def knowing(cls, key: Identity, folder: Path) -> Mapping[str, Any]:
        """The options by which it lets this key pass; what files they name are in the folder."""


@runtime_checkable
class RevokesKeys(KeepsKeys, Protocol):
    """An authenticator that can also be told that a key which it knows is not right any more."""

    @classmethod
    def revoking(cls, key: Identity, folder: Path) -> Mapping[str, Any]:
        """The same for a key that is to be refused from now on."""


@runtime_checkable
class RewritesText(Protocol):
    """An attack that can replace words in what it reads."""

    def rewrite(self, rules: Mapping[str, str]) -> None:
        """From now on replace each of these words by the other."""


@runtime_checkable
class Seedable(Protocol):
    """A handshake that can do without chance, so that its test vectors can be made and repeated.

    For the lab alone: anyone who knows the seed knows every secret.
    """

    def seeded(self, draw: Callable[[str, int], bytes]) -> Handshake:
        """The same handshake, ready for use, without files and clock. Every random byte comes from `draw`, called with what the
        bytes are for, and how many.
        """


@runtime_checkable
class HasModel(Protocol):
    """A handshake that can be written down as a model for Verifpal, which looks for attacks on it."""

    def verifpal_model(self, known: Collection[Role], agrees: bool) -> str:
        """The model. `known` are the roles whose long-lived key the other side has beforehand; `agrees` says that both sides have
        a pre-shared key.
        """


# -- for a server ----------------------------------------------------------------------------------------------------------


@runtime_checkable
class NamesHost(Protocol):
    """A feature that knows where a server is to listen where nobody said."""

    def usual_host(self) -> str:
        """The host. Raises ChatError where there is none."""


@runtime_checkable
class Opens(Protocol):
    """A stream that has to open first, which a server waits for before the handshake. `peer` may be another afterwards."""

    async def opened(self) -> None:
        """Wait until it is done. Raises what went wrong in it, as a ChatError; Answered where nothing did and nothing follows."""


@runtime_checkable
class ServesPage(Protocol):
    """A transport whose listeners serve a web page, besides what they carry."""

    def serve_instead(self, files: Any) -> None:
        """Serve what `files.answer(request)` gives, and not its page. Called before it listens."""

    def urls_at(self, address: str) -> tuple[str, str]:
        """Of a listener with this address: the URL of the page, for a browser, and that by which `chat connect` reaches it."""


@runtime_checkable
class KnowsPeer(Protocol):
    """A stream that knows, once it is open, who the peer is, as over ssh. Until then it may wait for the peer's person."""

    login: Login
    """The name and the key of the peer; empty while the stream opens."""

    def judge_logins(self, judge: Callable[[Identity | None], Awaitable[bool]]) -> None:
        """Let in only whom `judge` lets in, with this key or without one. A server calls it before the opening goes on."""


def login_of(stream: object) -> Login | None:
    """The login of a stream that knows its peer. An attribute is found sooner than a Protocol is checked."""
    return getattr(stream, "login", None)


@runtime_checkable
class AdmitsKeys(Protocol):
    """An authenticator with a list of keys, to which an operator can add one."""

    def check_admit(self, key: str, name: str) -> None:
        """Raises what `admit` would raise, and changes nothing: called for every list before any of them changes. May block."""

    def admit(self, key: str, name: str) -> str:
        """Let a key (`TYPE BASE64`) in from now on; a sentence for the person who asked. May block."""


@runtime_checkable
class KnowsPlaces(Protocol):
    """An authenticator that has to know where the server can be reached."""

    def listening(self, addresses: Sequence[str]) -> Sequence[str]:
        """Called once, when the server listens at all its doors: their addresses. Gives sentences for the user."""


def listening(layer: Layer, addresses: Sequence[str]) -> Sequence[str]:
    """Tell a layer where its server listens, if it wants to know. Gives its sentences for the user."""
    return layer.listening(addresses) if isinstance(layer, KnowsPlaces) else ()


@runtime_checkable
class SingleUse(Protocol):
    """An authenticator that can be used up, as a one-time code can."""

    @property
    def spent(self) -> str:
        """Why nobody can pass any more, as a sentence; empty while peers can. A server that reads it ends."""


@runtime_checkable
class Remembers(Protocol):
    """An authenticator that counts what its peers do, such as wrong guesses."""

    remembers: bool
    """Whether it keeps this across restarts. Only `chat serve` sets it."""


# -- many frames of one conversation ----------------------------------------------------------------------------------------
#
# A batch form gives what one call for each would give, in order. It is used for two and more. Where a call would raise, it
# raises, having changed nothing: then each is called for itself.


@runtime_checkable
class CipherBatch(Protocol):
    """A cipher that seals and opens many in a faster loop than one call for each."""

    def seal_batch(self, plaintexts: Sequence[bytes]) -> list[bytes]:
        """`seal` for each."""

    def open_batch(self, sealed: Sequence[bytes]) -> list[bytes]:
        """`open` for each."""


@runtime_checkable
class FramerBatch(Protocol):
    """A framer that encodes and cuts many frames at once."""

    def encode_batch(self, kind: FrameKind, payloads: Sequence[bytes]) -> list[bytes]:
        """`encode` for each."""

    def cut_batch(self, kind: FrameKind, most: int) -> list[bytes]:
        """Take the payloads of the next complete frames, up to one of another kind, which stays: one at least, at most `most`.

        What `frames` would raise is raised where it comes first; behind other frames it stays for the next call.
        """


@runtime_checkable
class MessagesBatch(Protocol):
    """Messages that read many plaintexts at once."""

    def unpack_batch(self, plaintexts: Sequence[bytes]) -> list[Item]:
        """All that `unpack` gives for each, in one list."""


# -- the same for many conversations ----------------------------------------------------------------------------------------


@runtime_checkable
class SealsEach(Protocol):
    """A cipher that seals one plaintext for many conversations in a faster loop than one call for each."""

    @staticmethod
    def seal_each(ciphers: Sequence[Any], plaintext: bytes, failed: Failed) -> list[bytes]:
        """`seal` with each of many of this class. Where one raises, its place is empty; `failed` learns its number and why."""


@runtime_checkable
class EncodesEach(Protocol):
    """A framer that encodes a payload for each of many conversations at once."""

    @staticmethod
    def encode_each(framers: Sequence[Any], kind: FrameKind, payloads: Sequence[bytes], failed: Failed) -> list[bytes]:
        """`encode` with each of many of this class: see `SealsEach`."""


@runtime_checkable
class SendsEach(Protocol):
    """A stream of a kind that can send over many at once."""

    @staticmethod
    def send_each(streams: Sequence[Any], pieces: Sequence[bytes], failed: Failed) -> list[int]:
        """`send` a piece over each of many of this class: see `SealsEach`. Gives the numbers of those that are full."""


BATCH_FORMS = {
    "seal_batch": "seal", "open_batch": "open", "encode_batch": "encode", "cut_batch": "frames", "unpack_batch": "unpack",
    "seal_each": "seal", "encode_each": "encode", "send_each": "send",
}  # fmt: skip
"""The methods that take the place of many calls, and of which. A layer that is traced offers none, so each call is traced."""
