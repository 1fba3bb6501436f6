"""Which stacks are attacked, and that no key of the user is used: each side has its own files, in a folder of the lab."""

import sys
from pathlib import Path

import pytest
from strangers import GOOD

from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.scenario import ATTACKER, BOTH, Scenario, scenarios

PREFERS = {"framer": "typed", "handshake": "rsa", "messages": "text"}


def every() -> dict[str, Scenario]:
    return {scenario.name: scenario for scenario in scenarios(Registry())}


def test_every_profile_is_there_and_its_variants_and_what_can_be_pinned_is_pinned() -> None:
    host, names = Registry(), set(every())
    for profile in host.names("profile"):
        assert any(name.split()[0] == profile for name in names), profile
    assert {"demo01", "demo02", "secure-chat"} <= names
    variants = host.layer("handshake", "plytalk1").variants
    assert variants
    assert {" ".join(filter(None, ("plytalk1", variant, pinned))) for variant in variants for pinned in ("", "pinned")} <= names
    assert not any(name.endswith("pinned") for name in names if name.startswith("demo"))


def test_no_network_is_touched() -> None:
    assert {layer.name for scenario in every().values() for layer in scenario.classes["transport"]} == {"memory"}


def test_a_variant_s_options_make_its_layers_say_truthfully_what_is_left() -> None:
    for name, scenario in every().items():
        if name.startswith("plytalk1 XX"):
            gives = {prop for layers in scenario.classes.values() for layer in layers for prop in layer.gives}
            assert (Property.POST_QUANTUM in gives) is ("hfs" in name), name


def test_only_the_client_judges_the_server(tmp_path: Path) -> None:
    [name] = [name for name in every() if name.endswith("AESGCM pinned") and " XX_" in name and name.startswith("plytalk1")]
    scenario = every()[name]
    judging = {who: len(scenario.stack(who, tmp_path).auths) for who in ("client", "server", ATTACKER)}
    assert judging == {"client": 1, "server": 0, ATTACKER: 0}


def test_what_both_sides_need_both_have_and_the_attacker_has_it_with_another_secret(tmp_path: Path) -> None:
    for auth in ("psk", "code", "words"):
        scenario = every()[f"plytalk1 {auth}"]
        for who in ("client", "server", ATTACKER):
            assert [auth.name for auth in scenario.stack(who, tmp_path).auths] == [auth]
    agreed, own = tmp_path / BOTH / "psk-file", tmp_path / ATTACKER / "psk-file"
    assert agreed.read_text() != own.read_text()
    assert agreed.stat().st_mode & 0o777 == 0o600
    secret = agreed.read_text()
    every()["plytalk1 psk"].stack("client", tmp_path)
    assert agreed.read_text() == secret


def test_where_there_is_no_room_for_it_there_is_no_stack() -> None:
    assert {name for name in every() if name.endswith((" psk", " code", " words"))} == {
        "plytalk1 psk",
        "plytalk1 code",
        "plytalk1 words",
    }


async def test_each_side_keeps_its_keys_in_a_separate_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path / "the user's"))
    scenario = next(scenario for name, scenario in every().items() if name.startswith("plytalk1") and name.endswith("pinned"))
    shown = set()
    for who, role in (("client", Role.INITIATOR), ("server", Role.RESPONDER), (ATTACKER, Role.RESPONDER)):
        stack = scenario.stack(who, tmp_path / "lab")
        await prepare(stack.handshake, role, lambda prompt: "")
        assert stack.handshake.identity
        shown.add(stack.handshake.identity.fingerprint)
        assert (tmp_path / "lab" / who / "identity").is_file()
    assert len(shown) == 3
    assert not (tmp_path / "the user's").exists()


def test_a_layer_that_no_profile_has_gets_a_stack_and_a_broken_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, alone = (GOOD.replace("{name}", name) for name in ("mine", "alone"))
    mine = mine.replace("    def __init__", f"    prefers = {PREFERS}\n\n    def __init__")
    for name, text in (("mine", mine), ("alone", alone), ("broken", "raise RuntimeError\n")):
        (tmp_path / f"lab_{name}.py").write_text(text)
        info = tmp_path / f"lab_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: lab-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[plytalk]\ncipher-{name} = lab_{name}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        found = every()
    finally:
        for name in ("mine", "alone", "broken"):
            sys.modules.pop(f"lab_{name}", None)
    assert {"cipher mine", "cipher chacha20poly1305", "handshake noise"} <= set(found)
    assert not {"cipher alone", "cipher broken"} & set(found)  # records need more than it gives
    assert found["cipher mine"].stack("client", tmp_path / "lab").cipher.layer.name == "mine"
