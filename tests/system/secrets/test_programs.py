"""Real conversations of the `chat` command with secrets that are known, which must show nowhere but in their own files.

Looked at: the command line and the environment of every process while people talk, everything both ends print (plain, with
`--debug`, with Python's and asyncio's own debugging switched on, and when something fails), and every file left behind, which
takes in the histories of whatever reads a line.
"""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pexpect
import pytest
from canary import CAN_LOOK, Canaries
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from programs import COMMAND, ENVIRONMENT, Chat, connect, importing, serve
from strangers import plant

from plytalk.lab.inspect.trace_file import read

pytestmark = [
    pytest.mark.skipif(not CAN_LOOK, reason="needs /proc, as Linux has it"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),  # pexpect forks
]

PASSPHRASE = "correct horse battery staple"
LOUD = {
    "plain": ({}, ()),
    "debug": ({}, ("--debug",)),
    "everything": ({"PYTHONDEVMODE": "1", "PYTHONASYNCIODEBUG": "1", "PLYTALK_DEBUG": "1"}, ()),
}


@dataclass
class Place:
    """Two homes, the secrets in them, and the files that are meant to hold these."""

    folder: Path
    canaries: Canaries = field(default_factory=Canaries)
    holders: set[Path] = field(default_factory=set)

    def home(self, name: str) -> Path:
        home = self.folder / name
        home.mkdir(exist_ok=True)
        return home

    def environment(self, name: str, more: Mapping[str, str] = {}) -> dict[str, str]:
        home = str(self.home(name))
        return {
            **ENVIRONMENT,
            "HOME": home,
            "PLYTALK_HOME": home,
            "TMPDIR": home,
            "XDG_STATE_HOME": home,
            **importing(),
            **more,
        }

    def keep(self, file: Path, content: bytes, **secrets: bytes) -> Path:
        """A file with secrets, readable only by its owner."""
        file.write_bytes(content)
        file.chmod(0o600)
        self.holders.add(file)
        for name, secret in secrets.items():
            self.canaries.add(name, secret)
        return file

    def identity(self, name: str, passphrase: str = "") -> Path:
        seed = os.urandom(32)
        lock = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
        text = Ed25519PrivateKey.from_private_bytes(seed).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, lock
        )
        return self.keep(self.home(name) / "identity", text, **{f"identity of the {name}": seed})

    def psk(self, digits: bytes | None = None) -> Path:
        key = os.urandom(32)
        return self.keep(self.folder / "psk", digits or key.hex().encode() + b"\n", psk=key)

    def rsa(self) -> Path:
        private = rsa.generate_private_key(65537, 2048)
        numbers = private.private_numbers()
        secrets = {name: getattr(numbers, name).to_bytes(256 if name == "d" else 128) for name in ("p", "q", "d")}
        text = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self.canaries.add("the pem", b"".join(text.splitlines()[1:-1])[64:])
        return self.keep(self.folder / "rsa.pem", text, **{f"rsa {name}": secret for name, secret in secrets.items()})

    def leaks(self, *printed: str) -> set[str]:
        """Every secret in what was printed, or in a file."""
        return self.canaries.within("\n".join(printed)) | self.canaries.in_files(self.folder, self.holders)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@contextlib.contextmanager
def terminal(place: Place, port: int, loud: str, *options: str) -> Iterator["pexpect.spawn[str]"]:
    """`chat connect` on a terminal."""
    more, before = LOUD[loud]
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], *before, "connect", f"127.0.0.1:{port}", *options],
        env=place.environment("client", more),
        encoding="utf-8",
        timeout=180,
        dimensions=(24, 300),
    )
    try:
        yield child
    finally:
        child.close(force=True)


def talk(child: "pexpect.spawn[str]", server: Chat, place: Place) -> str:
    """Say a word and go, and look at all processes in between. What the terminal showed."""
    child.expect_exact("Talking to ")
    child.sendline("hello")
    assert server.hear_words() == "hello"
    assert place.canaries.in_processes() == set()
    shown = child.before
    child.sendline("exit")
    shown += child.read()
    child.close()
    assert child.exitstatus == 0, shown
    assert server.status() == 0, server.told
    return shown


def serving(place: Place, loud: str, *options: str) -> contextlib.AbstractContextManager[Chat]:
    more, before = LOUD[loud]
    if before:
        more = {**more, "PLYTALK_DEBUG": "1"}
    return serve(*options, environment=place.environment("server", more))


