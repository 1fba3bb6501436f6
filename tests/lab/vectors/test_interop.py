"""A sound peer program holds, and each way of being wrong is told: real programs, over pipes."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.lab.vectors.interop import Check, checks
from plytalk.lab.vectors.peer_program import PeerProgram

PEER = Path(__file__).parents[3] / "examples" / "interop" / "noise_peer.py"
XX = "Noise_XX_25519_ChaChaPoly_SHA256"


def run(tmp_path: Path, name: str = XX, right: str = "", wrong: str = "", count: int = 1) -> list[Check]:
    source = PEER.read_text()
    assert right in source
    program = tmp_path / "peer.py"
    program.write_text(source.replace(right, wrong, 1) if right else source)
    with PeerProgram([sys.executable, "-W", "ignore", str(program)]) as peer:
        return list(checks(peer, name, seed=1, count=count))


def faults(done: list[Check]) -> Iterator[str]:
    return (f"{check.name}: {check.fault}" for check in done if check.fault)


@pytest.mark.parametrize(
    "name", [XX, "Noise_IKpsk2_448_AESGCM_BLAKE2b", "Noise_N_25519_AESGCM_SHA256", "Noise_KX_25519_AESGCM_SHA512"]
)
def test_a_sound_peer_holds_in_both_roles(tmp_path: Path, name: str) -> None:
    done = run(tmp_path, name, count=2)
    assert list(faults(done)) == []
    assert {"vector 2 as the initiator", "vector 2 as the responder", "a conversation as the responder"} <= {
        one.name for one in done
    }


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("noise.set_prologue(bytes.fromhex(request[\"prologue\"]))", "noise.set_prologue(b'?')", "vector 1 as the initiator: "),
        (
            "noise.get_handshake_hash().hex()", "noise.get_handshake_hash()[::-1].hex()",
            "vector 1 as the initiator: It differs in the handshake hash, from byte 0 on.",
        ),
        (
            "noise.encrypt(bytes.fromhex(request[\"plaintext\"]))", "noise.encrypt(b'other')",
            "vector 1 as the initiator: It differs in message 5",
        ),
        (
            "return {}", "raise ValueError('not today')",
            "it begins: The peer program cannot begin",
        ),
    ],
)  # fmt: skip
def test_a_wrong_peer_is_told_what_is_wrong(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    assert next(faults(run(tmp_path, right=right, wrong=wrong))).startswith(said)


def test_a_peer_that_takes_a_changed_message_is_told(tmp_path: Path) -> None:
    """It answers what the message should have been, as one that does not check tags would."""
    lenient = 'lambda request: lenient(bytes.fromhex(request["message"]))'
    done = run(
        tmp_path,
        right='lambda request: {"payload": noise.read_message(bytes.fromhex(request["message"])).hex()}',
        wrong=lenient.replace(
            "lenient(",
            '(lambda message: {"payload": (noise.read_message(message)).hex()} if message[-1] % 2 else {"payload": ""})(',
        ),
    )
    assert list(faults(done))


def test_an_unknown_protocol_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(Usage):
        run(tmp_path, "Noise_XX_25519_ROT13_SHA256")
