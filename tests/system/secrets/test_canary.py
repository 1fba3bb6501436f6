"""The canaries themselves: a leak in any form is found, and nothing else is."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from canary import CAN_LOOK, Canaries

SECRET = os.urandom(32)
CANARIES = Canaries({"the key": SECRET})

LEAKS = {
    "raw": SECRET,
    "hex": SECRET.hex(),
    "upper": SECRET.hex().upper(),
    "spaced": SECRET.hex(" "),
    "colons": SECRET.hex(":"),
    "first half": SECRET[:16].hex(),
    "last half": SECRET[16:].hex(),
    "base64": base64.b64encode(SECRET),
    "base64 within": base64.b64encode(b"x" + SECRET + b"yz"),
    "base64 further within": base64.b64encode(b"xx" + SECRET),
    "base64url": base64.urlsafe_b64encode(b"{" + SECRET),
    "repr": repr({"key": SECRET}),
    "list": repr(list(SECRET)),
    "number": f"key={int.from_bytes(SECRET)}",
    "another number": f"key={int.from_bytes(SECRET, 'little')}",
}


@pytest.mark.parametrize("form", LEAKS)
def test_a_leak_is_found_in_every_form(form: str) -> None:
    leak = LEAKS[form]
    within = b"before " + leak + b" after" if isinstance(leak, bytes) else f"before {leak} after"
    assert CANARIES.within(within) == {"the key"}


def test_what_is_no_leak_is_not_found() -> None:
    assert not CANARIES.within(os.urandom(65536))
    assert not CANARIES.within(os.urandom(4096).hex())


def test_a_short_secret_is_found_too() -> None:
    assert Canaries({"passphrase": b"correct horse"}).within("it is correct horse, they say") == {"passphrase"}


@pytest.mark.skipif(not CAN_LOOK, reason="needs /proc, as Linux has it")
@pytest.mark.parametrize("where", ["cmdline", "environ"])
def test_a_process_that_shows_a_secret_is_found(where: str) -> None:
    arguments = [SECRET.hex()] if where == "cmdline" else []
    environment = {**os.environ, "LEAK": SECRET.hex()} if where == "environ" else None
    waits = [sys.executable, "-c", "print(flush=True); input()", *arguments]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        process.stdout.readline()
        assert CANARIES.in_processes() == {f"the key in /proc/{process.pid}/{where}"}
        process.communicate(b"\n", timeout=180)


def test_a_file_that_holds_a_secret_is_found_unless_it_is_meant_to(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "history").write_text(f"psk {SECRET.hex()}\n")
    (tmp_path / "key").write_bytes(SECRET)
    assert CANARIES.in_files(tmp_path, {tmp_path / "key"}) == {f"the key in {tmp_path / 'folder' / 'history'}"}