@pytest.mark.parametrize("loud", LOUD)
def test_identities_a_passphrase_and_a_pre_shared_key_show_nowhere(loud: str, place: Place) -> None:
    place.identity("server")
    place.identity("client", PASSPHRASE)
    place.canaries.add("passphrase", PASSPHRASE.encode())
    psk = place.psk()
    with (
        serving(place, loud, "--psk-file", str(psk)) as server,
        terminal(place, server.port, loud, "--psk-file", str(psk), "--auth", "known-hosts", "--accept-new") as child,
    ):
        child.expect_exact("Passphrase of ")
        child.sendline(PASSPHRASE)
        shown = talk(child, server, place)
    assert "holds the pre-shared key" in shown
    assert place.leaks(shown, *server.told) == set()


@pytest.mark.parametrize("loud", LOUD)
def test_an_rsa_key_shows_nowhere(loud: str, place: Place) -> None:
    options = ["--profile", "secure-chat"]
    with (
        serving(place, loud, *options, "--rsa-key", str(place.rsa())) as server,
        terminal(place, server.port, loud, *options) as child,
    ):
        shown = talk(child, server, place)
    assert place.leaks(shown, *server.told) == set()


@pytest.mark.parametrize("loud", LOUD)
def test_a_one_time_code_shows_where_the_server_tells_it_and_where_it_is_typed(loud: str, place: Place) -> None:
    pytest.importorskip("spake2", reason="one-time codes need spake2 (pip install spake2)")
    place.identity("server")
    place.identity("client")
    with serving(place, loud, "--code", "--save-as", "bob") as server:
        told = server.tells("The one-time code is")
        code = re.search(r"one-time code is ([1-9]-\w+-\w+)\.", told)
        assert code, told
        place.canaries.add("code", code[1].encode())
        with terminal(place, server.port, loud, "--code", "--save-as", "alice") as child:
            child.expect_exact("One-time code:")
            child.sendline(code[1])
            shown = talk(child, server, place)
    _, entered, shown = shown.partition("knows the code")  # until then it is shown while it is typed
    assert entered
    elsewhere = [line for line in server.told if "The one-time code is" not in line]
    assert len(elsewhere) == len(server.told) - 1
    assert place.leaks(shown, *elsewhere) == set()


@pytest.mark.parametrize("stack", [(), ("--profile", "secure-chat")])
def test_a_trace_holds_the_words_and_no_secret(stack: tuple[str, ...], place: Place) -> None:
    """And with --trace-secrets the keys of the conversation alone, in that file alone."""
    place.identity("server")
    place.identity("client")
    auths = () if stack else ("--psk-file", str(place.psk()))
    known = () if stack else ("--auth", "known-hosts", "--accept-new")
    rsa = ("--rsa-key", str(place.rsa())) if stack else ()
    traces = {name: place.folder / f"{name}.trace" for name in ("client", "server")}
    options = [*stack, *auths]
    with (
        serving(place, "debug", *options, *rsa, "--trace", str(traces["server"])) as server,
        terminal(place, server.port, "debug", *options, *known, "--trace", str(traces["client"]), "--trace-secrets") as child,
    ):
        shown = talk(child, server, place)
    assert b"hello".hex() in traces["server"].read_text()
    assert place.leaks(shown, *server.told) == set()
    for key in (event for event in read(traces["client"]) if event.layer == "keys"):
        place.canaries.add(key.what, key.data)
        place.holders.add(traces["client"])
    assert traces["client"] in place.holders
    assert place.leaks(shown, *server.told) == set()


# -- when something fails --------------------------------------------------------------------------------------------------

HEAD = """
from plytalk import Authenticator, Feature, hookimpl
from plytalk.core.contracts.properties import Property
from plytalk.plugins.ciphers.noise import NoiseTransport
from plytalk.plugins.messages.records import Records
"""
LAYER = """
class Boom({base}):
    name = "boom"
    {body}

@hookimpl
def layers():
    return [Boom]
"""
FAILURES = {
    "auth": "Authenticator|needs = {Property.PEER_KEY}\n    async def check(self, peer): raise ValueError('boom')",
    "cipher made": "NoiseTransport|def __init__(self, secrets, role): super().__init__(secrets, role); raise ValueError('boom')",
    "cipher sealing": "NoiseTransport|def seal(self, plaintext): raise ValueError('boom')",
    "cipher opening": "NoiseTransport|def open(self, sealed): raise ValueError('boom')",
    "messages packing": "Records|def pack(self, items): raise ValueError('boom')",
    "feature": "Feature|pass",
}
HOOK = "\n@hookimpl\ndef session_opened(session): raise ValueError('boom')\n"


