"""`tls` with programs that everybody has: ncat, OpenSSL's s_client and socat, as guests of a plaintext chat."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from certificates import Authority
from people import environment
from programs import Chat, chat, complaint, started

PAGE = Path(__file__).resolve().parents[3] / "docs" / "howto-server.md"
TRUSTS = {"ncat": "--ssl-trustfile {ca} ", "openssl": "-CAfile {ca} ", "socat": ",cafile={ca}"}
"""By which option each program trusts the test's CA besides those of the system, and where the line of the page has it."""


def documented(program: str) -> str:
    """The line that the page tells guests to type, for the test's CA and address."""
    line = re.search(rf"^    ({program} .*)$", PAGE.read_text(), re.M)[1]  # type: ignore[index]
    if program == "socat":
        line += TRUSTS[program]
    else:
        words = {"openssl": "openssl s_client "}.get(program, f"{program} ")
        line = line.replace(words, words + TRUSTS[program], 1)
    return line.replace("chat.example.org", "{host}").replace("9443", "{port}")


GUESTS = {program: documented(program) for program in TRUSTS}


@contextmanager
def serving(home: Path, cert: Path, key: Path, *options: str) -> Iterator[Chat]:
    files = ("--tls-cert", str(cert), "--tls-key", str(key))
    arguments = ("--door", "tls:localhost:0", "--profile", "demo01", "--ui", "jsonl", *files, *options)
    with started("serve", *arguments, environment=environment(home)) as server:
        server.port = int(server.event("notice")["data"]["address"].rpartition(":")[2])
        yield server


@contextmanager
def guest(program: str, ca: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    if not shutil.which(program):
        pytest.skip(f"needs {program}")
    command = GUESTS[program].format(ca=ca, host="localhost", port=port).split()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("program", GUESTS)
def test_a_guest_talks_over_a_verified_connection(program: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serving(tmp_path, *authority.signs("server")) as server, guest(program, authority.file, server.port) as process:
        process.stdin.write(b"hello from outside\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        assert server.event("message")["text"].strip() == "hello from outside"
        server.say(json.dumps({"type": "message", "text": "welcome"}))
        assert process.stdout.read(7) == b"welcome"  # type: ignore[union-attr]


@pytest.mark.parametrize("program", GUESTS)
@pytest.mark.parametrize("fault", ["ca", "name", "date"])
def test_a_guest_refuses_a_wrong_certificate(program: str, fault: str, tmp_path: Path) -> None:
    trusted = Authority(tmp_path)
    signing = Authority(tmp_path, "another CA") if fault == "ca" else trusted
    files = signing.signs("server", host="elsewhere" if fault == "name" else "localhost", days=-1 if fault == "date" else 1)
    with serving(tmp_path, *files, "--keep") as server, guest(program, trusted.file, server.port) as process:
        assert process.wait(180) != 0
        while fault != "name" and "did not get in: The TLS handshake failed" not in server.event("notice")["text"]:
            pass  # ncat and socat look at the name when the handshake is done


@pytest.mark.parametrize(("fault", "said"), [("ca", "issuer"), ("name", "not for the name"), ("date", "expired")])
def test_chat_refuses_a_wrong_certificate_with_4(fault: str, said: str, tmp_path: Path) -> None:
    trusted = Authority(tmp_path)
    signing = Authority(tmp_path, "another CA") if fault == "ca" else trusted
    files = signing.signs("server", host="elsewhere" if fault == "name" else "localhost", days=-1 if fault == "date" else 1)
    layers = ("--transport", "tls", "--profile", "demo01", "--tls-ca", str(trusted.file))
    with serving(tmp_path, *files, "--keep") as server:
        run = chat("connect", f"localhost:{server.port}", *layers, environment=environment(tmp_path))
        assert f"The certificate of localhost:{server.port} is not accepted: " in complaint(run)
        assert said in complaint(run)
        assert run.returncode == 4


@pytest.mark.parametrize(
    ("program", "end", "code"),
    [
        *(("openssl", "end of input", 0), ("openssl", "exit", 0), ("openssl", "kill", 8)),
        *(("socat", "end of input", 0), ("socat", "exit", 0), ("socat", "kill", 8)),
        *(("ncat", "end of input", 8), ("ncat", "exit", 0), ("ncat", "kill", 8)),  # ncat sends no close_notify
    ],
)
def test_a_cut_is_told_from_an_end(program: str, end: str, code: int, tmp_path: Path) -> None:
    """A guest that is killed has sent no close_notify; one whose input ends has, and one that has said exit needs none."""
    authority = Authority(tmp_path)
    with serving(tmp_path, *authority.signs("server")) as server, guest(program, authority.file, server.port) as process:
        assert process.stdin
        process.stdin.write(b"the last words\n")
        process.stdin.flush()
        assert server.event("message")["text"].strip() == "the last words"
        if end == "kill":
            process.kill()
        elif end == "exit":
            process.stdin.write(b"exit\n")
            process.stdin.flush()
        else:
            process.stdin.close()
        assert server.event("closed")["exit_code"] == code
        assert server.status() == code


@pytest.mark.parametrize(("kills", "code"), [(True, 1), (False, 0)])
def test_openssl_sees_whether_the_server_was_cut(kills: bool, code: int, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serving(tmp_path, *authority.signs("server")) as server, guest("openssl", authority.file, server.port) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"hello\n")
        process.stdin.flush()
        server.event("message")
        server.say(json.dumps({"type": "message", "text": "welcome"}))
        assert process.stdout.read(7) == b"welcome"
        if kills:
            server.process.kill()
        else:
            server.say(json.dumps({"type": "exit"}))
        assert process.wait(180) == code
