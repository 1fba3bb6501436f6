"""Which stacks are attacked, and that no key of the user is used: each side has its own files, in a folder of the lab."""

import sys
from pathlib import Path

import pytest
from programs import chat
from strangers import GOOD

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.transport import PassesThrough
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.scenario import ATTACKER, BOTH, REMEMBERED, Scenario, find, nearest, scenarios

WITH_SECRET = {"psk": "plytalk1 --psk-file FILE", "code": "plytalk1 --code", "words": "plytalk1 --words"}
PREFERS = {"framer": "typed", "handshake": "rsa", "messages": "text"}


def every() -> dict[str, Scenario]:
    return {scenario.name: scenario for scenario in scenarios(Registry())}


def test_every_profile_is_there_and_its_variants_as_they_run_and_at_first_contact() -> None:
    host, names = Registry(), set(every())
    for profile in host.names("profile"):
        assert any(name.split()[0] == profile for name in names), profile
    assert {"demo01", "demo02", "secure-chat"} <= names
    variants = host.layer("handshake", "plytalk1").variants
    assert variants
    for variant in variants:
        name = f"plytalk1 --suite {variant}" if variant else "plytalk1"
        assert {name, f"{name} --accept-new"} <= names
    assert not any("--accept-new" in name for name in names if name.startswith("demo"))


@pytest.mark.parametrize("name", [name for name in every() if name.startswith("plytalk1") and "known-hosts" not in name])
def test_a_stack_has_the_name_by_which_a_user_chooses_it(name: str) -> None:
    """`chat explain` takes the options of a profile's name, with a value in place of what only names one."""
    values = {"FINGERPRINT": f"SHA256:{'A' * 43}", "FILE": "keys"}
    profile, *options = [values.get(word, word) for word in name.split()]
    run = chat("explain", "--profile", profile, *options)
    assert run.returncode == 0, run.stderr


def test_the_default_is_what_runs_by_default() -> None:
    scenario = every()["plytalk1"]
    assert [auth.name for auth in scenario.auths] == ["known-hosts"]
    assert not scenario.first_contact
    assert every()["plytalk1 --accept-new"].first_contact


def test_at_first_contact_nothing_is_known_and_nothing_is_promised(tmp_path: Path) -> None:
    scenario = every()["plytalk1 --accept-new"]
    kept = scenario.stack("client", tmp_path).classes["auth"], tmp_path / "client" / REMEMBERED / "known-hosts"
    kept[1].write_text("* ssh-ed25519 AAAA")
    stack = scenario.stack("client", tmp_path)
    assert not kept[1].exists()
    assert Property.PEER_IDENTITY in stack.gives
    assert Property.PEER_IDENTITY not in scenario.as_known(stack).gives
    assert every()["plytalk1"].as_known(stack) is stack


def test_a_layer_may_be_named_without_dashes_and_an_unknown_stack_is_refused() -> None:
    found = list(every().values())
    assert find(found, "cipher chacha20poly1305") is find(found, "--cipher chacha20poly1305")
    with pytest.raises(Usage, match="no stack 'nosuch'"):
        find(found, "nosuch")


def test_no_network_is_touched() -> None:
    transports = {layer for scenario in every().values() for layer in scenario.classes["transport"]}
    assert {layer.name for layer in transports if not issubclass(layer, PassesThrough)} == {"memory"}


def test_stacks_go_through_a_relay_and_a_web_server_and_their_names_say_so() -> None:
    others = [name for name, scenario in every().items() if scenario.classes["transport"][0].name != "memory"]
    assert others == [
        "demo02 --transport relay", "plytalk1 --transport relay", "plytalk1 --allow FILE --transport relay",
        "plytalk1 --transport ws",
    ]  # fmt: skip


def test_a_variant_s_options_make_its_layers_say_truthfully_what_is_left() -> None:
    for name, scenario in every().items():
        if name.startswith("plytalk1 --suite"):
            gives = {prop for layers in scenario.classes.values() for layer in layers for prop in layer.gives}
            assert (Property.POST_QUANTUM in gives) is ("hfs" in name), name


def test_only_the_client_judges_the_server(tmp_path: Path) -> None:
    scenario = every()["plytalk1 --suite XX_25519_AESGCM"]
    judging = {who: len(scenario.stack(who, tmp_path).auths) for who in ("client", "server", ATTACKER)}
    assert judging == {"client": 1, "server": 0, ATTACKER: 0}


def test_what_both_sides_need_both_have_and_the_attacker_has_it_with_another_secret(tmp_path: Path) -> None:
    for auth, name in WITH_SECRET.items():
        scenario = every()[name]
        for who in ("client", "server", ATTACKER):
            assert [auth.name for auth in scenario.stack(who, tmp_path).auths] == [auth]
    agreed, own = tmp_path / BOTH / "psk-file", tmp_path / ATTACKER / "psk-file"
    assert agreed.read_text() != own.read_text()
    assert agreed.stat().st_mode & 0o777 == 0o600
    secret = agreed.read_text()
    every()[WITH_SECRET["psk"]].stack("client", tmp_path)
    assert agreed.read_text() == secret


def test_where_there_is_no_room_for_it_there_is_no_stack() -> None:
    assert {name for name in every() if any(name.endswith(one.removeprefix("plytalk1")) for one in WITH_SECRET.values())} == {
        *WITH_SECRET.values()
    }


async def test_each_side_keeps_its_keys_in_a_separate_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path / "the user's"))
    scenario = every()["plytalk1"]
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
    assert {"--cipher mine", "--cipher chacha20poly1305", "--handshake noise"} <= set(found)
    assert not {"--cipher alone", "--cipher broken"} & set(found)  # records need more than it gives
    assert found["--cipher mine"].stack("client", tmp_path / "lab").cipher.layer.name == "mine"


def test_of_the_stacks_with_a_layer_the_one_most_like_the_chosen_is_nearest() -> None:
    registry = Registry()
    names = [name for name in every() if name.endswith(" --peer FINGERPRINT")]
    assert len(names) > 2
    for name in names:
        found = nearest(scenarios(registry), registry.layer("auth", "peer"), every()[name].classes)
        assert found
        assert found.name == name
    assert nearest(scenarios(registry), registry.layer("transport", "tcp"), every()["plytalk1"].classes) is None


def test_a_stack_that_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(Usage) as caught:
        find(list(every().values()), "plytalk1 --accept-news")
    assert caught.value.hint.startswith("Did you mean 'plytalk1 --accept-new'? It has: ")


def test_a_layer_without_a_stack_named_after_it_is_answered_with_a_stack_that_has_it() -> None:
    with pytest.raises(Usage) as caught:
        find(list(every().values()), "cipher none")
    assert caught.value.hint == "That layer is attacked in 'demo01'."
