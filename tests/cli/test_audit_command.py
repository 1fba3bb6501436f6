"""`chat audit` against real servers: ours in several configurations, the peers that are not ours, and no chat at all."""

import contextlib
import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import peers
import pytest
from certificates import Authority
from peers import habits
from programs import ENVIRONMENT, chat, nobody_there, serve, started, told_address
from relaying import relaying

BOB = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID1AF8PoQ4lakrcKp00bfryWmCzPLsSWjMDNVfEq9GYM"
HYBRID = ["Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256", "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256"]
CLASSICAL = ["Noise_XX_25519_AESGCM_SHA256", "Noise_XX_25519_ChaChaPoly_SHA256"]


class Audit:
    """One audit: its exit code, and its findings by what they are about."""

    def __init__(self, environment: dict[str, str], port: int, *options: str) -> None:
        run = chat("audit", f"127.0.0.1:{port}", "--json", *options, environment=environment)
        assert run.stderr == ""
        self.status = run.returncode
        self.page: dict[str, Any] = json.loads(run.stdout)
        assert self.page["passed"] is (self.status == 0)
        assert self.page["passed"] is all(finding["grade"] != "fail" for finding in self.page["findings"])

    @property
    def profile(self) -> str | None:
        return self.page["profile"]

    def says(self, about: str, grade: str | None = None) -> str:
        return "\n".join(
            finding["says"]
            for finding in self.page["findings"]
            if finding["about"] == about and grade in (None, finding["grade"])
        )

    @property
    def failures(self) -> list[str]:
        return [finding["says"] for finding in self.page["findings"] if finding["grade"] == "fail"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**ENVIRONMENT, "HOME": str(tmp_path), "PLYTALK_HOME": str(tmp_path / "audit"), "NO_COLOR": "1"}


@pytest.fixture
def home(tmp_path: Path, environment: dict[str, str]) -> Iterator[Path]:
    yield tmp_path
    assert not (tmp_path / "audit").exists()  # the user's own identity is neither made nor shown


def serving(home: Path, *options: str) -> Any:
    return serve("--keep", *options, environment={**ENVIRONMENT, "HOME": str(home), "PLYTALK_HOME": str(home / "server")})


def test_the_default_server_passes_the_strict_policy(home: Path, environment: dict[str, str]) -> None:
    with serving(home) as server:
        audit = Audit(environment, server.port)
        fingerprint = chat("keys", "show", "--identity", str(home / "server" / "identity")).stdout.splitlines()[1]
    assert (audit.status, audit.profile) == (0, "plytalk1")
    assert audit.says("suite", "good").splitlines() == [f"It accepts {suite}." for suite in HYBRID]
    assert fingerprint in audit.says("identity", "good")
    assert "refuses an identity without proof" in audit.says("access", "good")
    assert audit.says("access", "warn") == "It lets in anyone who can reach it."
    assert "ends the connection at once" in audit.says("robustness", "good")
    assert audit.says("robustness", "warn") == ""


def test_classical_suites_are_weak_by_one_policy_and_not_by_the_other(home: Path, environment: dict[str, str]) -> None:
    with serving(home, "--suite", "any") as server:
        strict, lenient = Audit(environment, server.port), Audit(environment, server.port, "--policy", "any")
    assert (strict.status, lenient.status) == (1, 0)
    assert strict.failures == [f"It accepts {suite}, which a future quantum computer can break." for suite in CLASSICAL]
    assert strict.says("suite", "good").splitlines() == [f"It accepts {suite}." for suite in HYBRID]
    assert len(lenient.says("suite", "warn").splitlines()) == 2


def test_a_single_suite_is_found(home: Path, environment: dict[str, str]) -> None:
    with serving(home, "--suite", CLASSICAL[1]) as server:
        audit = Audit(environment, server.port, "--policy", "any")
    assert audit.says("suite") == f"It accepts {CLASSICAL[1]}, which a future quantum computer can break."


