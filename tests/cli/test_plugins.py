import json
from pathlib import Path

import click
import programs
import pytest
from click.testing import CliRunner
from programs import ENVIRONMENT, importing
from strangers import TROUBLE, bad, good, plant, plant_metadata

from plytalk.cli import plugins as plugin_list
from plytalk.cli.plugins import plugins
from plytalk.core.contracts.errors import Usage
from plytalk.testing import TypedFrames

# It tells on itself: importing it leaves a file behind.
TELLTALE = "from pathlib import Path\nPath(__file__).with_name('IMPORTED').write_text('')\n"
PLAIN = ("--handshake", "none", "--framer", "typed", "--messages", "text", "--cipher", "none")
GRUMPY = """
from plytalk import Feature, hookimpl

class Grumpy(Feature):
    name = "grumpy"

@hookimpl
def layers():
    return [Grumpy]

@hookimpl
def session_{when}(session{more}):
    raise ValueError("not today")
"""


BAD_TRANSPORT = """
from plytalk import Transport, hookimpl

class Bad(Transport):
    name = "bad"

    async def listen(self, host, port):
        raise ValueError

    connect = listen

@hookimpl
def layers():
    return [Bad]
"""

# What goes wrong only in use: the layer, its text, and words that its user must find.
LATER = {
    "configured": (
        good("bad") + "Good.configured = classmethod(lambda cls, options: None + 1)\n",
        "The cipher `bad` cannot be configured: it raised TypeError.",
    ),
    "configured to nothing": (
        good("bad") + "Good.configured = classmethod(lambda cls, options: 3)\n",
        "cannot be configured: it gives int, and no layer",
    ),
    "option": (
        good("bad").replace("role)", "role, port=0)") + "from plytalk import Option\nGood.options = [Option('port', '')]\n",
        "The cipher `bad` brings the option --port, which is taken.",
    ),
    "made": (good("bad").replace("pass", "raise ValueError('a key')"), "The cipher `bad` cannot be made: it raised ValueError."),
    "forgotten": (
        good("bad").replace("    def seal", "    def forget(self):\n        raise ValueError('a key')\n\n    def seal"),
        "The cipher `bad` raised ValueError.",
    ),
    "seal": (
        good("bad").replace("return plaintext", "raise ValueError('a key')"),
        "raised ValueError; the conversation ends here.",
    ),
}


class Shell:
    """Runs `chat` with a folder of strangers' plugins on Python's path."""

    def __init__(self, site: Path) -> None:
        self.site = site
        site.mkdir()
        self.environment = ENVIRONMENT | importing(site) | {"PYTHONDONTWRITEBYTECODE": "1"}

    def __call__(self, *arguments: str, status: int = 0) -> tuple[str, str]:
        """Run to the end; the exit code must be `status`. Gives standard output and standard error."""
        done = programs.chat(*arguments, environment=self.environment, folder=self.site.parent)
        assert done.returncode == status, f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout, done.stderr

    def conversation(self, *options: str) -> str:
        """What a server hears from a client that says hello and goes."""
        with programs.serve(*options, environment=self.environment) as server:
            with programs.connect(server.port, *options, environment=self.environment) as client:
                client.say("hello")
                client.end_input()
                assert client.status() == 0
            heard = server.hear()
            assert server.status() == 0
        return heard


@pytest.fixture
def chat(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "site")


@pytest.fixture
def troubled(chat: Shell) -> Shell:
    """All that can be wrong at once, and one plugin that works."""
    for trouble in TROUBLE:
        plant(chat.site, f"plytalk-cipher-{trouble}", {f"cipher-{trouble}": bad(trouble)})
    plant_metadata(chat.site, "plytalk-cipher-gone", "[plytalk]\ncipher-gone = plytalk_cipher_gone\n")
    plant_metadata(chat.site, "plytalk-odd", "[plytalk]\ncypher-odd = plytalk_odd\n")
    plant_metadata(chat.site, "plytalk-damaged", "[plytalk]\nrubbish\n")
    plant(chat.site, "plytalk-cipher-taken", {"cipher-aesgcm": good("aesgcm")})
    plant(chat.site, "plytalk-cipher-hers", {"cipher-same": good("same")})
    plant(chat.site, "plytalk-cipher-his", {"cipher-same": good("same")})
    plant(chat.site, "plytalk-cipher-loud", {"cipher-loud": "print('BUY ME')\n" + good("loud")})
    plant(chat.site, "plytalk-cipher-fine", {"cipher-fine": good("fine")})
    return chat


