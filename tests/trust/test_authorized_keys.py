"""Authorized keys without options: all of it understood or nobody let in."""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.public_key import PublicKey
from plytalk.trust.authorized_keys import add, allowed
from plytalk.trust.store_errors import Corrupt, Exposed, StoreError


def key(number: int) -> PublicKey:
    return PublicKey.of("ssh-ed25519", bytes([number]) * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "allow"


def put(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o644)
    return path


def test_keys_and_whose_they_are(path: Path) -> None:
    put(path, f"# guests\n\n{key(1)} alice\n\t{key(2)}\tBob of Example \r\n{key(3)} alice")
    assert allowed(path) == {key(1): "alice", key(2): "Bob of Example", key(3): "alice"}


def test_an_empty_list_lets_nobody_in_and_a_missing_one_is_an_error(path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        allowed(path)
    assert allowed(put(path, "# nobody\n")) == {}


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="install OpenSSH's ssh-keygen (openssh-client)")
def test_a_line_of_ssh_keygen_is_a_line_here(path: Path, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me@here", "-f", tmp_path / "id"], check=True)
    put(path, (tmp_path / "id.pub").read_text())
    shown = subprocess.run(["ssh-keygen", "-l", "-f", path], capture_output=True, text=True, check=True).stdout.split()
    assert [(guest.fingerprint, name) for guest, name in allowed(path).items()] == [(shown[1], "me@here")]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"restrict {key(2)} bob", "options"),
        (f'from="192.0.2.1",command="a b" {key(2)} bob', "options"),
        (f"cert-authority {key(2)} bob", "options"),
        (f"@revoked {key(2)} bob", "options"),
        (f"{key(2)}", "no name"),
        (f"{key(2)} b\x1bb", "cannot be shown"),
        (f"{key(2)} b\u202eb", "cannot be shown"),
        (f"{key(2)} {'b' * 65}", "64 characters"),
        (f"{str(key(2))[:-1]} bob", "base64"),
        (f"{str(key(2))[:-4]} bob", "cut off"),
        (f"ssh-rsa {str(key(2)).split()[1]} bob", "another type"),
        ("bob", "key"),
        (f"{key(1)} alice again", "twice"),
    ],
)
def test_a_line_that_cannot_be_understood_lets_nobody_in(path: Path, line: str, why: str) -> None:
    put(path, f"{key(1)} alice\n# comment\n{line}\n")
    with pytest.raises(Corrupt, match=f"line 3: .*{why}"):
        allowed(path)


def test_a_list_others_can_change_lets_nobody_in(path: Path) -> None:
    put(path, f"{key(1)} alice\n").chmod(0o664)
    with pytest.raises(Exposed, match="changed by other users"):
        allowed(path)


# -- letting somebody in --------------------------------------------------------------------------------------------------


def test_a_key_is_added_once_and_what_was_written_by_hand_stays(path: Path) -> None:
    put(path, f"# guests\n{key(1)} alice")
    for _ in range(2):
        add(path, key(2), " Bob of Example ")
    assert path.read_text() == f"# guests\n{key(1)} alice\n{key(2)} Bob of Example\n"
    add(path, key(1), "someone else")
    assert allowed(path) == {key(1): "alice", key(2): "Bob of Example"}


def test_many_who_add_the_same_at_once_leave_a_list_that_can_be_read(path: Path) -> None:
    put(path, "")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: add(path, key(number % 4), "guest"), range(24)))
    assert set(allowed(path)) == {key(number) for number in range(4)}


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x1bb", "a\u202eb", "x" * 65])
def test_a_name_that_cannot_stand_there_changes_nothing(path: Path, name: str) -> None:
    put(path, f"{key(1)} alice\n")
    with pytest.raises(Usage, match="cannot be the name of a key"):
        add(path, key(2), name)
    assert path.read_text() == f"{key(1)} alice\n"


def test_a_list_that_is_missing_or_damaged_stays_as_it_is(path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        add(path, key(2), "bob")
    assert not path.exists()
    put(path, "damaged\n")
    with pytest.raises(Corrupt):
        add(path, key(2), "bob")
    assert path.read_text() == "damaged\n"