def test_a_server_with_a_list_of_guests_lets_no_stranger_in(home: Path, environment: dict[str, str]) -> None:
    (home / "allow").write_text(f"{BOB} Bob\n")
    with serving(home, "--allow", str(home / "allow")) as server:
        audit = Audit(environment, server.port)
    assert audit.status == 0
    assert "does not let strangers in" in audit.says("access", "good")
    assert audit.says("access", "warn") == ""


def test_a_server_with_a_pre_shared_key_says_so_and_shows_its_key(home: Path, environment: dict[str, str]) -> None:
    chat("keys", "psk", str(home / "psk"))
    with serving(home, "--psk-file", str(home / "psk")) as server:
        audit = Audit(environment, server.port)
    assert audit.status == 0
    assert audit.says("access") == "Only peers that know a pre-shared key get in."
    assert len(audit.says("suite", "good").splitlines()) == 2
    assert "It proves the key ssh-ed25519" in audit.says("identity")


def test_an_audit_uses_up_no_guess_of_a_one_time_code(home: Path, environment: dict[str, str]) -> None:
    pytest.importorskip("spake2", reason="one-time codes need spake2 (pip install spake2)")
    with serving(home, "--code") as server:
        audits = [Audit(environment, server.port) for _ in range(2)]
        assert server.process.poll() is None
        server.process.terminate()
        server.status()
    assert [audit.status for audit in audits] == [0, 0]
    assert "five guesses" in audits[0].says("access")
    assert audits[0].says("identity") == "It shows its key only to peers that know the code."
    assert not any("wrong guesses" in line or "has been used" in line for line in server.told)


def test_a_server_that_compares_words_lets_no_stranger_talk(home: Path, environment: dict[str, str]) -> None:
    with serving(home, "--words") as server:
        assert "It lets in anyone" not in Audit(environment, server.port).says("access")


def test_a_server_that_waits_for_one_conversation_takes_the_visit_for_it(home: Path, environment: dict[str, str]) -> None:
    with serving(home, "--once") as server:
        assert Audit(environment, server.port).says("access", "warn") == "It lets in anyone who can reach it."
        assert server.status() == 0
    assert "The other side said exit." in server.told


def test_everything_that_takes_long_is_looked_at_when_asked_for(home: Path, environment: dict[str, str]) -> None:
    with serving(home) as server:
        audit = Audit(environment, server.port, "--thorough")
    assert audit.status == 0
    assert audit.says("limits", "good").splitlines() == [
        "A silent peer is disconnected after 5 seconds.",
        "One address cannot have 40 handshakes open at a time.",
    ]


@contextlib.contextmanager
def everybody_meets(habit: Callable[[socket.socket], object]) -> Iterator[int]:
    """The port of a server that has this habit with everybody who comes, one after the other."""

    def meet() -> None:
        with contextlib.suppress(OSError):  # so the listening socket says that it is over
            while True:
                sock, _ = server.accept()
                with sock, contextlib.suppress(ConnectionError):
                    habit(sock)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=meet)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


# -- existing chats --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--rsa-key"]], ids=["fresh", "kept"])
def test_our_server_of_an_existing_chat_is_told_what_it_lacks(
    options: list[str], home: Path, environment: dict[str, str]
) -> None:
    kept = [*options, str(home / "rsa.pem")] if options else []
    with serving(home, "--profile", "secure-chat", *kept) as server:
        audit = Audit(environment, server.port, "--policy", "any")
    assert (audit.status, audit.profile) == (1, "secure-chat")
    assert "It shows an RSA key with 2048 bits, SHA256:" in audit.says("identity", "good")
    assert "No forward secrecy: anyone who recorded the traffic can read all of it once a key leaks." in audit.failures
    assert "No order: an attacker can repeat, drop and reorder messages unnoticed." in audit.failures
    assert not any(said.startswith(("No secrecy", "No post-quantum")) for said in audit.failures)
    assert "ends the connection at once" in audit.says("robustness", "good")