def test_without_strangers_everything_is_ours_and_nothing_is_wrong(chat: Shell) -> None:
    out, err = chat("plugins", "--check")
    assert "Nothing is wrong." in out
    assert err == ""
    assert all("  plytalk " in line for line in out.splitlines()[1:-2])
    for name in ("tcp", "typed", "rsa", "aesgcm", "text", "console", "demo01"):
        assert f"  {name} " in out


def test_a_strangers_layer_is_listed_with_where_it_comes_from_and_what_it_is(chat: Shell) -> None:
    plant(chat.site, "plytalk-cipher-fine", {"cipher-fine": good("fine")}, version="2.7")
    out, _ = chat("plugins", "--check")
    [line] = [line for line in out.splitlines() if "fine" in line]
    assert line.split(maxsplit=4) == ["cipher", "fine", "plytalk-cipher-fine", "2.7", "A stranger's cipher."]


def test_the_same_for_programs(chat: Shell) -> None:
    plant(chat.site, "plytalk-cipher-fine", {"cipher-fine": good("fine")})
    plant(chat.site, "plytalk-cipher-bad", {"cipher-syntax": bad("syntax")})
    out, err = chat("plugins", "--json", "--check", status=7)
    told = json.loads(out)
    assert err == ""
    assert told["api"] == 1
    assert {
        "kind": "cipher",
        "name": "fine",
        "distribution": "plytalk-cipher-fine",
        "version": "1.0",
        "module": "plytalk_cipher_fine_cipher_fine",
        "summary": "A stranger's cipher.",
    } in told["plugins"]
    assert "syntax" not in [plugin["name"] for plugin in told["plugins"]]
    [problem] = told["problems"]
    assert (problem["plugin"], problem["from"], problem["usable"]) == ("cipher-syntax", "plytalk-cipher-bad 1.0", False)
    assert "SyntaxError" in problem["problem"]


def test_all_that_is_wrong_is_listed_with_its_reason(troubled: Shell) -> None:
    out, err = troubled("plugins")
    assert err == ""
    for trouble, (_, words) in TROUBLE.items():
        assert any(words in line and f"plytalk-cipher-{trouble} 1.0" in line for line in out.splitlines()), trouble
    for words in (
        "No module named 'plytalk_cipher_gone'",
        "The entry point `cypher-odd` of plytalk-odd 1.0 is not called KIND-NAME",
        "plytalk_damaged-1.0.dist-info cannot be read",
        "plytalk-cipher-taken 1.0 brings a cipher called `aesgcm`, a name that plytalk ",
        "plytalk-cipher-his 1.0 brings a cipher called `same`, a name that plytalk-cipher-hers 1.0 has taken",
        "prints when it is imported: 'BUY ME'",
    ):
        assert words in out
    assert not [line for line in out.splitlines() if line.startswith("BUY")]
    working = [line.split()[1] for line in out.splitlines() if line.startswith("cipher")]
    assert working == ["aesgcm", "chacha20poly1305", "fine", "loud", "none"] or set(working) >= {"aesgcm", "fine", "loud"}
    assert not set(working) & {*TROUBLE, "gone", "odd", "same"}


def test_check_tells_by_the_exit_code(troubled: Shell) -> None:
    out, _ = troubled("plugins", "--check", status=7)
    assert "What is wrong" in out


@pytest.mark.parametrize(
    "blocked", [["no:plytalk-cipher-syntax"], ["no:cipher-syntax"], ["no:syntax"], ["no:syntax", "no:cipher-syntax"]]
)
def test_what_is_blocked_is_not_wrong(chat: Shell, blocked: list[str]) -> None:
    plant(chat.site, "plytalk-cipher-syntax", {"cipher-syntax": bad("syntax")})
    out, _ = chat("plugins", "--check", *(word for name in blocked for word in ("-p", name)))
    assert "syntax" not in out


def test_p_without_no_is_a_usage_error(chat: Shell) -> None:
    assert "no:NAME" in chat("plugins", "-p", "xor", status=2)[1]


@pytest.mark.parametrize("command", ["plugins", "explain", "lab"])
def test_blocking_a_plugin_that_is_not_there_is_a_usage_error(chat: Shell, command: str) -> None:
    said = chat(command, "-p", "no:aesgmc", status=2)[1]
    assert "There is no plugin called `aesgmc` that could be blocked. Did you mean no:aesgcm? `chat plugins` lists them." in said


