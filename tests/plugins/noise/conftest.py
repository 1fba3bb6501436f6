"""What the tests of Noise share: the public vectors, and key pairs that are known in advance."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict, replace

from plytalk.plugins.noise.primitives import DH, KEM, KeyPair
from plytalk.plugins.noise.protocol import NoiseProtocol, named

ROOT = Path(__file__).parents[3]
VECTORS = ROOT.parent / "shared" / "vectors"

Script = Callable[..., NoiseProtocol]


@pytest.fixture(scope="session")
def vectors() -> Callable[[str], Any]:
    """Reads one file of the public vectors."""

    def read(name: str) -> Any:
        if not VECTORS.is_dir():
            pytest.skip("needs the public test vectors in ../shared/vectors, seen from the project's root")
        return json.loads((VECTORS / name).read_text())

    return read


@pytest.fixture(scope="session")
def scripted() -> Script:
    """A protocol whose ephemeral key is known in advance, and made once, so that a transcript can be replayed."""

    def script(name: str, ephemeral: bytes | None, kem: KEM | None = None) -> NoiseProtocol:
        protocol = named(name)
        pairs = [protocol.dh.load(ephemeral)] if ephemeral else []

        class Scripted(DH):
            def generate_keypair(self) -> KeyPair:
                return pairs.pop()

        return replace(protocol, dh=Scripted(**asdict(protocol.dh)), kem=kem or protocol.kem)

    return script
