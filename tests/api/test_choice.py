"""What a program chooses: layers as objects beside those that are chosen by name."""

import pytest

from plytalk.api.choice import Choice, resolve
from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Peer, Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.registry import Registry


class Everybody(Authenticator):
    """Lets everybody in, and counts them."""

    name = "everybody"
    needs = {Property.PEER_KEY}
    options = (Option("loud", "Say who.", bool, False, chooses=True),)

    def __init__(self) -> None:
        self.seen = 0

    async def check(self, peer: Peer) -> None:
        self.seen += 1


def choice_with(auth: Authenticator) -> Choice:
    classes = resolve(registry := Registry(), {}, None, {}) | {"auth": [type(auth)]}
    return Choice(registry, classes, None, made={type(auth): auth})


def test_an_object_is_used_as_it_is_in_every_stack_that_is_made() -> None:
    given = Everybody()
    choice = choice_with(given)
    choice.take_options([], {}, {}, Role.INITIATOR)
    assert choice.stack().auths == choice.stack().auths == (given,)


def test_an_object_has_its_options_already() -> None:
    with pytest.raises(Usage, match=r"`everybody` is an object, which has its options already"):
        choice_with(Everybody()).take_options([Everybody], {"loud": True}, {}, None)
