"""A reader that shares nothing with plytalk computes the same values as a trace shows."""

import ast
import sys
from itertools import product
from pathlib import Path

import pytest
from crowd import Crowd

from every_byte import independent_reader
from every_byte.independent_reader import Talk, agree
from every_byte.recorded import LINES, Recording, profiles, record
from plytalk.lab.inspect.trace_file import TraceFile
from plytalk.plugins.noise.suites import CLASSICAL, HYBRID

PROFILES = {name: (layers, options) for name, layers, options in profiles()}
SUITES = [f"{suite} {auth}".strip() for suite, auth in product(HYBRID + CLASSICAL, ("", "psk", "code", "words"))]
PSK = bytes.fromhex("5a" * 32)


def written(events: Recording, path: Path) -> str:
    trace = TraceFile(path, secrets=True)
    for event in events:
        trace(event)
    trace.close()
    return path.read_text()


def hold_against(talk: Talk) -> int:
    """Compare what was computed with all that the trace shows. Gives how many messages that were."""
    compared = 0
    for way in ("in", "out"):
        told = [event for event in talk.events if event["name"] == f"handshake:{way}"]
        for event, parts in zip(told, talk.handshake[way], strict=True):
            assert agree(event["spans"], parts), (event["what"], parts)
        plain = [event for event in talk.events if event["name"] == f"messages:{way}"]
        for event, (raw, parts) in zip(plain, talk.records[way], strict=True):
            assert bytes.fromhex(event["raw"]) == raw
            assert agree(event["spans"], parts), (event["spans"], parts)
        compared += len(told) + len(plain)
    return compared


def test_it_imports_nothing_of_plytalk() -> None:
    tree = ast.parse(Path(independent_reader.__file__).read_text())
    named = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    named |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    tops = {str(name).partition(".")[0] for name in named}
    assert tops <= {*sys.stdlib_module_names, "cryptography"}


@pytest.mark.parametrize("profile", SUITES)
async def test_it_computes_the_same_values(profile: str, tmp_path: Path) -> None:
    layers, options = PROFILES[profile]
    heard = await record(tmp_path, layers, options)
    for role, events in heard.items():
        talk = Talk(written(events, tmp_path / f"{role.value}.trace"), PSK if "psk" in profile else None, events.code)
        assert hold_against(talk) >= 5 + 2 * len(LINES)


async def test_it_reads_a_room_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    heard = Recording()
    async with Crowd(tmp_path, headless=True) as crowd:
        alice = await crowd.comes("alice", trace=heard)
        bob = await crowd.comes("bob")
        await crowd.comes("carol")
        alice.say("Hello!", "/topic tea", "/who")
        await bob.shows("tea")
        bob.say("Hör zu. 你好")
        await alice.shows("你好")
        alice.session.exit()
        await alice.over()
    talk = Talk(written(heard, tmp_path / "alice.trace"))
    assert hold_against(talk) > 10
    kinds = {raw[0] for way in ("in", "out") for raw, _ in talk.records[way]}
    assert {1, 8, 9} <= kinds
