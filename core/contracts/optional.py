"""Optional parts of a layer: a Protocol of one or two methods for each, found by `isinstance`.

None of them is required: the program works without each of them.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.layer import FrameKind, Layer
from plytalk.core.contracts.peers import Identity, Login, Role

# -- before the first conversation, and after the last --------------------------------------------------------------------


@runtime_checkable
class Prepares(Protocol):
    """A layer that loads keys or checks files first. Not for framers, ciphers and messages, which each conversation creates."""

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        """Called once, before the first conversation of this end. Returns sentences for the user. `secret(prompt)` asks for a
        passphrase, and raises UnknownPeer if nobody can be asked.
        """


@runtime_checkable
class AsksWords(Protocol):
    """A `secret` that can also ask for known words, which are shown while they are typed."""

    def ask_words(self, prompt: str, complete: Callable[[str], Sequence[str]], fault: Callable[[str], str]) -> str:
        """Return what was typed, once nothing is wrong with it; without a terminal, the first line of standard input.
        `complete(typed)` returns completions of the last word, `fault(typed)` a sentence about what is wrong, or nothing. Raises
        UnknownPeer if nobody answers.
        """


@runtime_checkable
class Releases(Protocol):
    """A feature that keeps something open."""

    async def release(self) -> None:
        """Close what `ready` opened. Called once, when this end is done."""


async def prepare(layer: Layer, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
    """Prepare a layer, if it needs that. Return its sentences for the user."""
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
    """An authenticator that can be told in advance which key is right. The lab attacks it in this state."""

    @classmethod
    def knowing(cls, key: Identity, folder: Path) -> Mapping[str, Any]:
        """Return options with which it accepts this key. The files that they name are in the folder."""


@runtime_checkable
class RevokesKeys(KeepsKeys, Protocol):
    """An authenticator that can also be told that a key is revoked."""

    @classmethod
    def revoking(cls, key: Identity, folder: Path) -> Mapping[str, Any]:
        """Return options with which it refuses this key."""


@runtime_checkable
class RewritesText(Protocol):
    """An attack that can replace words in what it reads."""

    def rewrite(self, rules: Mapping[str, str]) -> None:
        """Replace each of these words by the other from now on."""


@runtime_checkable
class Seedable(Protocol):
    """A handshake that can run deterministically, so that test vectors can be made and repeated. For the lab alone: anyone who
    knows the seed knows every secret.
    """

    def seeded(self, draw: Callable[[str, int], bytes]) -> Handshake:
        """Return the same handshake, ready for use, without files or a clock. It gets all random bytes from `draw`, which it
        calls with their purpose and their number.
        """


@runtime_checkable
class HasModel(Protocol):
    """A handshake that has a model for Verifpal, which searches for attacks on it."""

    def verifpal_model(self, known: Collection[Role], agrees: bool) -> str:
        """Return the model. `known` are the roles with a long-lived key that the other side has in advance; `agrees` says that
        both sides have a pre-shared key.
        """


# -- for a transport -------------------------------------------------------------------------------------------------------


@runtime_checkable
class ChecksOptions(Protocol):
    """A transport with options that have an effect at some places only."""

    def check_given(self, place: str, given: Collection[str]) -> None:
        """Raise Usage if one of these options, by keyword, has no effect at this place. They are those that the user gave for
        this place: what a config file or the environment sets is for all places, and may have no effect.
        """


# -- for a server ----------------------------------------------------------------------------------------------------------


@runtime_checkable
class NamesHost(Protocol):
    """A feature that chooses the host to listen on if the user names none."""

    def usual_host(self) -> str:
        """Return the host. Raises ChatError if there is none."""


@runtime_checkable
class Opens(Protocol):
    """A stream with an opening, which a server waits for before the handshake. `peer` may change in the opening."""

    async def opened(self) -> None:
        """Wait until it is done. Raises a ChatError if it fails, and Answered if it succeeds and no conversation follows."""


@runtime_checkable
class ServesPage(Protocol):
    """A transport with listeners that also serve a web page."""

    def serve_instead(self, files: Any) -> None:
        """Serve what `files.answer(request)` returns in place of the page. Called before it listens."""

    def urls_at(self, address: str) -> tuple[str, str]:
        """Return two URLs of a listener with this address: that of the page, for a browser, and the one for `chat connect`."""


@runtime_checkable
class KnowsPeer(Protocol):
    """A stream that knows who the peer is once it is open, as over ssh. Its opening may wait for the person at the peer."""

    login: Login
    """The name and the key of the peer; None while the stream opens."""

    def judge_logins(self, judge: Callable[[Identity | None], Awaitable[bool]]) -> None:
        """Let in only peers that `judge` accepts, with a key or without one. A server calls this before the opening continues."""


def login_of(stream: object) -> Login | None:
    """Return the login of a stream that knows its peer. Looking for the attribute is faster than `isinstance` with a Protocol."""
    return getattr(stream, "login", None)


@runtime_checkable
class AdmitsKeys(Protocol):
    """An authenticator with a list of keys that an operator can extend."""

    def check_admit(self, key: str, name: str) -> None:
        """Raise what `admit` would raise, and change nothing. Called for every list before any of them changes. May block."""

    def admit(self, key: str, name: str) -> str:
        """Add a key (`TYPE BASE64`) to the list. Return a sentence for the person who asked. May block."""


@runtime_checkable
class KnowsPlaces(Protocol):
    """An authenticator that needs to know where the server can be reached."""

    def listening(self, addresses: Sequence[str]) -> Sequence[str]:
        """Called once, with the addresses of all doors, when the server listens at them. Returns sentences for the user."""


def listening(layer: Layer, addresses: Sequence[str]) -> Sequence[str]:
    """Tell a layer where its server listens, if it wants to know. Return its sentences for the user."""
    return layer.listening(addresses) if isinstance(layer, KnowsPlaces) else ()


@runtime_checkable
class SingleUse(Protocol):
    """An authenticator that can be used up, such as a one-time code."""

    @property
    def spent(self) -> str:
        """Return why nobody can pass any more, as a sentence; empty while peers can. The server then ends."""


@runtime_checkable
class Remembers(Protocol):
    """An authenticator that counts what its peers do, such as wrong guesses."""

    remembers: bool
    """Whether it keeps its counts across restarts. Only `chat serve` sets it."""
