"""The contracts: what layers say of themselves, and what they do when they say nothing."""

import inspect
from itertools import takewhile

import pytest

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import UnknownPeer
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.items import Close
from plytalk.core.contracts.kinds import KINDS
from plytalk.core.contracts.layer import Layer, Option
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Identity, Peer, Role
from plytalk.core.contracts.ui import Ui
from plytalk.testing import RecordingUi, stack_of
from plytalk.testing.parts import Nowhere, PlainWords


def test_an_option_reaches_its_layer_under_a_name_that_python_takes() -> None:
    assert Option("rsa-key", "A file.").keyword == "rsa_key"


def test_a_summary_is_the_docstring_s_first_line() -> None:
    class Long(Nowhere):
        """One line.

        And more of them.
        """

        name = "long"

    assert Long.summary() == "One line."
    assert type("Silent", (Nowhere,), {"name": "silent", "__doc__": None}).summary() == "silent"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "feature"])
def test_every_contract_shows_a_layer_that_one_can_copy(kind: str) -> None:
    contract = KINDS[kind]
    assert contract.kind == kind
    lines = ("class " + inspect.getdoc(contract).partition("\nclass ")[2]).splitlines()  # type: ignore[union-attr]
    body = "\n".join([lines[0], *takewhile(lambda line: not line or line.startswith("    "), lines[1:])])
    assert "name = " in body
    assert compile(body, kind, "exec")


async def test_without_being_asked_nobody_says_yes() -> None:
    class Mute(RecordingUi):
        """Cannot ask."""

        name = "mute"
        answer = Ui.answer

    with pytest.raises(UnknownPeer, match=r"Trust it\? Nobody can be asked here.") as failure:
        await Mute().question_queue.ask("Trust it?", "--yes")
    assert failure.value.hint == "--yes"


async def test_what_a_layer_does_not_define_does_nothing() -> None:
    stack = stack_of()
    assert await prepare(stack.transport, Role.INITIATOR, lambda prompt: prompt) == ()
    assert Nowhere.configured({"anything": 1}) is Nowhere
    assert PlainWords(True).prepare(" as typed ") == " as typed "
    assert [*PlainWords(True).pack([Close()])] == [b"exit"]

    class Nothing(Authenticator):
        """Judges nothing by itself."""

        name = "nothing"

    peer = Peer(Role.INITIATOR, "here", Identity("test", b"key"), RecordingUi().question_queue.ask)
    assert await Nothing().check(peer) is None
    assert issubclass(Feature, Layer)
