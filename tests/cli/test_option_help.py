"""The options of layers in a help text."""

from click.testing import CliRunner

from plytalk.cli.main import chat
from plytalk.cli.option_help import option_sections
from plytalk.plugins.handshakes.noise import Noise
from plytalk.plugins.transports.tcp import Tcp
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
