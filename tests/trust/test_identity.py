"""The identity: made once, closed to others, read by OpenSSH, silent about itself."""

import copy
import os
import pickle
import shutil
import stat
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from plytalk.core.contracts.public_key import PublicKey
from plytalk.trust import identity
from plytalk.trust.identity import (
    OwnIdentity,
    WrongPassphrase,
    create,
    identity_key,
    load,
    load_or_create,
    raw_key,
    verify,
)
from plytalk.trust.store_errors import Exposed, StoreError

needs_ssh_keygen = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="install OpenSSH's ssh-keygen (openssh-client)")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "identity"


def keygen(*arguments: object) -> str:
    return subprocess.run(
        ["ssh-keygen", *map(str, arguments)], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    ).stdout


def test_the_first_need_makes_an_identity_and_the_second_finds_it(path: Path) -> None:
    before = os.umask(0)
    try:
        first, made = load_or_create(path)
    finally:
        os.umask(before)
    again, made_again = load_or_create(path)
    assert (made, made_again) == (True, False)
    assert first.public == again.public == load(path).public
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)


def test_many_first_needs_at_once_agree_on_one_identity(path: Path) -> None:
    code = "import sys, pathlib; from plytalk.trust.identity import *; print(*load_or_create(pathlib.Path(sys.argv[1])))"
    starts = [subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) for _ in range(6)]
    said = [start.communicate(timeout=180)[0].split() for start in starts]
    assert len({shown for shown, _ in said}) == 1
    assert sorted(made for _, made in said) == ["False"] * 5 + ["True"]


def test_a_first_need_that_comes_second_takes_the_identity_of_the_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = create(path)
    monkeypatch.setattr(os.path, "lexists", lambda _: False)  # as it was when this process looked
    ours, made = load_or_create(path)
    assert (ours.public, made) == (theirs.public, False)


def test_an_identity_in_a_folder_that_cannot_be_changed_is_used(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = create(path)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    opened = os.open

    def read_only(name: object, flags: int, *mode: int) -> int:
        assert not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT), name
        return opened(name, flags, *mode)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", read_only)
    assert load_or_create(path)[0].public == made.public


@needs_ssh_keygen
def test_openssh_reads_our_identity(path: Path) -> None:
    ours = create(path)
    assert keygen("-y", "-f", path).split()[:2] == ours.public_line().split()[:2]
    assert keygen("-l", "-f", path).split()[1] == ours.fingerprint


@needs_ssh_keygen
def test_we_read_openssh_s_identity(path: Path) -> None:
    path.parent.mkdir()
    keygen("-q", "-t", "ed25519", "-N", "", "-C", "someone else", "-f", path)
    assert load(path).public_line("someone else") + "\n" == path.with_suffix(".pub").read_text()


@needs_ssh_keygen
def test_a_passphrase_is_asked_for_and_must_be_right(path: Path) -> None:
    pytest.importorskip("bcrypt", reason="install bcrypt to protect identities with a passphrase")
    asked: list[Path] = []

    def ask(path: Path) -> str:
        asked.append(path)
        return "correct horse"

    ours = create(path, "correct horse")
    assert load(path, ask).public == ours.public
    assert asked == [path]
    assert load_or_create(path, ask)[1] is False
    assert keygen("-y", "-P", "correct horse", "-f", path).split()[:2] == ours.public_line().split()[:2]
    answers = ["correct horsE", "", "é"]
    while answers:
        with pytest.raises(WrongPassphrase, match="does not open"):
            load(path, lambda _: answers.pop())
    with pytest.raises(StoreError, match="nobody can be asked"):
        load(path)


def test_without_bcrypt_a_passphrase_is_refused_not_ignored(path: Path) -> None:
    code = """if True:
        import sys, pathlib
        sys.modules["bcrypt"] = None
        from plytalk.trust.identity import create
        try:
            create(pathlib.Path(sys.argv[1]), "correct horse")
        except Exception as trouble:
            print(trouble.sentence)
    """
    ran = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=180)
    assert ran.stdout == "Passphrases need the package `bcrypt`, which is not installed. `pip install bcrypt`\n"
    assert not path.exists()


def test_an_identity_is_never_overwritten(path: Path) -> None:
    ours = create(path)
    with pytest.raises(StoreError, match="exists already"):
        create(path)
    assert load(path).public == ours.public