@pytest.mark.parametrize("name", ["demo02", "secure_chat"])
def test_an_existing_server_is_known_by_its_greeting(name: str, home: Path, environment: dict[str, str]) -> None:
    with peers.start(name, "server") as server:
        audit = Audit(environment, server.port)
    assert (audit.status, audit.profile) == (1, name.replace("_", "-"))
    assert "It shows an RSA key with 2048 bits" in audit.says("identity")
    assert any(said.startswith("No post-quantum secrecy") for said in audit.failures)
    assert "does not answer another connection" in audit.says("access", "warn")


@pytest.mark.parametrize(
    ("pem", "told"),
    [
        (habits.rsa_pem(1024), "The server's RSA key has 1024 bits"),
        (habits.rsa_pem(2048, 3), "unusual public exponent"),
        (habits.ED25519_PEM, "not an RSA key"),
    ],
    ids=["short", "exponent", "other"],
)
def test_a_weak_key_fails(pem: bytes, told: str, home: Path, environment: dict[str, str]) -> None:
    def greet(sock: socket.socket) -> None:
        sock.sendall(b"K" + len(pem).to_bytes(4, "big") + pem)
        habits.leave(sock)

    with everybody_meets(greet) as port:
        audit = Audit(environment, port, "--policy", "any")
    assert (audit.status, audit.profile) == (1, "secure-chat")
    assert told in audit.says("identity", "fail")


def test_a_plaintext_chat_fails(home: Path, environment: dict[str, str]) -> None:
    with serving(home, "--profile", "demo01") as server:
        audit = Audit(environment, server.port, "--policy", "any")
    assert (audit.status, audit.profile) == (1, None)
    assert "It says nothing by itself and does not answer plytalk1" in audit.failures[0]


@pytest.mark.parametrize(
    ("greeting", "told"),
    [(b"SSH-2.0-OpenSSH_9.9\r\n", "SSH-2.0-OpenSSH_9.9"), (b"\x1b]0;owned\x07", "owned"), (b"K\0\0\x04\0-----BEGIN", "PEM")],
    ids=["ssh", "escape", "no key"],
)
def test_what_is_no_chat_is_told(greeting: bytes, told: str, home: Path, environment: dict[str, str]) -> None:
    def greet(sock: socket.socket) -> None:
        sock.sendall(greeting + bytes(4096))
        habits.leave(sock)

    with habits.bad_server(greet) as port:
        audit = Audit(environment, port)
    assert audit.status == 1
    assert audit.profile is None or told == "PEM"
    assert told in audit.failures[-1]
    assert "\x1b" not in str(audit.page)


@pytest.mark.parametrize("habit", [habits.silence, habits.leave], ids=["silent", "leaves"])
def test_who_says_nothing_is_no_server_of_ours(habit: Any, home: Path, environment: dict[str, str]) -> None:
    with habits.bad_server(habit) as port:
        audit = Audit(environment, port)
    assert (audit.status, audit.profile) == (1, None)


def test_nobody_there_is_no_audit(home: Path, environment: dict[str, str]) -> None:
    with nobody_there() as port:
        run = chat("audit", f"127.0.0.1:{port}", environment=environment)
    assert run.returncode == 3
    assert run.stdout == ""
    assert "Cannot connect" in run.stderr


def test_people_read_lines_with_a_grade_and_an_advice(home: Path, environment: dict[str, str]) -> None:
    with serving(home, "--suite", "classical") as server:
        run = chat("audit", f"127.0.0.1:{server.port}", environment=environment)
    assert run.returncode == 1
    lines = run.stdout.splitlines()
    assert (
        lines[0]
        == f"127.0.0.1:{server.port} speaks plytalk1: The secure default: Noise XX with ML-KEM-768, identities, padded records"
    )
    at = next(
        number for number, line in enumerate(lines) if line.startswith("fail  suite       It accepts Noise_XX_25519_AESGCM")
    )
    assert "-> Start it with --suite hybrid." in "\n".join(lines[at : at + 3])
    assert all(line.startswith(("good ", "warn ", "fail ", "     ")) for line in lines[2:])