def failing(place: Place, where: str, text: str) -> tuple[str, ...]:
    """Plant a stranger's layer, and the options that choose it."""
    kind = where.split()[0]
    site = place.folder / "site"
    site.mkdir()
    base, _, body = text.partition("|")
    plant(site, f"plytalk-{kind}-boom", {f"{kind}-boom": HEAD + LAYER.format(base=base, body=body) + HOOK * (kind == "feature")})
    return (f"--{kind}", "boom")


def run_into_it(place: Place, *options: str, psk: Path) -> str:
    """A client with `--debug` that fails; what both sides printed."""
    environment = place.environment("client", {"PLYTALK_DEBUG": "1", **importing(place.folder / "site")})
    auths = ("--psk-file", str(psk), "--auth", "known-hosts", "--accept-new")
    with (
        serving(place, "debug", "--keep", "--psk-file", str(psk)) as server,
        connect(server.port, *auths, *options, environment=environment) as client,
    ):
        client.say("hello")
        with contextlib.suppress(BrokenPipeError):
            client.end_input()
        printed = client.process.stdout.read().decode()
        assert client.status() != 0, client.told
        server.process.terminate()
        server.status()
    return "\n".join([printed, *client.told, *server.told])


@pytest.mark.parametrize("where", FAILURES)
def test_a_layer_that_fails_takes_no_secret_with_it(where: str, place: Place) -> None:
    place.identity("server")
    place.identity("client")
    options = failing(place, where, FAILURES[where])
    printed = run_into_it(place, *options, psk=place.psk())
    assert "ValueError" in printed
    assert place.leaks(printed) == set()


LEAKING = {
    "raises it": "raise ValueError(open({path!r}).read())",
    "says it": "peer.say(open({path!r}).read()); raise ValueError",
    "writes it down": "open({home!r} + '/.history', 'w').write(open({path!r}).read()); raise ValueError",
}


@pytest.mark.parametrize("how", LEAKING)
def test_a_layer_that_leaks_is_caught(how: str, place: Place) -> None:
    """The control: without it, nobody knows that the tests above could fail."""
    place.identity("server")
    place.identity("client")
    psk = place.psk()
    leak = LEAKING[how].format(path=str(psk), home=str(place.home("client")))
    options = failing(place, "auth", f"Authenticator|needs = {{Property.PEER_KEY}}\n    async def check(self, peer): {leak}")
    printed = run_into_it(place, *options, psk=psk)
    where = {"writes it down": f"psk in {place.home('client') / '.history'}"}.get(how, "psk")
    assert place.leaks(printed) == {where}


@pytest.mark.parametrize("trouble", ["cut", "exposed", "other"])
def test_a_damaged_or_wrong_pre_shared_key_is_not_repeated(trouble: str, place: Place) -> None:
    place.identity("server")
    place.identity("client")
    good = place.psk()
    key = os.urandom(32)
    bad = place.keep(place.folder / "bad", key.hex()[: -1 if trouble == "cut" else None].encode(), bad=key[:31])
    if trouble == "exposed":
        bad.chmod(0o644)
    environment = place.environment("client", {"PLYTALK_DEBUG": "1"})
    options = ("--psk-file", str(bad), "--auth", "known-hosts", "--accept-new")
    with (
        serving(place, "debug", "--keep", "--psk-file", str(good)) as server,
        connect(server.port, *options, environment=environment) as client,
    ):
        assert client.status() != 0
        server.process.terminate()
        server.status()
    assert place.leaks(*client.told, *server.told) == set()


def test_a_wrong_passphrase_is_not_repeated(place: Place) -> None:
    place.identity("server")
    place.identity("client", PASSPHRASE)
    wrong = "wrong horse battery staple"
    place.canaries.add("passphrase", wrong.encode())
    with serving(place, "debug", "--keep") as server, terminal(place, server.port, "debug", "--accept-new") as child:
        child.expect_exact("Passphrase of ")
        child.sendline(wrong)
        shown = child.read()
        child.close()
        assert child.exitstatus == 1
    assert "does not open" in shown
    assert place.leaks(shown) == set()
