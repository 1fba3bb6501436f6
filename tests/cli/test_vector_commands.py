"""`chat lab vectors` and `chat lab interop`, as their user runs them."""

import json
import sys
from pathlib import Path

import pytest
from programs import chat, complaint

PEER = Path(__file__).parents[2] / "examples" / "interop" / "noise_peer.py"
XX = "Noise_XX_25519_ChaChaPoly_SHA256"


def test_the_same_seed_writes_the_same_file() -> None:
    first, again, other = (chat("lab", "vectors", XX, "plytalk1", "--seed", seed, "--count", "2").stdout for seed in "778")
    assert first == again
    assert first != other
    made = json.loads(first)
    assert made["seed"] == 7
    assert [one.get("protocol_name") or one["handshake"] for one in made["vectors"]] == [XX, XX, "plytalk1", "plytalk1"]


def test_a_handshake_without_a_seed_is_refused() -> None:
    run = chat("lab", "vectors", "rsa")
    assert run.returncode == 2
    assert "takes no seed" in complaint(run)


@pytest.mark.parametrize("command", [("serve",), ("connect", "127.0.0.1")])
@pytest.mark.parametrize("seed", [("--seed", "7"), ("--seed=7",)])
def test_a_conversation_takes_no_seed(command: tuple[str, ...], seed: tuple[str, ...]) -> None:
    run = chat(*command, *seed)
    assert run.returncode == 2
    assert "only the lab takes one" in complaint(run)


def test_a_peer_program_is_held_to_vectors() -> None:
    run = chat("lab", "interop", XX, "--count", "1", sys.executable, str(PEER))
    assert run.returncode == 0, run.stdout
    assert run.stdout.endswith(f"No fault in 8 checks of {XX}.\n")


def test_a_program_that_differs_ends_with_1() -> None:
    run = chat("lab", "interop", XX, "--json", "cat")
    assert run.returncode == 1
    assert any(check["fault"] for check in json.loads(run.stdout)["checks"])