@pytest.mark.parametrize("trouble", [*TROUBLE, "gone", "same"])
def test_choosing_a_broken_layer_ends_with_code_7_and_nothing_in_its_place(troubled: Shell, trouble: str) -> None:
    # Nothing listens at port 1: had a connection been tried, the exit code would be 3.
    out, err = troubled("connect", "127.0.0.1:1", "--cipher", trouble, status=7)
    assert out == ""
    assert err.startswith("chat: ")
    assert trouble in err
    assert len(err.splitlines()) == 1


def test_every_other_command_goes_on_working(troubled: Shell) -> None:
    assert "Commands" in troubled("--help")[0]
    assert "--cipher" in troubled("serve", "--help")[0]
    assert "aesgcm" in troubled("explain", "--profile", "secure-chat")[0]
    assert "_CHAT_COMPLETE" in troubled("completion", "bash")[0]
    assert "plytalk" in troubled("--version")[0]
    assert troubled.conversation("--profile", "secure-chat") == "Message Received: hello"


def test_a_taken_name_stays_with_its_first_owner(troubled: Shell) -> None:
    (troubled.site / "plytalk_cipher_taken_cipher_aesgcm.py").write_text(TELLTALE)
    assert troubled.conversation("--cipher", "aesgcm", "--handshake", "rsa") == "Message Received: hello"
    assert not (troubled.site / "IMPORTED").exists()


def test_a_layer_that_prints_when_it_is_imported_works_in_silence(troubled: Shell) -> None:
    assert troubled.conversation(*PLAIN, "--cipher", "loud") == "Message Received: hello"


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["--version"],
        ["serve", "--help"],
        ["connect", "--help"],
        ["plugins", "--help"],
        ["plugins", "new", "--help"],
        ["completion", "bash"],
        ["connect", "127.0.0.1:1", "--profile", "demo01"],
    ],
)
def test_strangers_are_imported_only_when_chosen_or_listed(chat: Shell, command: list[str]) -> None:
    plant(chat.site, "plytalk-cipher-tell", {"cipher-tell": TELLTALE + good("tell")})
    chat(*command, status=3 if "127.0.0.1:1" in command else 0)
    assert not (chat.site / "IMPORTED").exists()
    chat("plugins", "--check")
    assert (chat.site / "IMPORTED").exists()


@pytest.mark.parametrize(("when", "more", "status"), [("opened", "", 7), ("closed", ", ending", 0)])
def test_a_hook_that_raises_is_named(chat: Shell, when: str, more: str, status: int) -> None:
    plant(chat.site, "plytalk-feature-grumpy", {"feature-grumpy": GRUMPY.format(when=when, more=more)})
    chat("plugins", "--check")
    with (
        programs.serve(*PLAIN, environment=chat.environment) as server,
        programs.connect(server.port, *PLAIN, "--feature", "grumpy", environment=chat.environment) as client,
    ):
        client.end_input()
        client.tells(f"The hook `session_{when}` of plytalk_feature_grumpy_feature_grumpy raised ValueError.")
        assert client.status() == status
        assert server.status() == 0  # it was told goodbye all the same


@pytest.mark.parametrize("trouble", LATER)
def test_a_layer_that_breaks_in_use_ends_the_command_with_code_7_and_its_name(chat: Shell, trouble: str) -> None:
    text, words = LATER[trouble]
    plant(chat.site, "plytalk-cipher-bad", {"cipher-bad": text})
    with (
        programs.serve(*PLAIN, environment=chat.environment) as server,
        programs.connect(server.port, *PLAIN, "--cipher", "bad", environment=chat.environment) as client,
    ):
        client.say("hello")
        client.end_input()
        assert client.status() == 7
    assert words in client.told[-1]
    assert "a key" not in "".join(client.told)


def test_a_transport_that_raises_is_named(chat: Shell) -> None:
    plant(chat.site, "plytalk-transport-bad", {"transport-bad": BAD_TRANSPORT})
    for command in (["connect", "127.0.0.1:1"], ["serve"]):
        _, err = chat(*command, *PLAIN, "--transport", "bad", status=7)
        assert "The transport `bad` raised ValueError." in err


def test_the_command_itself_in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(plugins, list(arguments), standalone_mode=False)
        return done.return_value, done.output

    assert run("--check") == (0, run()[1])
    assert run()[1].endswith("\nNothing is wrong.\n")
    monkeypatch.syspath_prepend(tmp_path)
    plant(tmp_path, "plytalk-cipher-loud", {"cipher-loud": bad("other-name")})
    status, out = run("--check")
    assert status == 7
    assert "\n  usable  The plugin `cipher-loud`" in out
    assert "\n  broken  The module `plytalk_cipher_loud_cipher_loud`" in out
    assert len(json.loads(run("--json")[1])["problems"]) == 2
    assert run("--check", "-p", "no:plytalk-cipher-loud")[0] == 0
    with pytest.raises(Usage, match="already"):
        CliRunner().invoke(plugins, ["new", "plytalk-cipher-none"], standalone_mode=False, catch_exceptions=False)
    with pytest.raises(click.UsageError):
        CliRunner().invoke(plugins, ["--check", "new", "plytalk-ui-mine"], standalone_mode=False, catch_exceptions=False)


