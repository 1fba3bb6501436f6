from pathlib import Path
from typing import Any

import pytest
from strangers import TROUBLE

from plytalk import Authenticator, Cipher, Command, Feature, Handshake, Layer, Option, Profile, Property, hookimpl
from plytalk.core.contracts.attack import Attack, Evidence
from plytalk.core.contracts.kinds import KINDS
from plytalk.core.contracts.source_places import class_location
from plytalk.core.registry.registry import Registry
from plytalk.core.registry.validation import fault_of, fault_of_hooks


class Fine(Cipher):
    name = "fine"
    needs = {Property.KEYS}
    prefers = {"framer": "typed"}
    options = (Option("a", "", bool), Option("b", "", int), Option("c", ""), Option("d", "", Path))

    def __init__(self, secrets, role, **options):
        pass

    def seal(self, plaintext):
        return plaintext

    def open(self, sealed):
        return sealed


def but(**attributes: object) -> type:
    return type("Odd", (Fine,), attributes)


def test_every_built_in_plugin_keeps_its_contract() -> None:
    brought = [(found.kind, each) for found, each in Registry().load_all() if found.distribution == "plytalk"]
    assert len(brought) > 15
    for kind, each in brought:
        assert not fault_of(each, {"profile": "profiles", "attack": "attacks"}.get(kind, "layers"))


@pytest.mark.parametrize("thing", [None, 3, "Fine", object, Fine(None, None), Layer(), Profile("x", "", 1)])
def test_what_is_no_layer_class(thing: object) -> None:
    assert "is not a layer class" in fault_of(thing, "layers")


@pytest.mark.parametrize("kind", [None, "", "cypher", "auth", []])
def test_a_kind_that_does_not_fit_its_class(kind: object) -> None:
    assert "does not derive from a kind of layer" in fault_of(but(kind=kind), "layers")


def test_every_base_class_by_itself_is_unfinished() -> None:
    for base in KINDS.values():
        assert fault_of(base, "layers").startswith(f"the class {base.__name__} has no name. See ")


def roll(call):
    return None


def yields(call):
    yield call


@pytest.mark.parametrize(
    ("commands", "said"),
    [
        ((Command("roll", "", roll),), ""),
        ((Command("roll", "", lambda *more: None),), ""),
        (Command("roll", "", roll), "which is not a sequence of Command"),
        (("roll",), "hold 'roll', which is not a Command with a function"),
        ((Command("roll", "", None),), "which is not a Command with a function"),
        ((Command("/roll", "", roll),), "the command '/roll' of the feature `odd` is not called in lowercase letters"),
        ((Command("roll", "", lambda: None),), "the command /roll of the feature `odd` does not take one argument, a Call. See "),
        ((Command("roll", "", yields),), "the command /roll of the feature `odd` is a generator, which does nothing here. See "),
    ],
)
def test_commands_that_nobody_could_use(commands: Any, said: str) -> None:
    fault = fault_of(type("Odd", (Feature,), {"name": "odd", "commands": commands}), "layers")
    assert said in fault
    assert bool(said) == bool(fault)


def test_a_function_that_is_marked_as_a_hook_and_is_none() -> None:
    @hookimpl
    def session_opened(conversation):
        pass

    @hookimpl
    def session_open(session):
        pass

    @hookimpl
    def session_closed(ending):
        pass

    assert fault_of_hooks({"session_closed": session_closed, "other": print, "TEXT": "text"}) == ""
    wrong = fault_of_hooks({"session_opened": session_opened})
    line = session_opened.__code__.co_firstlineno
    assert wrong.startswith(
        "the hook `session_opened` takes (conversation); the contract asks for session_opened(session: DirectChat)"
    )
    assert wrong.endswith(f"See {__file__}:{line}.")
    assert "`session_open` is marked with `hookimpl`, but no hook has that name; there are layers, " in fault_of_hooks(
        {"session_open": session_open}
    )
    feature = type("Odd", (Feature,), {"name": "odd", "session_open": session_open})
    assert "no hook has that name" in fault_of(feature, "layers")