def test_the_name_of_a_certificate_may_be_another_than_the_host(home: Path, environment: dict[str, str], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.signs("server", host="chat.example.org")
    ours = {**ENVIRONMENT, "HOME": str(home), "PLYTALK_HOME": str(home / "server")}
    files = ("--tls-cert", str(cert), "--tls-key", str(key))
    with started("serve", "--keep", "--headless", "--door", "wss:127.0.0.1:0", *files, environment=ours) as server:
        words = ("audit", f"wss://{told_address(server.tells('Listening on '))}/", "--tls-ca", str(authority.file))
        assert "--tls-name" in chat(*words, environment=environment).stderr
        run = chat(*words, "--tls-name", "chat.example.org", environment=environment)
    assert (run.returncode, "speaks plytalk1" in run.stdout) == (0, True), run.stderr


def test_certificates_are_for_transports_that_have_them(environment: dict[str, str]) -> None:
    run = chat("audit", "127.0.0.1:1", "--tls-name", "chat.example.org", environment=environment)
    assert (run.returncode, "The transport `tcp` has no certificates" in run.stderr) == (2, True)


@pytest.mark.parametrize("transport", ["unix", "ws", "wss", "tls", "command", "web"])
def test_a_server_is_seen_through_every_transport(
    transport: str, home: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.signs("server")
    by = "tcp" if transport == "command" else transport
    door = f"unix:{home}/socket" if by == "unix" else f"{by}:127.0.0.1:0"
    files = ("--tls-cert", str(cert), "--tls-key", str(key)) if by in ("tls", "wss") else ()
    ours = {**ENVIRONMENT, "HOME": str(home), "PLYTALK_HOME": str(home / "server")}
    with started("serve", "--keep", "--headless", "--door", door, *files, environment=ours) as server:
        address = told_address(server.tells("Listening on "))
        seen = {
            "unix": (address, "--transport", "unix"),
            "ws": (f"ws://{address}/",),
            "web": (f"ws://{address}/ws",),
            "wss": (f"wss://{address}/", "--tls-ca", str(authority.file)),
            "tls": (address, "--transport", "tls", "--tls-ca", str(authority.file)),
            "command": (address, "--proxy-command", "socat - TCP:%h:%p"),
        }[transport]
        if transport == "command" and not shutil.which("socat"):
            pytest.skip("needs socat")
        run = chat("audit", "--json", *seen, environment=environment)
        page = json.loads(run.stdout)
        assert page["profile"] == "plytalk1"
        assert any("Noise_XXhfs" in finding["says"] for finding in page["findings"])


def test_a_server_is_seen_through_a_relay_where_failed_handshakes_of_a_source_count(
    home: Path, environment: dict[str, str]
) -> None:
    ours = {**ENVIRONMENT, "HOME": str(home), "PLYTALK_HOME": str(home / "server")}
    last = {}
    for suites in ("hybrid", "any"):
        with (
            relaying() as (_, relay),
            started("serve", "--keep", "--headless", "--relay", relay, "--suite", suites, environment=ours) as server,
        ):
            address = server.tells("The other side connects with:").rpartition("chat connect ")[2].split()[0]
            findings = json.loads(chat("audit", "--json", address, environment=environment).stdout)["findings"]
            last[suites] = [finding["says"] for finding in findings[-2:]]
    refuses = "It refuses an identity without proof."
    assert last["hybrid"] == [refuses, "It lets in anyone who can reach it."]
    assert last["any"][0] == refuses
    assert last["any"][1].startswith("It turns away a source whose handshakes fail often")
