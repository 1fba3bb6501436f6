"""What the layers' options do to a stack: whose they are, which layers they choose, and what is refused in words."""

from pathlib import Path

import click
import pytest
from strangers import good, plant

from plytalk.api.choice import Choice, resolve, with_configuration, with_options
from plytalk.cli.main import chat
from plytalk.cli.stacks import LayerName, StackCommand, click_option, layer_options
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import BrokenPlugin, Refused, Usage
from plytalk.core.contracts.kinds import KINDS, REPEATABLE
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Role
from plytalk.core.registry.registry import Registry

KEY, OTHER = "SHA256:" + "A" * 43, "SHA256:" + "B" * 43


def choice_of(*arguments: str, role: Role | None = None, settings: str | None = None, tmp_path: Path | None = None) -> Choice:
    """What a command makes of its arguments and a config file."""
    kept: list[Choice] = []

    @layer_options
    def callback(choice: Choice) -> None:
        kept.append(choice)

    command = StackCommand("try", callback=callback, params=callback.__click_params__[::-1], role=role)  # type: ignore[attr-defined]
    if settings is not None and tmp_path is not None:
        (tmp_path / "config.toml").write_text(settings)
        arguments = ("--config", str(tmp_path / "config.toml"), *arguments)
    command.main(list(arguments), standalone_mode=False)
    return kept[0]


def names(choice: Choice, kind: str) -> list[str]:
    return [layer.name for layer in choice.classes.get(kind, [])]


# -- authenticators that are chosen by nobody, by an option, or by a name


def test_a_client_remembers_servers_and_a_server_lets_everybody_in_unless_told() -> None:
    assert names(choice_of(role=Role.INITIATOR), "auth") == ["known-hosts"]
    assert names(choice_of(), "auth") == ["known-hosts"]
    assert names(choice_of(role=Role.RESPONDER), "auth") == []
    assert names(choice_of("--auth", "words", role=Role.INITIATOR), "auth") == ["words"]
    assert names(choice_of("--profile", "demo01", role=Role.INITIATOR), "auth") == []


def test_an_option_chooses_its_layer_once() -> None:
    assert names(choice_of("--peer", KEY), "auth") == ["peer"]
    assert names(choice_of("--peer", KEY, "--auth", "peer"), "auth") == ["peer"]
    assert names(choice_of("--peer", KEY, "--auth", "words"), "auth") == ["words", "peer"]
    assert names(choice_of("--name", "erin", "--room", "tea"), "feature") == ["rooms"]
    assert names(choice_of("--profile", "demo01", "--name", "erin"), "feature") == ["rooms"]


def test_an_option_that_chooses_nothing_needs_its_layer() -> None:
    with pytest.raises(click.UsageError, match="--backlog belongs to the feature `rooms`, which is not chosen"):
        choice_of("--profile", "demo01", "--backlog", "5")
    with pytest.raises(click.UsageError, match="--accept-new belongs to the auth `known-hosts`, which is not chosen"):
        choice_of("--auth", "words", "--accept-new")
    assert choice_of("--accept-new").options == {"accept_new": True}


def test_what_a_config_file_sets_for_a_layer_that_is_not_chosen_waits_for_stacks_that_have_it(tmp_path: Path) -> None:
    settings = "[options]\ntyping = true\naccept-new = true"
    assert not {"typing", "accept_new"} & set(choice_of("--profile", "demo01", settings=settings, tmp_path=tmp_path).options)
    assert choice_of(settings=settings, tmp_path=tmp_path).options == {"typing": True, "accept_new": True}
    with pytest.raises(click.UsageError, match="--typing belongs to the feature `rooms`"):
        choice_of("--profile", "demo01", "--typing", settings=settings, tmp_path=tmp_path)


def test_a_value_that_is_the_default_is_like_none() -> None:
    assert choice_of("--profile", "secure-chat", "--backlog", "0").options == {}


