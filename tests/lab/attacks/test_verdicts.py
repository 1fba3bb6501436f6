"""What the attacker says of each side at the end: between real endpoints, the wire is all that it has to tell by."""

from pathlib import Path

import pytest
from verdicts.stacks import stack_named

from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.matrix import MatrixRunner
from plytalk.lab.attacks.verdicts import verdicts

HOST = Registry()


def attacked(stack: str, attack: str, folder: Path) -> list[str]:
    """The verdicts on the client and the server, as words."""
    return [line.partition(": ")[2].partition(".")[0] for line in lines(stack, attack, folder)]


def lines(stack: str, attack: str, folder: Path) -> list[str]:
    async def run() -> list[str]:
        runner = MatrixRunner(stack_named(stack, HOST), folder, [])
        await runner.prepare()
        cell = await runner.attack(HOST.attack(attack), 0)
        assert cell.record
        return list(verdicts(cell.record.interceptor))

    return clock.run(run())


@pytest.mark.parametrize(
    ("stack", "attack", "client", "server"),
    [
        ("secure-chat", "mitm", "deceived", "deceived"),
        ("secure-chat", "eavesdrop", "not attacked", "not attacked"),
        ("secure-chat", "drop", "not attacked", "deceived"),
        ("secure-chat", "tamper", "not attacked", "noticed"),
        ("secure-chat", "truncate", "deceived", "deceived"),
        ("secure-chat", "reflect", "deceived", "not attacked"),
        ("secure-chat", "splice", "deceived", "not attacked"),
        ("plytalk1", "drop", "not attacked", "noticed"),
        ("plytalk1", "truncate", "noticed", "noticed"),
        ("plytalk1", "handshake-tamper", "refused", "not attacked"),
        ("plytalk1 --peer FINGERPRINT", "mitm", "refused", "not attacked"),
    ],
)
def test_each_side_gets_a_verdict(stack: str, attack: str, client: str, server: str, tmp_path: Path) -> None:
    assert attacked(stack, attack, tmp_path) == [client, server]


def test_where_the_secret_differs_the_attacker_gives_up_when_the_first_side_refuses(tmp_path: Path) -> None:
    assert sorted(attacked("plytalk1 --psk-file FILE", "mitm", tmp_path)) == ["not attacked", "refused"]


def test_a_refusal_comes_with_the_exit_code_of_the_program_that_refused(tmp_path: Path) -> None:
    [client, server] = lines("plytalk1 --peer FINGERPRINT", "mitm", tmp_path)
    assert "exit code 5 if it knows another key for this address, 4 if it knows none" in client
    assert "gave up on it before it was let in" in server
    assert "exit code 4" in lines("plytalk1 --psk-file FILE", "early-secret", tmp_path)[0]
