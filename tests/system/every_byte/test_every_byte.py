"""No byte without a name: recorded conversations of every profile and suite, a room of three, and generated plugins."""

import importlib.util
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from crowd import Crowd

from every_byte.recorded import LINES, Recording, profiles, record
from plytalk.cli.plugins import plugins
from plytalk.cli.scaffold import module_of
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.spans import Passed, describe
from plytalk.core.pipeline.tracing import IN, OUT, TraceEvent
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.matrix import measure
from plytalk.lab.attacks.scenario import scenarios
from plytalk.plugins.features.rooms import Rooms
from plytalk.testing.verdict import idle

PROFILES = {name: (layers, options) for name, layers, options in profiles()}
DESCRIBED = ("framer", "handshake", "cipher", "messages", "keys", "schedule")


def unnamed(events: list[TraceEvent]) -> list[tuple[str, str, bytes]]:
    """The bytes without a name. Raises AssertionError where spans do not tile the bytes of their layer."""
    found = []
    for event in (event for event in events if event.layer in DESCRIBED and event.data):
        at = 0
        for span in event.spans:
            assert span.start == at, (event, span)
            at += span.size
            if not span.name:
                found.append((event.layer, event.what, event.data[span.start : span.end]))
        assert at == len(event.data), event
    return found


def frames(events: list[TraceEvent], way: str) -> bytes:
    return b"".join(event.data for event in events if (event.layer, event.way) == ("framer", way))


def passed(events: list[TraceEvent], way: str) -> bytes:
    return b"".join(event.data for event in events if (event.layer, event.way, event.what) == ("transport", way, "bytes"))


@pytest.mark.parametrize("profile", PROFILES)
async def test_every_byte_of_a_conversation_has_a_name(profile: str, tmp_path: Path) -> None:
    layers, options = PROFILES[profile]
    heard = await record(tmp_path, layers, options, lines=LINES[:2] if layers["framer"] == "raw" else LINES)
    for events in heard.values():
        assert unnamed(events) == []
        assert {"framer", "cipher", "messages"} <= {event.layer for event in events}
        for way in (IN, OUT):  # the frames are all that passed, also of what was received
            assert frames(events, way) == passed(events, way)
    texts = [span.value for event in heard[Role.INITIATOR] for span in event.spans if span.name.endswith("text")]
    assert set(LINES[:2]) <= set(texts)


async def test_every_byte_of_a_room_of_three_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    heard = Recording()
    async with Crowd(tmp_path, headless=True, trace=heard, backlog=10) as crowd:
        alice = await crowd.comes("alice")
        bob = await crowd.comes("bob")
        alice.say("Hello, can anyone read this?")
        await bob.shows("can anyone")
        alice.say("/topic tea", "/me waves", "/msg bob psst", "/who", "/nosuch")
        await bob.shows("psst")
        carol = await crowd.comes("carol")
        carol.say("x" * 200_000)  # more than a record
        await bob.shows("xxx")
        await idle()
        carol.session.exit()
        await carol.over()
    assert unnamed(heard) == []
    spans = [span for event in heard if event.layer == "messages" for span in event.spans]
    named = {(span.name.partition(" ")[2], span.value) for span in spans}
    assert ("event: text", "Hello, can anyone read this?") in named
    assert {("event: kind", kind) for kind in ("1 said", "2 did", "3 joined", "4 left", "6 topic", "7 told")} <= named
    asked = {span.name.partition(" ")[2] for span in spans}
    assert {f"room: JSON object `{does}`" for does in ("join", "welcome", "result", "error")} <= asked


def generated(kind: str, folder: Path) -> type[Layer]:
    """The layer in a plugin as `chat plugins new` makes it."""
    name = f"plytalk-{kind}-fresh"
    CliRunner().invoke(plugins, ["new", name, "--kind", kind, "--into", str(folder)], catch_exceptions=False)
    module = module_of(kind, "fresh")
    spec = importlib.util.spec_from_file_location(module, folder / name / f"{module}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[module] = made
    spec.loader.exec_module(made)
    layer: type[Layer] = made.layers()[0]
    return layer


@pytest.mark.parametrize("kind", ["framer", "handshake", "cipher", "messages"])
async def test_every_byte_of_a_generated_plugin_has_a_name(kind: str, tmp_path: Path) -> None:
    layer = generated(kind, tmp_path)
    others = {"framer": "typed", "handshake": "rsa", "cipher": "chacha20poly1305", "messages": "text"}
    heard = await record(tmp_path, {one: name for one, name in others.items() if one != kind}, {}, layer)
    for events in heard.values():
        assert unnamed(events) == []
        assert any(event.layer == kind and event.spans for event in events)


@pytest.mark.parametrize("attack", ["eavesdrop", "mitm"])
@pytest.mark.parametrize("stack", [scenario.name for scenario in scenarios(Registry())])
def test_every_byte_that_an_attacker_sees_has_a_name(stack: str, attack: str) -> None:
    registry, heard = Registry(), Recording()
    chosen = [scenario for scenario in scenarios(registry) if scenario.name == stack]
    list(measure(chosen, [registry.attack(attack)], range(1), trace=heard))
    assert unnamed(heard) == []
    steps = {event.what for event in heard if event.layer == "handshake"}
    named = {"plytalk1": {"preamble", "message A", "message B"}, "rsa": {"public key", "session key"}}
    handshake = next((event.fields["handshake"] for event in heard if event.what == "started"), "")
    assert named.get(handshake, set()) <= steps
    if stack == "plytalk1 code" and attack == "eavesdrop":
        made = [event for event in heard if event.fields.get("by") == "code"]
        assert [[span.name for span in event.spans] for event in made] == [["letter", "element"]] * 4


def test_a_layer_that_says_nothing_of_some_bytes_has_unnamed_ones() -> None:
    class Silent:
        def fields(self, message: Passed) -> list[object]:
            raise RuntimeError("a layer must not end a conversation by this")

    assert unnamed([TraceEvent("cipher", OUT, "sealed", b"abc", spans=describe(Silent(), Passed(b"abc")))]) == [
        ("cipher", "sealed", b"abc")
    ]
    assert describe(object(), Passed(b"abc"))[0].name == ""


def test_an_item_of_a_type_that_is_not_the_rooms_is_left_to_other_features() -> None:
    assert [span.name for span in describe(Rooms(), Passed(b"abc", b"\x2a"))] == [""]