def test_a_fault_says_where_the_class_is_and_what_is_asked_for() -> None:
    fault = fault_of(type("Half", (Cipher,), {"name": "half"}), "layers")
    assert "does not define __init__(self, secrets: SessionSecrets, role: Role, **options: Any) -> None, open(self, " in fault
    assert " See " in fault
    assert fault_of(Plain("x"), "layers").endswith(f" See {class_location(Plain)}.")


class Plain(str):
    """Something other than a layer."""


def test_a_handshake_that_only_one_side_can_do() -> None:
    class Half(Handshake):
        name = "half"

        async def initiate(self, io):
            return None

    said = "the handshake `half` does not define respond(self, io: HandshakeIO) -> SessionSecrets. See "
    assert fault_of(Half, "layers").startswith(said)


@pytest.mark.parametrize("moment", ["agree", "check", "verify"])
def test_an_authenticator_must_judge_at_one_moment_at_least(moment: str) -> None:
    class Asleep(Authenticator):
        name = "asleep"

        async def chek(self, *of_any_moment: object) -> Any:
            raise ValueError

    assert "would let everybody in" in fault_of(Asleep, "layers")
    assert not fault_of(type("Awake", (Asleep,), {moment: Asleep.chek}), "layers")


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ({"needs": {"peace"}}, "needs {'peace'}, which is not a set of Property"),
        ({"gives": "secrecy"}, "gives 'secrecy', which is not a set"),
        ({"gives": {"secrecy"}}, ""),
        ({"gives": 7}, "gives 7, which is not a set of Property"),
        ({"prefers": ["raw"]}, "not a mapping of kinds"),
        ({"prefers": {"frame": "raw"}}, "not a mapping of kinds"),
        ({"options": "loud"}, "is not an Option"),
        ({"options": (Option("when", "", complex),)}, "is not an Option of the type"),
        ({"options": (Option("my option", ""),)}, "is not called in lowercase letters"),
        ({"options": (Option("--loud", ""),)}, "is not called in lowercase letters"),
        ({"caution": None}, "is not text"),
        ({"caution": "\x1b[2J"}, "cannot be printed"),
        ({"__doc__": "Fine\x9b2J."}, "cannot be printed"),
        ({"options": [Option("a", "\u202ehelp")]}, "cannot be printed"),
        ({"options": [Option("a", "", metavar="\x07")]}, "cannot be printed"),
        ({"summary": classmethod(lambda cls: 3)}, "is not text"),
        ({}, ""),
    ],
)
def test_what_a_layer_states_must_make_sense(statement: dict[str, object], fault: str) -> None:
    said = fault_of(but(**statement), "layers")
    assert fault in said
    assert bool(said) == bool(fault)


class Harmless(Attack):
    """Does nothing."""

    name = "harmless"

    def succeeded(self, evidence: Evidence) -> bool:
        return False


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ({}, ""),
        ({"defences": {"order"}}, ""),
        ({"name": None}, "the class Odd has no name."),
        ({"defences": {"peace"}}, "which is not a set of Property"),
        ({"defences": "order"}, "which is not a set of Property"),
        ({"__doc__": "Fine\x9b2J."}, "cannot be printed"),
        ({"summary": classmethod(lambda cls: 3)}, "cannot be printed"),
    ],
)
def test_what_an_attack_states_must_make_sense(statement: dict[str, object], fault: str) -> None:
    said = fault_of(type("Odd", (Harmless,), statement), "attacks")
    assert fault in said
    assert bool(said) == bool(fault)


def test_an_attack_is_not_a_layer_and_a_layer_is_not_an_attack() -> None:
    assert "is not an attack class" in fault_of(Fine, "attacks")
    assert "is not a layer class" in fault_of(Harmless, "layers")
    unfinished = type("Odd", (Attack,), {"name": "odd"})
    assert "the attack `odd` does not define succeeded(self, evidence: Evidence) -> bool. See " in fault_of(unfinished, "attacks")


def test_profiles() -> None:
    assert not fault_of(Profile("p", "", 1, {"cipher": "none"}), "profiles")
    assert "not a Profile" in fault_of({"name": "p"}, "profiles")
    assert "'cypher', which is not a kind" in fault_of(Profile("p", "", 1, {"cypher": "none"}), "profiles")


def test_every_trouble_of_the_strangers_has_a_word_to_look_for() -> None:
    assert all(words for _, words in TROUBLE.values())
