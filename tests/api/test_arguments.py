"""The layers and options that a program gives: by name, as classes and as objects, each with its type."""

from pathlib import Path
from typing import Any, get_type_hints

import pytest

from plytalk.api.arguments import ClientArguments, LayerArguments, ServerArguments, choose_layers
from plytalk.api.choice import Choice
from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import BrokenPlugin, ChatError, Usage
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.kinds import KINDS
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Peer, Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.registry import Registry
from plytalk.testing import RecordingUi
from plytalk.testing.parts import Unsealed

KEY = "SHA256:" + "A" * 43


class Guestbook(Authenticator):
    """Writes down who comes."""

    name = "guestbook"
    needs = {Property.PEER_KEY}
    options = (Option("page", "Which page.", int, 0),)

    def __init__(self, page: int = 0) -> None:
        self.page = page

    async def check(self, peer: Peer) -> None:
        """Everyone may come."""


class Rotated(Unsealed):
    """Each byte moved on by a key that both sides know."""

    name = "rotated"
    options = (Option("turns", "By how many.", int, 13),)

    def __init__(self, secrets: SessionSecrets, role: Role, turns: int = 13) -> None:
        super().__init__(secrets, role)
        self.turns = turns


def chosen(role: Role = Role.INITIATOR, profile: str | None = None, **arguments: Any) -> Choice:
    return choose_layers(RecordingUi(), role, profile, arguments)


def names(choice: Choice, *kinds: str) -> list[str]:
    return [layer.name for kind in kinds for layer in choice.classes.get(kind, [])]


def test_a_program_gets_the_stacks_that_the_command_line_gets() -> None:
    layers = ("framer", "handshake", "cipher", "messages", "auth", "feature")
    assert names(chosen(), *layers) == ["u16", "plytalk1", "noise", "records", "known-hosts", "rooms"]
    assert names(chosen(Role.RESPONDER), "auth", "feature") == ["rooms"]
    assert names(chosen(profile="demo02"), *layers) == ["length", "rsa", "aesgcm", "trimmed"]
    assert names(chosen(cipher="aesgcm", handshake="rsa"), *layers) == ["typed", "rsa", "aesgcm", "text"]
    assert names(chosen(peer=KEY, auth=["words"]), "auth") == ["words", "peer"]


def test_the_users_environment_and_config_file_have_no_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLYTALK_PROFILE", "demo01")
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    (tmp_path / "config.toml").write_text("cipher = 'none'")
    assert names(chosen(), "cipher") == ["noise"]


def test_layers_as_objects_and_as_classes() -> None:
    book = Guestbook(page=3)
    stack = chosen(auth=[book, "words"]).stack()
    assert stack.auths[0] is book
    assert stack.names["auth"] == "guestbook,words"
    [made] = chosen(auth=Guestbook, options={"page": 7}).stack().auths
    assert isinstance(made, Guestbook)
    assert made.page == 7
    cipher = chosen(cipher=Rotated, handshake="rsa", options={"turns": 5}).stack().cipher(SessionSecrets(), Role.INITIATOR)
    assert isinstance(cipher, Rotated)
    assert cipher.turns == 5


def test_two_choices_share_no_object() -> None:
    one, two = chosen(name="erin").stack(), chosen(name="bob").stack()
    assert not {id(layer) for layer in (one.ui, one.transport, one.handshake, *one.auths, *one.features)} & {
        id(layer) for layer in (two.ui, two.transport, two.handshake, *two.auths, *two.features)
    }


def test_none_is_like_leaving_it_out(tmp_path: Path) -> None:
    assert chosen(name=None, identity=None, reconnect=False).options == {}
    kept = chosen(identity=str(tmp_path / "key"), reconnect=True, options={"log-json": tmp_path / "log"}).options
    assert kept == {"identity": tmp_path / "key", "reconnect": True, "log_json": tmp_path / "log"}