def test_options_before_new_are_refused(chat: Shell) -> None:
    assert "have no meaning" in chat("plugins", "--json", "new", "plytalk-cipher-mine", status=2)[1]


BROKEN_OPENING = good("bad").replace("return sealed", "{fault}")


@pytest.mark.parametrize(
    ("fault", "said"),
    [("raise KeyError('x')", "raised KeyError"), ("return None", "returns nothing from `open`")],
    ids=["raises", "gives nothing"],
)
def test_the_demonstration_names_the_layer_that_failed_at_its_server(chat: Shell, fault: str, said: str) -> None:
    plant(chat.site, "plytalk-cipher-bad", {"cipher-bad": BROKEN_OPENING.replace("{fault}", fault)})
    _, err = chat("demo", "--cipher", "bad", "--handshake", "none", "--framer", "typed", "--messages", "text", status=7)
    assert f"The cipher `bad` {said}" in err
    assert "of plytalk-cipher-bad 1.0. The contract asks for open(self, sealed: bytes) -> bytes." in err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("return plaintext", "return plaintext + bytes(5_000_000)"), "The other side announced a frame of 5,0"),
        (("return sealed", "from plytalk import Tampered; raise Tampered"), "or the two sides have different keys"),
    ],
    ids=["too long", "does not open"],
)
def test_the_demonstration_blames_a_layer_where_one_side_cannot_read_the_other(
    chat: Shell, change: tuple[str, str], said: str
) -> None:
    plant(chat.site, "plytalk-cipher-bad", {"cipher-bad": good("bad").replace(*change)})
    _, err = chat("demo", "--cipher", "bad", "--handshake", "none", "--framer", "typed", "--messages", "text", status=7)
    assert "A layer of tcp | typed | none | bad | text | console does not keep its contract" in err
    assert said in err
    assert "`chat plugins --check` uses each layer" in err
    assert "Perhaps the server is full" not in err


def test_the_demonstration_names_the_layer_that_failed_in_its_server_s_handshake(chat: Shell) -> None:
    plant(chat.site, "plytalk-cipher-bad", {"cipher-bad": good("bad").replace("pass", "assert role.value != 'server'")})
    _, err = chat("demo", "--cipher", "bad", "--handshake", "none", "--framer", "typed", "--messages", "text", status=7)
    assert "The cipher `bad` cannot be made: it raised AssertionError." in err


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("while True: pass", "It has not ended within 0.2 seconds: no method may block. It is at "),
        ("exit(3)", "It ends the program"),
    ],
    ids=["blocks", "exits"],
)
def test_a_layer_that_blocks_or_exits_is_found_when_it_is_used(monkeypatch: pytest.MonkeyPatch, body: str, said: str) -> None:
    def feed(self: object, data: object) -> None:
        exec(body)  # the same in one test for both

    if "while" in body:
        monkeypatch.setattr(plugin_list, "CHECK_SECONDS", 0.2)
    framer = type("Bad", (TypedFrames,), {"name": "bad", "feed": feed, "__doc__": "Bad."})
    assert said in plugin_list.fault_in_use(framer)


def test_an_entry_point_without_a_kind_is_called_as_it_is_written(chat: Shell) -> None:
    plant_metadata(chat.site, "plytalk-odd", "[plytalk]\nodd = plytalk_odd\n")
    out, _ = chat("plugins", "--check", status=7)
    assert "The entry point `odd` of plytalk-odd" in out


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\nimport no_such_module_anywhere\n" + good("bad"), 2),
        ("\n\ndef broken(:\n", 3),
        (good("bad").replace("    name =", "    needs = {missing}\n    name ="), 7),
    ],
    ids=["import", "syntax", "name"],
)
def test_a_module_that_does_not_load_says_at_which_line(chat: Shell, text: str, line: int) -> None:
    plant(chat.site, "plytalk-cipher-bad", {"cipher-bad": text})
    out, _ = chat("plugins", "--check", status=7)
    assert f"plytalk_cipher_bad_cipher_bad.py:{line}. Repair it, uninstall plytalk-cipher-bad" in out