def test_a_profile_sets_how_its_console_looks_and_a_flag_overrides_it(tmp_path: Path) -> None:
    look = {"prompt": "You: ", "received": "[Peer]: "}
    assert choice_of("--profile", "demo02").options == choice_of("--cipher", "none").options == look
    assert choice_of("--profile", "demo02", "--prompt", "> ").options == look | {"prompt": "> "}
    assert choice_of("--profile", "demo02", "--ui", "jsonl").options == {}
    assert choice_of().options == choice_of("--profile", "secure-chat").options == {}
    settings = "[options]\nprompt = '> '"
    assert choice_of("--profile", "demo02", settings=settings, tmp_path=tmp_path).options == look
    assert choice_of("--cipher", "none", settings=settings, tmp_path=tmp_path).options == look | {"prompt": "> "}
    assert choice_of(settings=settings, tmp_path=tmp_path).options == {"prompt": "> "}


def test_options_reach_the_layers_with_their_types(tmp_path: Path) -> None:
    chosen = choice_of("--backlog", "5", "--history", "kept", "--name", "erin", "--reconnect")
    assert chosen.options == {"backlog": 5, "history": Path("kept"), "name": "erin", "reconnect": True}
    configured = choice_of(settings="[options]\nbacklog = 5\nhistory = 'kept'\nname = 'bob'\nreconnect = true", tmp_path=tmp_path)
    assert configured.options == {**chosen.options, "name": "bob"}
    assert choice_of("--name", "erin", settings="[options]\nname = 'bob'", tmp_path=tmp_path).options == {"name": "erin"}


def test_what_a_config_file_holds_for_the_other_end_alone_has_no_effect(tmp_path: Path) -> None:
    settings = "[options]\nbacklog = 5\nreconnect = true\nhistory = 'kept'\nname = 'bob'\nrate = 9"
    assert choice_of(role=Role.INITIATOR, settings=settings, tmp_path=tmp_path).options == {"reconnect": True, "name": "bob"}
    serving = choice_of(role=Role.RESPONDER, settings=settings, tmp_path=tmp_path)
    assert serving.options == {"backlog": 5, "history": Path("kept"), "name": "bob", "rate": 9}


def test_the_first_option_that_nobody_has_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match=r"sets the option 'backlgo', which.*Did you mean 'backlog'"):
        choice_of(settings="[options]\nzebra = 1\nbacklgo = 5\nyak = 2", tmp_path=tmp_path)


def test_an_option_of_a_layer_that_is_not_chosen_says_what_to_add() -> None:
    with pytest.raises(click.UsageError) as raised:
        choice_of("--rsa-key", "key.pem")
    assert raised.value.message == ("--rsa-key belongs to the handshake `rsa`, which is not chosen. Add --handshake rsa.")
    with pytest.raises(click.NoSuchOption, match="--nonsense"):
        choice_of("--nonsense")


def test_a_wrong_config_file_is_a_fault_of_usage(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="unknown key 'colour'"):
        choice_of(settings="colour = 'red'", tmp_path=tmp_path)


def test_the_layers_are_as_their_options_make_them() -> None:
    [handshake] = choice_of("--suite", "classical").classes["handshake"]
    assert "--suite include some that a future quantum computer can break" in handshake.caution
    [handshake] = choice_of().classes["handshake"]
    assert not handshake.caution


# -- clashes, and layers that break


class Hosting(Cipher):
    """A cipher with an option that a command has."""

    name = "hosting"
    options = (Option("host", "Where."), Option("cold", "Whether it is."))


@pytest.mark.parametrize("taken", ["host", "help", "cold"])
def test_an_option_that_is_taken_is_the_plugins_fault(taken: str) -> None:
    class Clashing(Cipher):
        name = "clashing"
        options = (Option("free", "Nobody has it."), Option(taken, "Somebody has it."))

    command = StackCommand("try", params=[click.Option(["--host"]), click.Option(["--cold/--warm"])])
    context = click.Context(command)
    context.meta["layers"] = [Clashing]
    chosen = Choice(Registry(), {"cipher": [Clashing]}, None, {})
    with pytest.raises(BrokenPlugin, match=f"The cipher `clashing` brings the option --{taken}, which is taken"):
        command._refuse_clashes(context, chosen)
    context.meta["layers"] = [Registry().layer("handshake", "rsa"), Clashing]
    command._refuse_clashes(context, Choice(Registry(), {}, None, {}))  # one that nobody chose is in nobody's way
    assert [layer.name for layer in context.meta["layers"]] == ["rsa"]