class Nameless(Cipher):
    """A cipher without a name."""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"cipher": "aes"}, "There is no cipher called `aes`"),
        ({"cipher": Guestbook}, "cipher= takes the name of a layer, or a layer of that kind, not Guestbook"),
        ({"cipher": 5}, "cipher= takes the name of a layer, or a layer of that kind, not int"),
        ({"cipher": ["aesgcm", "none"]}, "A stack has one cipher, and cipher= gives 2"),
        ({"cipher": Rotated(SessionSecrets(), Role.INITIATOR)}, "Every connection makes its own cipher"),
        ({"auth": [Guestbook(), Guestbook()]}, "auth= gives two objects of the class Guestbook"),
        ({"cipher": Nameless}, "What cipher= gives cannot be used: the class Nameless has no name"),
        ({"auth": Guestbook(), "options": {"page": 2}}, "`guestbook` is an object, which has its options already"),
        ({"rsa_key": "key.pem"}, "rsa_key= belongs to the handshake `rsa`, which is not chosen"),
        ({"backlog": 5}, "--backlog is for `chat serve`"),
        ({"nmae": "erin"}, "No layer has an option nmae. Did you mean name=?"),
        ({"xyzzy": "erin"}, "No layer has an option xyzzy. `chat connect --help`"),
        ({"port": 7591}, "No layer has an option port. The address is the first argument"),
        ({"name": ""}, "name= is empty"),
        ({"identity": "a\0b"}, "The value of --identity has a null character in it"),
        ({"name": 5}, "name= takes a value of the type str, not int"),
        ({"reconnect": "yes"}, "reconnect= takes a value of the type bool, not str"),
        ({"identity": True}, "identity= takes a value of the type Path, not bool"),
    ],
)
def test_what_cannot_be_is_refused_in_words(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ChatError) as raised:
        chosen(**arguments)
    assert words in raised.value.sentence
    assert isinstance(raised.value, Usage | BrokenPlugin) or "no cipher" in words


def test_a_number_is_not_a_flag() -> None:
    with pytest.raises(Usage, match="backlog= takes a value of the type int, not bool"):
        chosen(Role.RESPONDER, backlog=True)


class Polls(Feature):
    """A feature with an option that no built-in layer has."""

    name = "polls"
    options = (Option("poll-time", "Seconds.", int, 60),)

    def __init__(self, poll_time: int = 60) -> None:
        self.poll_time = poll_time


def test_options_of_other_layers_go_by_their_names_on_the_command_line() -> None:
    stack = chosen(Role.RESPONDER, feature=Polls, options={"poll-time": 5}).stack()
    assert [feature.poll_time for feature in stack.features if isinstance(feature, Polls)] == [5]


def test_the_types_know_every_option_of_the_layers_that_come_with_plytalk() -> None:
    explicit = {"peer", "name", "room", "reconnect"}
    layers = [layer for layer in Registry().layers(KINDS) if layer.kind != "ui" and layer.__module__.startswith("plytalk.")]
    options = {option.keyword: option.role for layer in layers for option in layer.options if option.keyword not in explicit}
    both, client, server = (set(get_type_hints(one)) for one in (LayerArguments, ClientArguments, ServerArguments))
    assert both - set(options) == set(KINDS) - {"ui"} | {"options"}
    assert {name for name, role in options.items() if role is Role.RESPONDER} == server - both
    assert {name for name, role in options.items() if role is not Role.RESPONDER} == (both | client) & set(options)


def test_a_layer_that_is_made_already_may_have_any_constructor() -> None:
    class Counted(Feature):
        name = "counted"

        def __init__(self, first: int, *, second: str) -> None:
            self.made_with = first, second

    made = Counted(1, second="x")
    assert made in chosen(Role.RESPONDER, feature=made).stack().features
    with pytest.raises(BrokenPlugin, match="the constructor of the feature `counted` does not take what it is given"):
        chosen(Role.RESPONDER, feature=Counted)
