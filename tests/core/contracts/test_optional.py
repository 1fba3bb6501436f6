"""What a layer may offer besides its contract, and what happens where it does not."""

from collections.abc import Callable, Sequence

from plytalk.core.contracts.batch_methods import EncodesEach, SealsEach, SendsEach
from plytalk.core.contracts.optional import (
    HasVariants,
    KeepsKeys,
    KnowsPlaces,
    NamesHost,
    NamesSteps,
    Prepares,
    Releases,
    RevokesKeys,
    SingleUse,
    prepare,
    steps_of,
)
from plytalk.core.contracts.peers import Role
from plytalk.core.io.asyncio_stream import AsyncioStream
from plytalk.core.io.memory_stream import MemoryStream
from plytalk.plugins.authenticators.code import Code
from plytalk.plugins.authenticators.known_hosts import KnownHosts
from plytalk.plugins.authenticators.words import Words
from plytalk.plugins.ciphers.noise import NoiseTransport
from plytalk.plugins.features.lan import Lan
from plytalk.plugins.features.log import Log
from plytalk.plugins.framers.raw import Raw
from plytalk.plugins.framers.typed import Typed
from plytalk.plugins.handshakes.none import NoHandshake
from plytalk.plugins.handshakes.plytalk1 import Plytalk1
from plytalk.plugins.handshakes.rsa import RsaOaep
from plytalk.testing.parts import GivenKeys, Nowhere, PlainWords


class Early(Nowhere):
    """Prepares."""

    name = "early"

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        return [f"{role.value} {secret('Name: ')}"]


class Spelled(GivenKeys):
    """Names its messages."""

    name = "spelled"
    steps = {b"K": "key"}


async def test_a_layer_prepares_where_it_can_and_others_say_nothing() -> None:
    assert await prepare(Early(), Role.INITIATOR, lambda prompt: "alice") == ["client alice"]
    assert await prepare(Nowhere(), Role.INITIATOR, lambda prompt: "alice") == ()


def test_messages_of_a_handshake_have_names_where_it_gives_them() -> None:
    assert steps_of(NoHandshake()) == {}
    assert steps_of(Spelled()) == {b"K": "key"}


def test_the_layers_that_offer_something_are_found_by_it() -> None:
    for offers, layer, other in (
        (Prepares, RsaOaep(), NoHandshake()),
        (Releases, Log, Code),
        (NamesHost, Lan, Log),
        (NamesSteps, RsaOaep, NoHandshake),
        (HasVariants, Plytalk1, RsaOaep),
        (KeepsKeys, KnownHosts, Words),
        (RevokesKeys, KnownHosts, Words),
        (SingleUse, Code, Words),
        (KnowsPlaces, Code, Words),
        (SealsEach, NoiseTransport, PlainWords),
        (EncodesEach, Typed, Raw),
        (SendsEach, AsyncioStream, MemoryStream),
    ):
        assert isinstance(layer, offers), (layer, offers)  # type: ignore[arg-type]
        assert not isinstance(other, offers), (other, offers)  # type: ignore[arg-type]
