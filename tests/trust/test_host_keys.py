"""known_hosts: the truth table of first use, and every answer beside `ssh-keygen`'s."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plytalk.core.contracts.errors import ChangedPeer, Usage
from plytalk.core.contracts.public_key import PublicKey
from plytalk.trust.files import locked
from plytalk.trust.host_keys import HostKeyFinding, HostKeyVerdict, KnownHostsFile, host_name
from plytalk.trust.store_errors import Corrupt, Exposed, FileInUse, StoreError

needs_ssh_keygen = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="install OpenSSH's ssh-keygen (openssh-client)")


def key(number: int, type: str = "ssh-ed25519") -> PublicKey:
    return PublicKey.of(type, bytes([number]) * 32)


OURS = key(1)
HOST = ("chat.example", 8000)


@pytest.fixture
def store(tmp_path: Path) -> KnownHostsFile:
    return KnownHostsFile(tmp_path / "known_hosts", wait=0)


def put(store: KnownHostsFile, text: str) -> None:
    store.path.write_text(text)
    store.path.chmod(0o600)


def keygen(*arguments: object, status: int = 0) -> str:
    ran = subprocess.run(["ssh-keygen", *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert ran.returncode == status, ran.stderr
    return ran.stdout


# The truth table: what each state of the store says to a lookup, and what then happens to an attempt to add. Only a host
# that is plainly absent, or plainly the same, ever leads to anything but a refusal.

LINE = f"[chat.example]:8000 {OURS}\n"


def folder_in_its_place(store: KnownHostsFile) -> None:
    store.path.mkdir()


def open_to_others(store: KnownHostsFile) -> None:
    put(store, LINE)
    store.path.chmod(0o666)


def dangling_link(store: KnownHostsFile) -> None:
    store.path.symlink_to(store.path.parent / "nothing")


TABLE: list[tuple[str, str | Callable[[KnownHostsFile], None], HostKeyVerdict | type[Exception], bool | type[Exception]]] = [
    ("no file", "", HostKeyVerdict.ABSENT, True),
    ("absent", f"[other.example]:8000 {OURS}\n[chat.example]:8001 {OURS}\nchat.example {OURS}\n", HostKeyVerdict.ABSENT, True),
    ("only an authority", f"@cert-authority * {OURS}\n", HostKeyVerdict.ABSENT, True),
    ("another key is revoked", f"@revoked * {key(2)}\n", HostKeyVerdict.ABSENT, True),
    ("same", LINE, HostKeyVerdict.SAME, False),
    ("same among others", f"[chat.example]:8000 {key(2)}\n{LINE}", HostKeyVerdict.SAME, False),
    ("changed", f"[chat.example]:8000 {key(2)}\n", HostKeyVerdict.CHANGED, ChangedPeer),
    ("changed, authority same", f"[chat.example]:8000 {key(2)}\n@cert-authority * {OURS}\n", HostKeyVerdict.CHANGED, ChangedPeer),
    ("other type", f"[chat.example]:8000 {key(1, 'ssh-rsa')}\n", HostKeyVerdict.OTHER_TYPE, ChangedPeer),
    ("revoked", f"@revoked * {OURS}\n", HostKeyVerdict.REVOKED, ChangedPeer),
    ("revoked, and same", f"{LINE}@revoked [chat.example]:8000 {OURS}\n", HostKeyVerdict.REVOKED, ChangedPeer),
    ("corrupt line", f"[other.example]:8000 ssh-ed25519 AAAA\n{LINE}", Corrupt, Corrupt),
    ("corrupt last line", f"{LINE}[chat.exam", Corrupt, Corrupt),
    ("changed, after a byte order mark", f"\ufeff[chat.example]:8000 {key(2)}\n", HostKeyVerdict.CHANGED, ChangedPeer),
    ("revoked, after a byte order mark", f"\ufeff@revoked * {OURS}\n", HostKeyVerdict.REVOKED, ChangedPeer),
    ("changed, after two byte order marks", f"\ufeff\ufeff[chat.example]:8000 {key(2)}\n", Corrupt, Corrupt),
    ("a host that is not ASCII", f"[ch\u00e4t.example]:8000 {OURS}\n{LINE}", Corrupt, Corrupt),
    ("zeros after a crash", f"{LINE}\0\0\0\0\n", Corrupt, Corrupt),
    ("unreadable: a folder", folder_in_its_place, StoreError, StoreError),
    ("unreadable: a link", dangling_link, StoreError, StoreError),
    ("others can write it", open_to_others, Exposed, Exposed),
]


@pytest.mark.parametrize(("state", "looked_up", "added"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_truth_table(
    store: KnownHostsFile,
    state: str | Callable[[KnownHostsFile], None],
    looked_up: HostKeyVerdict | type[Exception],
    added: bool | type[Exception],
) -> None:
    if callable(state):
        state(store)
    elif state:
        put(store, state)
    before = store.path.read_bytes() if store.path.is_file() else None

    if isinstance(looked_up, HostKeyVerdict):
        assert store.lookup(*HOST, OURS).verdict is looked_up
    else:
        with pytest.raises(looked_up):
            store.lookup(*HOST, OURS)

    if isinstance(added, bool):
        assert store.add(*HOST, OURS) is added
        assert store.lookup(*HOST, OURS).verdict is HostKeyVerdict.SAME
        assert store.path.read_bytes() == (before or b"") + (LINE.encode() if added else b"")
    else:
        with pytest.raises(added):
            store.add(*HOST, OURS)
        assert (store.path.read_bytes() if store.path.is_file() else None) == before


def test_a_store_that_another_program_holds_is_read_and_not_changed(store: KnownHostsFile) -> None:
    put(store, LINE)
    with locked(store.path):
        for attempt in (lambda: store.add("new.example", 8000, OURS), lambda: store.forget(*HOST)):
            with pytest.raises(FileInUse):
                attempt()
        assert store.lookup(*HOST, OURS).verdict is HostKeyVerdict.SAME


def test_a_full_disk_leaves_the_old_file(store: KnownHostsFile) -> None:
    put(store, LINE * 20)
    code = """if True:
        import resource, sys, pathlib
        from plytalk.trust.host_keys import KnownHostsFile
        from plytalk.core.contracts.public_key import PublicKey
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
        try:
            print(KnownHostsFile(pathlib.Path(sys.argv[1])).add("new.example", 8000, PublicKey.parse(sys.argv[2])))
        except Exception as trouble:
            print(trouble.sentence)
    """
    ran = subprocess.run([sys.executable, "-c", code, str(store.path), str(OURS)], capture_output=True, text=True, timeout=180)
    assert ran.stdout.endswith("could not be written: File too large. Nothing was changed: make room, or name another file.\n"), (
        ran.stderr
    )
    assert store.path.read_text() == LINE * 20
    assert store.lookup("new.example", 8000, OURS).verdict is HostKeyVerdict.ABSENT


WRITER = """if True:
    import sys, pathlib
    from plytalk.core.contracts.errors import ChangedPeer
    from plytalk.trust.host_keys import KnownHostsFile
    from plytalk.core.contracts.public_key import PublicKey
    store, key = KnownHostsFile(pathlib.Path(sys.argv[1]), wait=60), PublicKey.parse(sys.argv[2])
    sys.stdin.readline()
    for host in sys.argv[3:]:
        try:
            print(store.add(host, 8000, key))
        except ChangedPeer:
            print("refused")