def test_an_identity_others_can_read_is_refused(path: Path) -> None:
    create(path)
    path.chmod(0o640)
    for attempt in (load, load_or_create):
        with pytest.raises(Exposed) as refusal:
            attempt(path)
        assert refusal.value.hint == f"`chmod 600 {path}`"


def test_a_damaged_identity_is_refused_and_never_replaced(path: Path) -> None:
    create(path)
    whole = path.read_bytes()
    for damaged in (b"", whole[:-40], whole.replace(b"OPENSSH", b"CLOSESSH"), whole[:100] + b"A" + whole[101:200], b"\xff" * 100):
        path.write_bytes(damaged)
        for attempt in (load, load_or_create):
            with pytest.raises(StoreError, match="damaged"):
                attempt(path)
        assert path.read_bytes() == damaged


@needs_ssh_keygen
def test_a_key_of_another_type_is_refused(path: Path) -> None:
    path.parent.mkdir()
    keygen("-q", "-t", "ecdsa", "-N", "", "-f", path)
    with pytest.raises(StoreError, match="another type"):
        load(path)


def test_without_a_file_loading_says_what_to_do(path: Path) -> None:
    with pytest.raises(StoreError, match="There is no identity") as refusal:
        load(path)
    assert "chat keys new" in refusal.value.hint


def test_a_signature_fits_its_key_and_its_message_only(path: Path) -> None:
    ours = create(path)
    other = OwnIdentity(Ed25519PrivateKey.generate())
    signature = ours.sign(b"message")
    assert len(signature) == identity.SIGNATURE_BYTES
    assert verify(ours.public, signature, b"message")
    assert not verify(ours.public, signature, b"massage")
    assert not verify(other.public, signature, b"message")
    assert not verify(ours.public, signature[:-1], b"message")
    with pytest.raises(ValueError, match="ssh-ed25519"):
        verify(PublicKey.of("ssh-rsa", b"\3", b"n"), signature, b"message")
    assert identity_key(raw_key(ours.public)) == ours.public


def test_points_of_small_order_and_unreduced_numbers_are_refused() -> None:
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p

    def add(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
        product = d * a[0] * b[0] * a[1] * b[1]
        x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + product, -1, p)
        return x % p, (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, p) % p

    y = identity._ORDER_8
    square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
    x = pow(square, (p + 3) // 8, p)
    x = x if x * x % p == square else x * pow(2, (p - 1) // 4, p) % p
    multiples = [(0, 1)]
    while len(multiples) < 8:
        multiples.append(add(multiples[-1], (x, y)))
    assert add(multiples[-1], (x, y)) == (0, 1)
    assert len(set(multiples)) == 8
    assert {each[1] for each in multiples} == identity._LOW_ORDER
    for _, low in multiples:
        for sign in (0, 1 << 255):
            with pytest.raises(ValueError, match="not an ssh-ed25519"):
                identity_key((low | sign).to_bytes(32, "little"))
    for raw in (p.to_bytes(32, "little"), (p + 3).to_bytes(32, "little"), bytes(31), b"\5" * 33):
        with pytest.raises(ValueError, match="not an ssh-ed25519"):
            identity_key(raw)


def test_a_comment_cannot_forge_a_line(path: Path) -> None:
    with pytest.raises(ValueError, match="one line"):
        create(path).public_line("me\nssh-ed25519 AAAA mallory")


def test_an_identity_is_not_copied(path: Path) -> None:
    ours = create(path)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            attempt(ours)
    assert not hasattr(ours, "__dict__")


def test_nothing_shows_the_secret(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes_raw()
    ours = OwnIdentity(key)
    shown = [repr(ours), str(ours), ours.public_line(), f"{ours!a}"]
    try:
        pickle.dumps(ours)
    except TypeError:
        shown.append(traceback.format_exc())
    for text in shown:
        assert secret.hex() not in text.lower()
        assert repr(secret)[2:-1] not in text
    assert repr(ours) == f"Identity({ours.public.fingerprint})"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only systems with fork have forked children")
def test_a_forked_child_cannot_sign(path: Path) -> None:
    code = """if True:
        import os, sys, pathlib
        from plytalk.trust.identity import OtherProcess, create
        ours = create(pathlib.Path(sys.argv[1]))
        child = os.fork()
        if child == 0:
            try:
                ours.sign(b"message")
            except OtherProcess:
                os._exit(7)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(ours.sign(b"message")))
    """
    ran = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=180)
    assert ran.stdout == "7 64\n"
