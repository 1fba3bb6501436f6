"""`chat lab vectors` and `chat lab interop`: test vectors of a handshake, and another implementation held to them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from plytalk.cli.fuzz_commands import counted, maker
from plytalk.cli.main import paint
from plytalk.cli.parameters import TEXT
from plytalk.core.contracts.errors import Exit
from plytalk.core.contracts.sanitise import clean
from plytalk.core.io.temporary_folder import TemporaryFolder
from plytalk.core.registry.registry import Registry
from plytalk.lab.vectors.handshake_vectors import handshake_vector
from plytalk.lab.vectors.interop import Check, checks
from plytalk.lab.vectors.noise_vectors import noise_vector
from plytalk.lab.vectors.peer_program import PeerProgram

NOISE = "Noise_"
COUNT = 3
VECTORS_EXAMPLES = """\b
Examples:
  chat lab vectors Noise_XX_25519_ChaChaPoly_SHA256 --seed 7 > vectors.json
  chat lab vectors Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256 --count 10
  chat lab vectors plytalk1        with its preambles and identities
"""
INTEROP_EXAMPLES = """\b
Examples:
  chat lab interop Noise_XX_25519_AESGCM_SHA256 ./my-noise
  chat lab interop Noise_IKpsk2_448_ChaChaPoly_BLAKE2b -- python peer.py --quiet

The program reads one JSON object per line and answers each with another; docs/howto-lab.md lists them.
"""
seed_option = click.option("--seed", type=int, default=0, metavar="N", help="The seed of all random values (default 0).")
count_option = click.option(
    "--count", type=click.IntRange(1, 1000), default=COUNT, metavar="N", help=f"How many vectors (default {COUNT})."
)


@click.command(epilog=VECTORS_EXAMPLES)
@click.argument("names", type=TEXT, nargs=-1, required=True, metavar="PROTOCOL|HANDSHAKE...")
@seed_option
@count_option
@click.pass_obj
def vectors(registry: Registry, names: tuple[str, ...], seed: int, count: int) -> None:
    """Write test vectors of Noise protocols or of handshakes, as JSON.

    The same seed gives the same bytes every time, so nothing in the vectors is secret. Only the lab runs seeded handshakes.
    """
    with TemporaryFolder("plytalk-vectors-") as folder:
        made = [one for name in names for one in _vectors_of(registry, name, folder, seed, count)]
    print(json.dumps({"seed": seed, "vectors": made}, indent=1))


def _vectors_of(registry: Registry, name: str, folder: Path, seed: int, count: int) -> list[Any]:
    if name.startswith(NOISE):
        return [noise_vector(name, seed, number) for number in range(count)]
    make = maker(registry, name, folder)
    return [asyncio.run(handshake_vector(make, seed, number)) for number in range(count)]


@click.command(epilog=INTEROP_EXAMPLES)
@click.argument("protocol", type=TEXT)
@click.argument("command", type=TEXT, nargs=-1, required=True, metavar="COMMAND...")
@seed_option
@count_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def interop(protocol: str, command: tuple[str, ...], seed: int, count: int, as_json: bool) -> int:
    """Test another program's implementation of a Noise protocol: against vectors, and live in both roles.

    The exit code is 1 if the program differs.
    """
    with PeerProgram(command) as peer:
        done = list(checks(peer, protocol, seed, count))
    faults = sum(bool(check.fault) for check in done)
    if as_json:
        print(json.dumps({"protocol": protocol, "checks": [vars(check) for check in done]}, indent=2))
    else:
        for check in done:
            print(_line(check))
        print(f"{counted(faults, 'fault')} in {counted(len(done), 'check')} of {protocol}.")
    return int(Exit.FAILED if faults else Exit.OK)


def _line(check: Check) -> str:
    if check.fault:
        return f"{paint('differs', '31', 1)} {check.name}: {clean(check.fault)}"
    return f"{paint('held   ', '32', 1)} {check.name}"