"""


def write_at_once(store: KnownHostsFile, *jobs: tuple[PublicKey, list[str]]) -> list[list[str]]:
    start = [sys.executable, "-c", WRITER, str(store.path)]
    writers = [
        subprocess.Popen([*start, str(key), *hosts], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for key, hosts in jobs
    ]
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("go\n")
        writer.stdin.flush()
    return [writer.communicate(timeout=120)[0].split() for writer in writers]


def test_two_writers_of_different_hosts_both_get_their_lines(store: KnownHostsFile) -> None:
    jobs = [(key(writer), [f"{writer}-{each}.example" for each in range(20)]) for writer in range(1, 5)]
    assert write_at_once(store, *jobs) == [["True"] * 20] * 4
    for mine, hosts in jobs:
        assert {store.lookup(host, 8000, mine).verdict for host in hosts} == {HostKeyVerdict.SAME}
    assert len(store.entries()) == 80


def test_of_two_writers_with_different_keys_of_one_host_one_is_refused(store: KnownHostsFile) -> None:
    hosts = [f"{each}.example" for each in range(20)]
    one, two = write_at_once(store, (key(1), hosts), (key(2), hosts))
    for host, outcome in zip(hosts, zip(one, two, strict=True), strict=True):
        assert sorted(outcome) == ["True", "refused"]
        assert sorted(store.lookup(host, 8000, key(each)).verdict.value for each in (1, 2)) == ["changed", "same"]
    assert len(store.entries()) == 20


def test_the_lines_that_decide_are_named(store: KnownHostsFile) -> None:
    put(store, f"# mine\n[chat.example]:8000 {key(2)}\n\n{LINE}[chat.example]:8000 {key(3)} again\n")
    assert store.lookup(*HOST, OURS) == HostKeyFinding(HostKeyVerdict.SAME, (4,))
    assert store.lookup(*HOST, key(4)) == HostKeyFinding(HostKeyVerdict.CHANGED, (2, 4, 5))


def test_a_file_cut_anywhere_never_says_absent(store: KnownHostsFile) -> None:
    for end in range(1, len(LINE) - 1):
        put(store, LINE[:end])
        with pytest.raises(Corrupt, match="line 1:"):
            store.lookup(*HOST, OURS)
    put(store, LINE[:-1])
    assert store.lookup(*HOST, OURS).verdict is HostKeyVerdict.SAME


@pytest.mark.parametrize(
    "line",
    [
        "chat.example",
        "chat.example ssh-ed25519",
        f"chat.example {OURS.type} {str(OURS).split()[1][:-1]}",
        f"chat.example ssh-rsa {str(OURS).split()[1]}",
        "chat.example 1024 35 1234567890",
        f"@revoke chat.example {OURS}",
        f"@revoked {OURS}",
        f"@revoked@cert-authority chat.example {OURS}",
        f"@revoked @cert-authority chat.example {OURS}",
        f"@ chat.example {OURS}",
        f"chat.example {OURS}\0",
        f"|1|AAAA|AAAA {OURS}",
        f"|2|{'A' * 27}=|{'A' * 27}= {OURS}",
        f"|1|{'A' * 27}=|{'A' * 26}B= {OURS}",
        f"|1|{'A' * 27}=|{'A' * 27}=|x {OURS}",
        f"|1|é|é {OURS}",
        f"<<<<<<< chat.example {OURS}",
        f"ch\u00e4t.example {OURS}",
        f"\ufeffchat.example {OURS}",
        f"chat.example,\u0441hat.example {OURS}",
        f"@revoked \u2603 {OURS}",
        f"chat\x1b.example {OURS}",
        f"chat.example\x0b {OURS}",
        f"chat.example\u2028 {OURS}",
    ],
)
def test_a_line_that_cannot_be_understood_refuses_everything_with_its_number(store: KnownHostsFile, line: str) -> None:
    put(store, f"{LINE}# comment\n\t{line}\n")
    attempts: list[Callable[[], object]] = [
        lambda: store.lookup(*HOST, OURS),
        lambda: store.add("new.example", 8000, OURS),
        lambda: store.forget(*HOST),
        store.entries,
    ]
    for attempt in attempts:
        with pytest.raises(Corrupt, match="line 3:") as refusal:
            attempt()
        assert "until line 3 is corrected" in refusal.value.hint
    assert store.path.read_text() == f"{LINE}# comment\n\t{line}\n"


def test_adding_disturbs_nothing_else(store: KnownHostsFile) -> None:
    odd = f"# caf\xe9 \r\n\n  {LINE[:-1]}\t me  \r\n@revoked x,!y {key(9)}".encode("latin-1")
    store.path.write_bytes(odd)
    store.path.chmod(0o644)
    assert store.add("::1", 22, key(2)) is True
    assert store.path.read_bytes() == odd + f"\n::1 {key(2)}\n".encode()
    assert [entry.comment for entry in store.entries()] == ["me", "", ""]


@pytest.mark.parametrize(
    "host", ["", "a b", "a,b", "*", "a?", "!a", "|1|", "#a", "@revoked", "[::1]", "a\n", "bücher.de", "a" * 256, "a\0"]
)
def test_a_host_that_would_forge_a_line_is_refused(store: KnownHostsFile, host: str) -> None:
    for attempt in (
        lambda: store.lookup(host, 8000, OURS),
        lambda: store.add(host, 8000, OURS),
        lambda: store.forget(host, 8000),
    ):
        with pytest.raises(Usage, match="cannot be stored in known_hosts"):
            attempt()
    assert not store.path.exists()


def test_hosts_are_named_as_openssh_names_them() -> None:
    assert host_name("Chat.Example", 22) == "chat.example"
    assert host_name("Chat.Example", 8000) == "[chat.example]:8000"
    assert host_name("::1", 22) == "::1"
    assert host_name("fe80::1%eth0", 8000) == "[fe80::1%eth0]:8000"
    for port in (0, -1, 65536):
        with pytest.raises(Usage):
            host_name("chat.example", port)


def test_forgetting_returns_what_went_and_keeps_revocations(store: KnownHostsFile) -> None:
    put(store, f"# mine\n{LINE}@revoked [chat.example]:8000 {key(2)}\n[chat.example]:8001 {OURS}\n[chat.example]:8000 {key(3)}\n")
    assert [(entry.line, entry.key) for entry in store.forget("Chat.Example", 8000)] == [(2, OURS), (5, key(3))]
    assert store.path.read_text() == f"# mine\n@revoked [chat.example]:8000 {key(2)}\n[chat.example]:8001 {OURS}\n"
    assert store.forget(*HOST) == []
    assert store.lookup(*HOST, OURS).verdict is HostKeyVerdict.ABSENT
    assert store.lookup(*HOST, key(2)).verdict is HostKeyVerdict.REVOKED


def test_a_hashed_host_is_found_and_not_readable(store: KnownHostsFile) -> None:
    store.add(*HOST, OURS, hashed=True)
    store.add("::1", 8000, key(2), hashed=True)
    assert "chat" not in store.path.read_text()
    assert store.lookup("CHAT.example", 8000, OURS) == HostKeyFinding(HostKeyVerdict.SAME, (1,))
    assert store.lookup(*HOST, key(2)).verdict is HostKeyVerdict.CHANGED
    assert store.lookup("chat.example", 8001, OURS).verdict is HostKeyVerdict.ABSENT
    assert len(store.forget(*HOST)) == 1
    assert store.lookup("::1", 8000, key(2)).verdict is HostKeyVerdict.SAME


@given(st.lists(st.binary(max_size=60) | st.sampled_from([LINE.encode(), b"@revoked ", b"|1|", b"\n", b"* "]), max_size=6))
@settings(max_examples=200)
def test_any_bytes_give_a_verdict_or_a_refusal(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    store = KnownHostsFile(tmp_path_factory.mktemp("any") / "known_hosts")
    store.path.write_bytes(b"".join(pieces))
    store.path.chmod(0o600)
    try:
        found = store.lookup(*HOST, OURS)
    except StoreError:
        return
    assert (found.verdict is HostKeyVerdict.ABSENT) == (found.lines == ())


# Beside ssh-keygen. Its answers are read off the lines "# Host NAME found: line N" of -F.

PATTERNS = [
    "chat.example",
    "[chat.example]:8000",
    "[chat.example]:8001,chat.example",
    "[Chat.Example]:8000",
    "*",
    "*.example",
    "[*.example]:8000",
    "[*]:80?0",
    "[chat.exampl?]:*",
    "!chat.example,*",
    "*,![chat.example]:8000",
    "![chat.*]:8000,[chat.example]:8000",
    "[chat.example]:8000,,x",
    "[::1]:8000",
    "::1",
    "[*::*]:*",
    "192.0.2.?,[192.0.2.1]:8000",
    "chat.example,!chat.example",
    "!chat.example",
    "a*e*x*e*",
    "[c*t.e*e]:8*",
]
NAMES = [
    ("chat.example", 22),
    ("chat.example", 8000),
    ("CHAT.example", 8000),
    ("chat.example", 8001),
    ("other.example", 8000),
    ("::1", 8000),
    ("::1", 22),
    ("192.0.2.1", 8000),
    ("192.0.2.7", 22),
    ("a.example", 22),
]


def lines_found(path: Path, host: str, port: int) -> list[int]:
    ran = subprocess.run(["ssh-keygen", "-F", host_name(host, port), "-f", path], capture_output=True, text=True)
    return [int(number) for number in re.findall(r"^# Host .* found: line (\d+)", ran.stdout, re.MULTILINE)]


def we_find(store: KnownHostsFile, host: str, port: int) -> list[int]:
    return [entry.line for entry in store.entries() if entry.concerns(host_name(host, port))]


@needs_ssh_keygen
@pytest.mark.parametrize(("host", "port"), NAMES)
def test_we_find_the_lines_that_ssh_keygen_finds(store: KnownHostsFile, host: str, port: int) -> None:
    markers = ["", "@revoked ", "@cert-authority "]
    put(store, "# first\n" + "".join(f"{marker}{pattern} {OURS} c\n" for pattern in PATTERNS for marker in markers))
    expected = lines_found(store.path, host, port)
    assert expected == we_find(store, host, port)
    assert expected


@needs_ssh_keygen
@pytest.mark.parametrize(("host", "port"), NAMES)
def test_ssh_keygen_finds_what_we_hash(store: KnownHostsFile, host: str, port: int) -> None:
    for number, (other, at) in enumerate({host_name(*name): name for name in NAMES}.values()):
        store.add(other, at, key(number), hashed=True)
    (line,) = lines_found(store.path, host, port)
    assert [line] == we_find(store, host, port)


@needs_ssh_keygen
@pytest.mark.parametrize(("host", "port"), NAMES)
def test_forgetting_is_the_removal_of_ssh_keygen(store: KnownHostsFile, tmp_path: Path, host: str, port: int) -> None:
    theirs = KnownHostsFile(tmp_path / "theirs")
    for other, at in {(each.lower(), at): None for each, at in NAMES}:
        store.add(other, at, OURS, hashed=True)
    text = store.path.read_text() + "# plain\n\n" + "".join(f"{each} {OURS} c\n@revoked {each} {key(2)}\n" for each in PATTERNS)
    put(store, text)
    put(theirs, text)
    keygen("-R", host_name(host, port), "-f", theirs.path)
    gone = store.forget(host, port)
    assert store.path.read_text() == theirs.path.read_text()
    assert len(gone) == len(text.splitlines()) - len(theirs.path.read_text().splitlines()) > 1
    assert gone[0].hashed


@needs_ssh_keygen
def test_fingerprints_are_listed_as_ssh_keygen_lists_them(store: KnownHostsFile) -> None:
    store.add(*HOST, OURS)
    store.add("::1", 22, key(2), hashed=True)
    shown = [line.split()[1] for line in keygen("-l", "-f", store.path).splitlines()]
    assert shown == [entry.key.fingerprint for entry in store.entries()]
