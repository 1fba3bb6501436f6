"""`tls` with programs that everybody has: ncat, OpenSSL's s_client and socat, as guests of a plaintext chat."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from certificates import Authority
from people import environment
from programs import Chat, chat, complaint, started

GUESTS = {
    "ncat": "ncat --ssl --ssl-verify --ssl-trustfile {ca} {host} {port}",
    "openssl": "openssl s_client -quiet -no_ign_eof -verify_return_error "
    "-verify_hostname {host} -CAfile {ca} -connect {host}:{port}",
    "socat": "socat - OPENSSL:{host}:{port},cafile={ca},verify=1,commonname={host}",
}


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
        assert process.wait(30) != 0
        while fault != "name" and "did not get in: The TLS handshake failed" not in server.event("notice")["text"]:
            pass  # ncat and socat look at the name when the handshake is done


@pytest.mark.parametrize(("fault", "said"), [("ca", "issuer"), ("name", "mismatch"), ("date", "expired")])
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


def test_a_cut_is_told_from_an_end(tmp_path: Path) -> None:
    """A guest that is killed has sent no close_notify; one whose input ends has."""
    authority = Authority(tmp_path)
    files = authority.signs("server")
    for kills, code in ((True, 8), (False, 0)):
        with serving(tmp_path, *files) as server, guest("openssl", authority.file, server.port) as process:
            process.stdin.write(b"the last words\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            server.event("message")
            if kills:
                process.kill()
            else:
                process.stdin.close()  # type: ignore[union-attr]
            assert server.event("closed")["exit_code"] == code
            assert server.status() == code