def made(what: object) -> type[Cipher]:
    def configured(cls: type, options: object) -> object:
        if isinstance(what, BaseException):
            raise what
        return what

    return type("Made", (Cipher,), {"name": "made", "configured": classmethod(configured)})


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (ValueError("it rains"), "it raised ValueError"),
        (None, "it gives NoneType, and no layer"),
        ("cipher", "it gives str, and no layer"),
        (Hosting, "it gives ABCMeta, and no layer"),
    ],
    ids=["raises", "None", "text", "another layer"],
)
def test_a_layer_that_cannot_be_configured_is_named(what: object, words: str) -> None:
    with pytest.raises(BrokenPlugin, match=f"The cipher `made` cannot be configured: {words}"):
        with_configuration(made(what), {})


def test_what_a_layer_says_of_its_options_is_said_as_it_is() -> None:
    with pytest.raises(Refused, match="no such suite"):
        with_configuration(made(Refused("There is no such suite.")), {})
    assert with_configuration(Hosting, {}) is Hosting


def test_the_options_of_layers_that_nobody_chose_are_there_when_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    plant(tmp_path, "plytalk-feature-poll", {"feature-poll": "raise ValueError('imported')"})
    plant(tmp_path, "plytalk-cipher-mine", {"cipher-mine": good("mine")})
    chosen = Choice(host := Registry(), resolve(host, {}, None, {}), None, {})
    for kinds in ((), REPEATABLE, KINDS):
        assert [problem.key for problem in host.problems] == (
            ["feature-poll"] if kinds == KINDS else []
        )  # nothing was imported before it was asked for
        offered = {(layer.kind, layer.name) for layer in with_options(chosen, kinds)}
        assert ("feature", "poll") not in offered  # it is broken
        assert (("auth", "peer") in offered) is bool(kinds)
        for name in ("aesgcm", "mine"):
            assert (("cipher", name) in offered) is (kinds == KINDS)
        assert ("cipher", "noise") in offered
        assert len(offered) == len(with_options(chosen, kinds))


CHOSEN_BY_AN_OPTION = """
from plytalk import Authenticator, Option, Property, hookimpl

class Mine(Authenticator):
    "Checks the other side."
    name = "mine"
    needs = {Property.PEER_KEY}
    gives = {Property.PEER_IDENTITY}
    options = (Option("mine", "The word.", chooses=True), Option("mine-loud", "Louder.", bool, False))

    def __init__(self, mine="", mine_loud=False): ...
    async def check(self, peer): ...

@hookimpl
def layers():
    return [Mine]
"""


def test_an_option_chooses_the_layer_of_any_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    plant(tmp_path, "plytalk-auth-mine", {"auth-mine": CHOSEN_BY_AN_OPTION})
    plant(tmp_path, "plytalk-auth-poll", {"auth-poll": "raise ValueError('imported')"})

    assert names(choice_of(), "auth") == ["known-hosts"]
    assert names(choice_of("--mine", "hello"), "auth") == ["mine"]
    with pytest.raises(click.UsageError, match="--mine-loud belongs to the auth `mine`, which is not chosen"):
        choice_of("--mine-loud")
    with pytest.raises(click.NoSuchOption):
        choice_of("--mine-quiet")


