import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from judging import ALICE, BOB, Shown
from programs import ENVIRONMENT, Chat, chat, connect, serve

from plytalk.core.contracts.errors import Refused, Usage
from plytalk.core.contracts.optional import AdmitsKeys
from plytalk.core.contracts.peers import Role
from plytalk.plugins.authenticators.allow import Allow
from plytalk.plugins.authenticators.words import Words
from plytalk.trust.identity import create
from plytalk.trust.store_errors import Corrupt, StoreError


def nobody(prompt: str) -> str:
    raise AssertionError("it asks for a secret")


def home(folder: Path) -> dict[str, str]:
    return {**ENVIRONMENT, "HOME": str(folder), "PLYTALK_HOME": str(folder)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "allow"
    path.write_text(f"# friends\n{ALICE} Alice\n")
    return path


async def test_who_is_in_the_file_comes_in_by_name(file: Path) -> None:
    shown = await Shown(ALICE, "192.0.2.7:5000", Role.RESPONDER).to(Allow(file))
    assert shown.said == [f"192.0.2.7:5000 is Alice, by {file}."]


async def test_who_is_not_stays_out_and_learns_how_to_come_in(file: Path) -> None:
    with pytest.raises(Refused) as refused:
        await Shown(BOB).to(Allow(file))
    assert BOB.fingerprint in str(refused.value)
    assert "chat keys show" in refused.value.hint


async def test_who_is_struck_out_stays_out_from_then_on(file: Path) -> None:
    auth = Allow(file)
    await Shown(ALICE).to(auth)
    file.write_text(f"{BOB} Bob\n")
    with pytest.raises(Refused):
        await Shown(ALICE).to(auth)
    await Shown(BOB).to(auth)


async def test_before_the_first_guest_it_says_how_many_there_are(file: Path) -> None:
    assert await Allow(file).ready(Role.RESPONDER, nobody) == [f"1 key may come in, by {file}."]
    file.write_text(f"{ALICE} Alice\n{BOB} Bob\n")
    assert await Allow(file).ready(Role.RESPONDER, nobody) == [f"2 keys may come in, by {file}."]


async def test_a_list_from_a_pipe_is_read_once_and_stays_in_force() -> None:
    reading, writing = os.pipe()
    with open(writing, "w") as pipe:
        pipe.write(f"{ALICE} Alice\n")
    auth = Allow(Path(f"/dev/fd/{reading}"))
    with pytest.raises(StoreError, match="not a file that a key could be added to"):
        auth.check_admit(str(BOB), "Bob")
    assert await auth.ready(Role.RESPONDER, nobody) == [f"1 key may come in, by /dev/fd/{reading}."]
    os.close(reading)
    with pytest.raises(StoreError, match="can be read once"):
        auth.reread()
    for _ in range(2):
        await Shown(ALICE).to(auth)
    with pytest.raises(Refused):
        await Shown(BOB).to(auth)


@pytest.mark.parametrize("trouble", ["missing", "damaged", "options"])
async def test_a_list_that_cannot_be_read_lets_nobody_in(trouble: str, file: Path) -> None:
    if trouble == "missing":
        file.unlink()
    else:
        file.write_text(f"{ALICE} Alice\n" + ("damaged\n" if trouble == "damaged" else f'from="*" {BOB} Bob\n'))
    expected = StoreError if trouble == "missing" else Corrupt
    with pytest.raises(expected):
        await Allow(file).ready(Role.RESPONDER, nobody)
    with pytest.raises(expected):
        await Shown(ALICE).to(Allow(file))


@pytest.mark.parametrize("trouble", ["a bad line", "missing", "open to others", "a key twice"])
async def test_a_list_that_cannot_be_read_any_more_leaves_the_old_one_in_force(trouble: str, file: Path) -> None:
    auth = Allow(file)
    await auth.ready(Role.RESPONDER, nobody)
    if trouble == "missing":
        file.unlink()
    elif trouble == "open to others":
        file.write_text(f"{ALICE} Alice\n{BOB} Bob\n")
        file.chmod(0o666)
    else:
        file.write_text(f"{BOB} Bob\n{BOB} Bob\n" if trouble == "a key twice" else f"{BOB} Bob\ndamaged\n")
    named = {"a bad line": f"{file}, line 2: ", "a key twice": f"{file}, line 2: this key is listed twice"}.get(
        trouble, str(file)
    )
    with pytest.raises(StoreError) as refusal:
        auth.reread()
    assert named in refusal.value.sentence
    shown = await Shown(ALICE, "192.0.2.7:5000").to(auth)
    assert named in shown.said[0]
    assert shown.said[0].endswith("Until then the previous list stays in force.")
    assert shown.said[1:] == [f"192.0.2.7:5000 is Alice, by {file}."]
    assert len((await Shown(ALICE).to(auth)).said) == 1  # told once
    with pytest.raises(Refused):
        await Shown(BOB).to(auth)
    file.unlink(missing_ok=True)
    file.write_text(f"{BOB} Bob\n")
    assert auth.reread() == [f"1 key may come in, by {file}."]
    with pytest.raises(Refused):
        await Shown(ALICE).to(auth)


def test_a_bad_line_at_sighup_is_told_and_nobody_on_the_list_is_locked_out(tmp_path: Path) -> None:
    for who in ("server", "client"):
        create(tmp_path / who / "identity")
    line = chat("keys", "export", environment=home(tmp_path / "client")).stdout.rsplit(" ", 1)[0] + " Alice\n"
    (tmp_path / "allow").write_text(line)
    with serve("--keep", "--headless", "--allow", str(tmp_path / "allow"), environment=home(tmp_path / "server")) as server:
        (tmp_path / "allow").write_text(f"{line}damaged\n")
        server.process.send_signal(signal.SIGHUP)
        told = server.tells("allow, line 2: ")
        assert f"{tmp_path / 'allow'}, line 2: " in told
        assert told.endswith("Nothing was changed.")
        with connect(server.port, "--accept-new", environment=home(tmp_path / "client")) as client:
            client.end_input()
            assert client.status() == 0, client.told
        (tmp_path / "allow").write_text("# nobody\n")
        server.process.send_signal(signal.SIGHUP)
        server.tells("0 keys may come in")
        with connect(server.port, "--accept-new", environment=home(tmp_path / "client")) as client:
            server.tells("did not get in")
            client.end_input()
            client.status()


async def test_who_is_let_in_from_within_comes_in_from_then_on(file: Path) -> None:
    auth = Allow(file)
    with pytest.raises(Refused):
        await Shown(BOB).to(auth)
    assert auth.admit(str(BOB), "Bob") == f"Bob may come in now, by {file}."
    assert (await Shown(BOB, "192.0.2.7:5000").to(auth)).said == [f"192.0.2.7:5000 is Bob, by {file}."]
    with pytest.raises(Usage, match="cannot be the name of a key"):
        auth.admit(str(ALICE), "two\nlines")
    assert file.read_text() == f"# friends\n{ALICE} Alice\n{BOB} Bob\n"


def test_an_authenticator_without_a_list_lets_nobody_in_by_one() -> None:
    assert isinstance(Allow(Path()), AdmitsKeys)
    assert not isinstance(Words(), AdmitsKeys)


# -- the commands ----------------------------------------------------------------------------------------------------------


def environment(home: Path) -> dict[str, str]:
    return {**ENVIRONMENT, "HOME": str(home), "PLYTALK_HOME": str(home)}


@pytest.fixture
def guest(tmp_path: Path) -> Path:
    home = tmp_path / "guest"
    create(home / "identity")
    return home


@pytest.fixture
def server(tmp_path: Path, guest: Path) -> Iterator[Chat]:
    allow = tmp_path / "allow"
    allow.write_text(chat("keys", "export", environment=environment(guest)).stdout.replace("plytalk", "Alice"))
    with serve("--keep", "--allow", str(allow), environment=environment(tmp_path / "server")) as ours:
        yield ours


def test_a_guest_comes_in_and_a_stranger_does_not(server: Chat, guest: Path, tmp_path: Path) -> None:
    create(tmp_path / "stranger" / "identity")
    with connect(server.port, "--accept-new", environment=environment(tmp_path / "stranger")) as stranger:
        assert "is not in" in server.tells("did not get in")
        assert stranger.status() != 0
    with connect(server.port, "--accept-new", environment=environment(guest)) as alice:
        server.tells("is Alice, by")
        alice.say("hello")
        assert server.hear_words() == "hello"
        alice.say("exit")
        assert alice.status() == 0


def test_a_client_has_no_list_of_guests(guest: Path) -> None:
    run = chat("connect", "127.0.0.1:1", "--allow", str(guest / "allow"), environment=environment(guest))
    assert run.returncode == 2
    assert "--auth allow cannot work on the client" in run.stderr
