"""The options of layers in a help text."""

from click.testing import CliRunner

from plytalk.cli.main import chat
from plytalk.cli.option_help import option_sections, whose_option
from plytalk.core.contracts.peers import Role
from plytalk.plugins.handshakes.noise import Noise
from plytalk.plugins.transports.command import CommandTransport
from plytalk.plugins.transports.tcp import Tcp
from plytalk.plugins.transports.tls import Tls
from plytalk.plugins.transports.unix import Unix


def test_what_several_layers_have_in_common_stands_once_under_all_their_names() -> None:
    one, two, three = ("--one", "First."), ("--two", "Second."), ("--two", "Another.")
    given = [(Tcp, one), (Unix, one), (Unix, two), (Noise, two), (Noise, three)]
    assert list(option_sections(given)) == [
        ("Options of the transports tcp and unix", [one]),
        ("Options of the transport unix and the handshake noise", [two]),
        ("Options of the handshake noise", [three]),
    ]


def test_no_option_stands_twice_in_the_help_of_a_server() -> None:
    shown = [line.split()[0] for line in CliRunner().invoke(chat, ["serve", "--help"]).output.splitlines() if line[:4] == "  --"]
    assert len(shown) > 50
    assert sorted(shown) == sorted(set(shown))


def test_an_option_that_does_not_belong_says_whose_it_is_and_whose_end() -> None:
    layers = [Tcp, Tls, CommandTransport]
    assert whose_option("--proxy", layers, Role.INITIATOR) == (
        "--proxy belongs to the transports tcp and tls, none of which is chosen. Add one with --transport."
    )
    assert whose_option("--proxy-command", layers, Role.INITIATOR) == (
        "--proxy-command belongs to the transport `command`, which is not chosen. Add --transport command."
    )
    assert whose_option("--proxy-command", layers, Role.RESPONDER) == "--proxy-command is for `chat connect`."
    assert whose_option("--nonsense", layers, None) == ""


def test_an_option_for_a_relay_names_the_option_that_chooses_it_and_the_other_end_of_other_transports() -> None:
    for command, option in (("serve", "--relay"), ("attack", "--transport relay")):
        run = CliRunner().invoke(chat, [command, "--relay-number"])
        assert (run.exit_code, f"is not chosen. Add {option}." in run.output) == (2, True), run.output
    run = CliRunner().invoke(chat, ["serve", "--tls-ca", "ca.pem"])
    assert run.exit_code == 2
    assert " ".join(run.output.split()).endswith(
        "--tls-ca belongs to the transport `relay`, which is not chosen. Add --relay. "
        "That of the transports tls, web and wss is for `chat connect`."
    )