def test_options_as_click_has_them() -> None:
    path = click_option(Option("rsa-key", "A key.", Path, metavar="FILE"), None)
    assert (path.name, path.opts, path.metavar, path.hidden) == ("rsa_key", ["--rsa-key"], "FILE", False)
    assert path.type.convert("key.pem", None, None) == Path("key.pem")
    number = click_option(Option("backlog", "Events.", int, 0, role=Role.RESPONDER), Role.INITIATOR)
    assert (number.type, number.hidden, number.default) == (click.INT, True, None)
    flag = click_option(Option("reconnect", "Again.", bool, False, role=Role.RESPONDER), Role.RESPONDER)
    assert (flag.is_flag, flag.hidden, flag.default) == (True, False, None)
    assert click_option(Option("reconnect", "Again.", bool, False, role=Role.RESPONDER), Role.INITIATOR).hidden
    assert not click_option(Option("backlog", "Events.", int, role=Role.RESPONDER), None).hidden


def test_an_option_may_stand_without_a_value() -> None:
    assert choice_of("--lan", "--ui", "none").options["lan"] == "auto"
    assert choice_of("--lan", "eth0").options["lan"] == "eth0"
    assert "lan" not in choice_of().options


def test_the_names_of_layers_complete_from_their_beginning() -> None:
    completed = LayerName("cipher").shell_complete(click.Context(chat), click.Option(["--cipher"]), "aes")
    assert [item.value for item in completed] == ["aesgcm"]


@pytest.mark.parametrize("arguments", [("--cipher", "nonsense"), ("--cipher",)])
def test_a_wrong_layer_does_not_stop_completion(arguments: tuple[str, ...]) -> None:
    serve = chat.get_command(click.Context(chat), "serve")
    assert serve is not None
    context = serve.make_context("serve", list(arguments), resilient_parsing=True)
    assert ("choice" in context.params) is ("nonsense" not in arguments)


# -- what follows from the choice


@pytest.mark.parametrize(
    ("arguments", "settings", "port"),
    [
        ((), "", 7591),
        ((), "port = 9000", 9000),
        ((), "port = 9000\nprofile = 'secure-chat'", 9000),
        (("--profile", "secure-chat"), "port = 9000", 8000),
        (("--cipher", "aesgcm"), "", 8000),
        (("--messages", "trimmed"), "", 7591),
    ],
)
def test_the_port_is_the_profiles_then_the_config_files_then_that_of_the_layers(
    tmp_path: Path, arguments: tuple[str, ...], settings: str, port: int
) -> None:
    assert choice_of(*arguments, settings=settings, tmp_path=tmp_path).port == port


def test_a_pinned_key_takes_the_place_of_what_decides_when_nobody_chose() -> None:
    chosen = choice_of(role=Role.INITIATOR)
    chosen.pin(KEY)
    assert (names(chosen, "auth"), chosen.options) == (["peer"], {"peer": KEY})
    chosen.pin(KEY)
    assert names(chosen, "auth") == ["peer"]
    with pytest.raises(Usage, match=f"--peer names a different key than the stored one, {OTHER}"):
        chosen.pin(OTHER)
    both = choice_of("--auth", "words", "--auth", "known-hosts")
    both.pin(KEY)
    assert names(both, "auth") == ["peer", "words"]
    server = choice_of(role=Role.RESPONDER)
    server.pin(KEY)
    assert names(server, "auth") == ["peer"]


def test_guests_run_the_layers_of_their_chat_over_our_transport_and_screen() -> None:
    chosen = choice_of("--transport", "unix", "--ui", "jsonl")
    guest = chosen.guest("demo01")
    assert {kind: guest.names[kind] for kind in ("transport", "framer", "handshake", "cipher", "messages", "ui")} == {
        "transport": "unix", "framer": "raw", "handshake": "none", "cipher": "none", "messages": "trimmed", "ui": "jsonl",
    }  # fmt: skip
    assert chosen.guest("secure-chat").names["cipher"] == "aesgcm"
    with pytest.raises(Usage, match="plytalk1 is not an existing chat"):
        chosen.guest("plytalk1")


def test_a_stack_knows_the_profiles_that_come_with_plytalk() -> None:
    assert {profile.name for profile in choice_of().stack().known} == {"demo01", "demo02", "secure-chat", "plytalk1"}
