import json
from collections.abc import Callable
from typing import Any

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.peers import Role
from plytalk.lab.vectors.handshake_vectors import handshake_vector
from plytalk.plugins.handshakes.noise import Noise
from plytalk.plugins.handshakes.plytalk1 import Plytalk1
from plytalk.plugins.handshakes.rsa import RsaOaep


async def vector(make: Callable[[], Handshake], seed: int = 7, number: int = 0) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(await handshake_vector(lambda role: make(), seed, number)))
    return made


@pytest.mark.parametrize("make", [Plytalk1, Noise, lambda: Noise(pattern="NN", no_identity=True), lambda: Noise(pattern="IX")])
async def test_the_same_seed_gives_the_same_bytes(make: Callable[[], Handshake]) -> None:
    assert await vector(make) == await vector(make)
    assert await vector(make) != await vector(make, seed=8)
    assert await vector(make) != await vector(make, number=1)


async def test_a_vector_of_plytalk1_has_its_preambles_its_messages_and_what_was_drawn() -> None:
    made = await vector(Plytalk1)
    assert [(one["sender"], one["kind"]) for one in made["messages"]] == [
        ("client", "P"), ("server", "P"), ("client", "A"), ("server", "B"), ("client", "C"),
    ]  # fmt: skip
    assert bytes.fromhex(made["messages"][0]["payload"]).startswith(b"PLYTALK1\n")
    assert made["suite"] == "Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256"
    assert {*made["drawn"]["client"]} == {"identity", "static", "ephemeral", "kem_seed"}
    assert {*made["drawn"]["server"]} == {"identity", "static", "ephemeral", "kem_randomness"}
    assert len(made["transcript"]) == 64


async def test_a_handshake_that_needs_chance_is_refused() -> None:
    with pytest.raises(Usage, match="`rsa` takes no seed"):
        await vector(RsaOaep)


async def test_the_handshake_that_was_seeded_stays_as_it_was() -> None:
    handshake = Plytalk1()
    await handshake_vector(lambda role: handshake, 1, 0)
    assert handshake.identity is None
    assert Role.INITIATOR in handshake.shows
