import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pexpect
import pytest
from programs import COMMAND, ENVIRONMENT, chat, connect, serve

from plytalk.core.contracts.public_key import PublicKey
from plytalk.trust.contacts import Contact, Contacts
from plytalk.trust.host_keys import KnownHostsFile
from plytalk.trust.identity import WrongPassphrase, load

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # pexpect forks
ALICE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"  # RFC 8032, section 7.1, test 1
BOB = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID1AF8PoQ4lakrcKp00bfryWmCzPLsSWjMDNVfEq9GYM"  # and test 2
SSH_KEYGEN = shutil.which("ssh-keygen")


class Keys:
    """Runs `chat keys` in its own home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {**ENVIRONMENT, "HOME": str(home), "PLYTALK_HOME": str(home / "store"), "NO_COLOR": "1"}

    def __call__(self, *arguments: str, typed: str = "", status: int = 0) -> tuple[str, str]:
        """Standard output and standard error; the exit code must be `status`."""
        run = chat("keys", *arguments, typed=typed, environment=self.environment, folder=self.home)
        assert run.returncode == status, f"{run.stdout}\n{run.stderr}"
        assert "Traceback" not in run.stderr
        return run.stdout, run.stderr

    @property
    def file(self) -> Path:
        return self.home / "store" / "identity"

    def on_a_terminal(self, *arguments: str) -> "pexpect.spawn[str]":
        return pexpect.spawn(
            COMMAND[0],
            [*COMMAND[1:], "keys", *arguments],
            env=self.environment,
            encoding="utf-8",
            timeout=180,
            dimensions=(24, 300),
        )


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


def test_a_new_identity_is_ones_own_and_says_where_it_is(keys: Keys) -> None:
    out, err = keys("new")
    assert str(keys.file) in err
    assert stat.S_IMODE(keys.file.stat().st_mode) == 0o600
    shown, where = keys("show")
    assert where == f"Your key is in {keys.file}.\n"
    line, fingerprint = shown.splitlines()
    assert out.strip() == line == keys("export")[0].strip()
    assert fingerprint == load(keys.file).fingerprint
    assert fingerprint in err


def test_an_identity_is_never_replaced(keys: Keys) -> None:
    keys("new")
    before = keys.file.read_bytes()
    _, err = keys("new", status=2)
    assert "exists already" in err
    assert keys.file.read_bytes() == before
    keys("new", "--identity", str(keys.home / "another"))
    assert keys("export", "--identity", str(keys.home / "another")) != keys("export")


@pytest.mark.skipif(SSH_KEYGEN is None, reason="ssh-keygen is not installed (apt install openssh-client)")
def test_openssh_reads_what_is_made_here(keys: Keys) -> None:
    keys("new")
    line, fingerprint = keys("show")[0].splitlines()
    (keys.home / "own.pub").write_text(keys("export")[0])
    shown = subprocess.run(["ssh-keygen", "-l", "-f", keys.home / "own.pub"], capture_output=True, text=True, check=True).stdout
    assert fingerprint in shown
    derived = subprocess.run(["ssh-keygen", "-y", "-f", keys.file], capture_output=True, text=True, check=True).stdout
    assert derived.split()[:2] == line.split()[:2]


def test_without_an_identity_it_says_how_to_make_one(keys: Keys) -> None:
    out, err = keys("show", status=1)
    assert out == ""
    assert "`chat keys new` creates one" in err
    assert not keys.file.exists()


# -- passphrases -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def locked(keys: Keys) -> Keys:
    """An identity under a passphrase that was typed on a terminal."""
    child = keys.on_a_terminal("new", "--passphrase")
    for prompt in ("New passphrase: ", "Once more: "):
        child.expect_exact(prompt)
        child.sendline("correct horse")
    shown = child.read()
    child.close()
    assert child.exitstatus == 0, shown
    assert "correct horse" not in shown
    return keys


def test_a_passphrase_is_asked_for_twice_on_a_terminal_and_never_shown(locked: Keys) -> None:
    assert load(locked.file, lambda path: "correct horse").fingerprint
    with pytest.raises(WrongPassphrase):
        load(locked.file, lambda path: "wrong horse")


def test_an_identity_under_a_passphrase_is_shown_after_asking(locked: Keys) -> None:
    child = locked.on_a_terminal("show")
    child.expect_exact("Passphrase of ")
    child.sendline("correct horse")
    shown = child.read()
    child.close()
    assert child.exitstatus == 0
    assert load(locked.file, lambda path: "correct horse").fingerprint in shown


def test_a_wrong_passphrase_is_told_and_nothing_is_shown(locked: Keys) -> None:
    child = locked.on_a_terminal("show")
    child.expect_exact("Passphrase of ")
    child.sendline("wrong horse")
    shown = child.read()
    child.close()
    assert child.exitstatus == 1
    assert "The passphrase does not open" in shown
    assert "ssh-ed25519" not in shown


def test_a_server_asks_for_the_passphrase_of_its_identity(locked: Keys) -> None:
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "serve", "--port", "0"],
        env=locked.environment,
        encoding="utf-8",
        timeout=180,
        dimensions=(24, 300),
    )
    child.expect_exact("Passphrase of ")
    child.sendline("correct horse")
    child.expect_exact("Listening on ")
    child.close(force=True)


@pytest.mark.parametrize(
    ("typed", "told"),
    [(["one", "two"], "The two passphrases differ"), ([""], "The passphrase is empty")],
    ids=["differ", "empty"],
)
def test_a_passphrase_that_was_mistyped_makes_nothing(keys: Keys, typed: list[str], told: str) -> None:
    child = keys.on_a_terminal("new", "--passphrase")
    for line in typed:
        child.expect_exact(": ")
        child.sendline(line)
    child.expect_exact(told)
    child.read()
    child.close()
    assert child.exitstatus == 2
    assert not keys.file.exists()


@pytest.mark.parametrize("command", ["new", "show"])
def test_off_a_terminal_a_passphrase_is_refused_and_no_pipe_is_read_for_it(locked: Keys, command: str) -> None:
    options = ["--passphrase", "--identity", str(locked.home / "other")] if command == "new" else []
    process = subprocess.run(
        [*COMMAND, "keys", command, *options],
        input="correct horse\ncorrect horse\n",
        capture_output=True,
        text=True,
        env=locked.environment,
        start_new_session=True,  # no terminal, not even the one the tests run on
        timeout=180,
        check=False,
    )
    assert process.returncode == 4
    assert process.stdout == ""
    assert "Start it in a terminal" in process.stderr
    assert not (locked.home / "other").exists()


# -- the keys of others ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["words", "one word", "file", "pipe"])
def test_a_server_is_trusted_before_the_first_connection(keys: Keys, way: str) -> None:
    (keys.home / "alice.pub").write_text(f"# mine\n\n{ALICE} alice@example\n")
    given = {"words": [*ALICE.split(), "alice"], "one word": [ALICE], "file": ["alice.pub"], "pipe": []}[way]
    out, err = keys("trust", "chat.example.org", *given, typed=f"{ALICE} alice\n" if way == "pipe" else "")
    assert out == ""
    assert err.startswith(f"Remembered the key {PublicKey.parse(ALICE).fingerprint} of chat.example.org")
    assert (keys.home / "store" / "known_hosts").read_text() == f"[chat.example.org]:7591 {ALICE}\n"


def test_a_key_and_a_list_are_read_from_a_pipe(keys: Keys) -> None:
    assert keys("trust", "chat.example.org", "/dev/stdin", typed=f"{ALICE} alice\n")[1].startswith("Remembered the key")
    out, _ = keys("list", "--known-hosts", "/dev/stdin", typed=f"there {BOB}\n")
    assert PublicKey.parse(BOB).fingerprint in out


def test_a_secret_is_not_read_from_a_pipe(keys: Keys) -> None:
    assert "is not a plain file" in keys("show", "--identity", "/dev/stdin", status=1)[1]
    os.mkfifo(keys.home / "pipe")
    assert "is not a plain file" in keys("show", "--identity", "pipe", status=1)[1]


def test_a_trusted_server_connects_without_a_question(keys: Keys, tmp_path: Path) -> None:
    server = Keys(tmp_path / "server")
    server.home.mkdir()
    server("new")
    with serve(environment=server.environment) as ours:
        keys("trust", f"127.0.0.1:{ours.port}", typed=server("export")[0])
        with connect(ours.port, environment=keys.environment) as theirs:
            theirs.say("hello")
            assert ours.hear_words() == "hello"
            theirs.say("exit")
            assert (theirs.status(), ours.status()) == (0, 0)


def test_another_key_of_a_known_server_is_not_added(keys: Keys) -> None:
    keys("trust", "[::1]:9000", ALICE)
    assert "Already knew" in keys("trust", "[::1]:9000", ALICE)[1]
    _, err = keys("trust", "[::1]:9000", BOB, status=5)
    assert err.strip().endswith("If the new key is right: chat keys forget '[::1]:9000'")
    keys("forget", "[::1]:9000")
    keys("trust", "[::1]:9000", BOB)
    assert [entry.key for entry in KnownHostsFile(keys.home / "store" / "known_hosts").entries()] == [PublicKey.parse(BOB)]


@pytest.mark.parametrize(
    "given", ["ssh-ed25519 AAAA", "nonsense of words", "no-such-file", ALICE.replace("ssh-ed25519", "ssh-rsa")]
)
def test_what_is_no_key_is_not_remembered(keys: Keys, given: str) -> None:
    _, err = keys("trust", "chat.example.org", given, status=2)
    assert err.startswith(("chat: This is not a public key", "chat: There is no file"))
    assert not (keys.home / "store" / "known_hosts").exists()


@pytest.mark.parametrize("folder", [".", "/"])
def test_a_folder_in_place_of_the_file_of_known_hosts_is_told(keys: Keys, folder: str) -> None:
    said = keys("forget", "chat.example.org", "--known-hosts", folder, status=1)[1]
    assert said.startswith(f"chat: {folder} is a folder.")


def test_forgetting_somebody_unknown_is_told(keys: Keys) -> None:
    assert "has no key of chat.example.org" in keys("forget", "chat.example.org", status=1)[1]
    assert "There is no contact 'alice'" in keys("forget", "@alice", status=2)[1]


def test_the_list_shows_hosts_and_people(keys: Keys) -> None:
    assert keys("list") == ("", "No other keys are known yet: the first `chat connect` stores one.\n")
    keys("trust", "chat.example.org", ALICE)
    Contacts(keys.home / "store" / "contacts").add(Contact("bob", "192.0.2.7:9000", PublicKey.parse(BOB)))
    person, host = keys("list")[0].splitlines()
    assert person.split() == ["@bob", PublicKey.parse(BOB).fingerprint, "ssh-ed25519", "192.0.2.7:9000"]
    assert host.split() == ["[chat.example.org]:7591", PublicKey.parse(ALICE).fingerprint, "ssh-ed25519", "line", "1"]
    found = json.loads(keys("list", "--json")[0])
    assert found["contacts"][0]["name"] == "bob"
    assert found["hosts"][0]["fingerprint"] == PublicKey.parse(ALICE).fingerprint
    keys("forget", "@bob")
    keys("forget", "chat.example.org")
    assert json.loads(keys("list", "--json")[0]) == {"hosts": [], "contacts": []}


def test_a_key_that_an_editor_saved_with_a_byte_order_mark_is_read(keys: Keys) -> None:
    (keys.home / "mark.pub").write_text(f"\ufeff{ALICE} alice\r\n")
    (keys.home / "utf16.pub").write_bytes(f"{ALICE} alice\n".encode("utf-16"))
    keys("trust", "one.example.org", "mark.pub")
    keys("trust", "two.example.org", typed=f"\ufeff{ALICE} alice\n")
    assert "is text in UTF-16. Save it as UTF-8." in keys("trust", "three.example.org", "utf16.pub", status=1)[1]
    assert len(keys("list")[0].splitlines()) == 2


def test_every_spelling_of_a_host_is_one_host(keys: Keys) -> None:
    keys("trust", "Chat.example.org.", ALICE)
    keys("trust", "[0:0:0:0:0:0:0:1]:7591", ALICE)
    keys("trust", "b\u00fccher.example", ALICE)
    listed = keys("list")[0]
    assert [line.split()[0] for line in listed.splitlines()] == [
        "[chat.example.org]:7591", "[::1]:7591", "[xn--bcher-kva.example]:7591",
    ]  # fmt: skip
    for host in ("plytalk://chat.example.org", "[::1]:7591", "xn--bcher-kva.example."):
        assert "Forgot the key" in keys("forget", host)[1]


@pytest.mark.parametrize("command", [("psk", "new"), ("new", "--identity", "new")])
def test_a_full_disk_leaves_no_file_behind(keys: Keys, command: tuple[str, ...]) -> None:
    full = ("/bin/sh", "-c", 'ulimit -f 0; exec "$0" "$@"', *COMMAND)  # no file may grow: as good as a full disk, without one
    run = chat("keys", *command, environment=keys.environment, folder=keys.home, command=full)
    assert "new could not be written: File too large. Nothing was changed" in run.stderr
    assert run.returncode in (1, 2)
    assert not list(keys.home.glob("*new*")) + list(keys.home.glob(".*new*"))


def test_a_list_is_harmless_to_a_terminal(keys: Keys) -> None:
    keys.file.parent.mkdir()
    (keys.home / "store" / "known_hosts").write_text(f"\x1b[31mred\x07 {ALICE}\n@revoked * {BOB}\n")
    out, err = keys("list", status=1)
    assert "\x1b" not in out + err
    assert "line 1: a host in it is not printable ASCII" in err


def test_a_damaged_file_lists_nothing(keys: Keys) -> None:
    keys("trust", "chat.example.org", ALICE)
    with (keys.home / "store" / "known_hosts").open("a") as file:
        file.write("damaged\n")
    out, err = keys("list", status=1)
    assert out == ""
    assert "line 2" in err


# -- pre-shared keys -------------------------------------------------------------------------------------------------------


def test_a_pre_shared_key_is_made_for_its_owner_alone_and_never_shown(keys: Keys) -> None:
    out, err = keys("psk", "shared")
    made = keys.home / "shared"
    secret = made.read_text().strip()
    assert len(bytes.fromhex(secret)) == 32
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert out == ""
    assert secret not in err
    assert "exists already" in keys("psk", "shared", status=2)[1]
    assert made.read_text().strip() == secret


def test_two_pre_shared_keys_differ(keys: Keys) -> None:
    keys("psk", "one")
    keys("psk", "two")
    assert (keys.home / "one").read_text() != (keys.home / "two").read_text()


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_an_exposed_identity_is_refused(keys: Keys) -> None:
    keys("new")
    keys.file.chmod(0o644)
    _, err = keys("show", status=1)
    assert "chmod 600" in err


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("412@relay.example.org", "[412@relay.example.org:7592]"),
        ("412@relay.example.org:9000", "[412@relay.example.org:9000]"),
        ("412@wss://relay.example.org/there", "[412@wss://relay.example.org/there]"),
        ("/run/chat.socket", "[/run/chat.socket]"),
        ("kitchen.local", "[kitchen.local]"),
        ("kitchen.local:7591", "[kitchen.local]:7591"),
        ("ws://chat.example.org/", "[chat.example.org]:80"),
    ],
)
def test_every_address_that_connect_takes_is_trusted_and_forgotten(keys: Keys, written: str, stored: str) -> None:
    keys("trust", written, ALICE)
    assert (keys.home / "store" / "known_hosts").read_text() == f"{stored} {ALICE}\n"
    _, err = keys("trust", written, BOB, status=5)
    assert err.strip().endswith(f"chat keys forget {written}")
    assert f"of {stored}." in keys("forget", written)[1]


def test_a_path_is_the_same_from_everywhere(keys: Keys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    keys("trust", "./chat.socket", ALICE)
    assert (keys.home / "store" / "known_hosts").read_text().startswith(f"[{tmp_path}/chat.socket] ")
