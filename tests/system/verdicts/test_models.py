"""The models give the tables of threats, cell by cell, and these are what the lab predicts; each broken variant gives another."""

from dataclasses import replace

import pytest
from verdicts.models import handshake, record_layer
from verdicts.models.rsa import Rsa

from plytalk.core.contracts.attack import Outcome
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.scenario import scenarios

HOST = Registry()
PROFILES = set(HOST.names("profile"))
SCENARIOS = {scenario.name: scenario for scenario in scenarios(HOST) if scenario.name.split()[0] in PROFILES}

# "Predicted for the record layer": direction keys, counter, authenticated close; duplicate, reorder, reflect, truncate.
RECORD_LAYER = {
    (False, False, False): "xxxx",
    (True, False, False): "xx-x",
    (False, True, False): "--xx",
    (True, True, False): "---x",
    (True, True, True): "----",
}
# "Predicted for the handshake": a row for each attacker, a column for each protocol.
HANDSHAKE = {
    "passive, also with static keys leaked later": "-----",
    "recorded, X25519 broken later": "xx---",
    "active": "x-x--",
    "active, and X25519 broken now": "xxxx-",
}


def cell(succeeds: bool) -> str:
    return "x" if succeeds else "-"


def predicted(attack: str, stack) -> str:
    return cell(HOST.attack(attack).predict(stack) is Outcome.BROKEN)


def key_of(who: str) -> Identity:
    """A public key in OpenSSH's form, different for each."""
    fields = (b"ssh-ed25519", who.encode().ljust(32, b"."))
    return Identity("ssh-ed25519", b"".join(len(field).to_bytes(4, "big") + field for field in fields))


@pytest.fixture(params=SCENARIOS, ids=lambda name: name.replace(" ", "-"))
def stack(request, tmp_path):
    scenario = SCENARIOS[request.param]
    if scenario.needs_keys:
        scenario = scenario.with_keys({who: key_of(who) for who in ("client", "server", "attacker")}, tmp_path)
    return scenario.stack(Role.INITIATOR.value, tmp_path)


# -- the record layer ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("flags", "row"), RECORD_LAYER.items(), ids=str)
def test_the_record_layer_is_as_the_table_says(flags, row) -> None:
    verdicts = record_layer.verdicts(record_layer.Layer(*flags))
    assert "".join(cell(verdicts[ability]) for ability in record_layer.ABILITIES[:4]) == row


@pytest.mark.parametrize("counter", [True, False])
def test_what_is_dropped_before_something_else_is_missed_where_records_are_counted(counter) -> None:
    assert record_layer.verdicts(record_layer.Layer(True, counter, False))["drop"] is not counter


@pytest.mark.parametrize("flags", RECORD_LAYER, ids=str)
def test_without_an_attacker_nobody_is_fooled_and_both_can_end(flags) -> None:
    network = record_layer.Network(record_layer.Layer(*flags), "")
    states = network.reachable()
    assert not any(map(network.fooled, states))
    assert any(all(receiver.over == "clean" for receiver in state.receivers) for state in states)
    assert not any(receiver.over == "alarm" for state in states for receiver in state.receivers)


@pytest.mark.parametrize(
    ("fault", "ability"), [(lambda expected, number: True, "duplicate"), (lambda expected, number: number >= expected, "drop")]
)
def test_a_receiver_that_does_not_look_at_the_counter_well_is_fooled(fault, ability) -> None:
    assert record_layer.verdicts(record_layer.Layer(True, True, False, fault))[ability]


def test_the_lab_predicts_for_records_what_the_model_says(stack) -> None:
    flags = tuple(prop in stack.gives for prop in (Property.DIRECTION_KEYS, Property.ORDER, Property.CLEAN_END))
    verdicts = record_layer.verdicts(record_layer.Layer(*flags))
    for ability, attacks in {
        "duplicate": ("duplicate", "replay", "replay-answers"),
        "reorder": ("reorder", "reverse"),
        "reflect": ("reflect", "reflect-all", "splice"),
        "truncate": ("truncate", "swallow-goodbye"),
        "drop": ("drop", "drop-first", "drop-answers"),
    }.items():
        assert {predicted(attack, stack) for attack in attacks} == {cell(verdicts[ability])}, ability


# -- the handshake -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("power", handshake.POWERS, ids=lambda power: power.name)
@pytest.mark.parametrize("protocol", handshake.PROTOCOLS, ids=lambda protocol: protocol.name)
def test_the_handshake_is_as_the_table_says(protocol, power) -> None:
    column = handshake.PROTOCOLS.index(protocol)
    assert cell(handshake.Run(protocol, power).broken()) == HANDSHAKE[power.name][column]


def protocol_named(name: str) -> handshake.Protocol:
    return next(protocol for protocol in handshake.PROTOCOLS if protocol.name == name)


def power_named(name: str) -> handshake.Power:
    return next(power for power in handshake.POWERS if power.name == name)


@pytest.mark.parametrize("protocol", handshake.PROTOCOLS, ids=lambda protocol: protocol.name)
def test_without_an_attacker_all_four_ends_get_through(protocol) -> None:
    honest = handshake.Run(protocol, handshake.Power("nobody"))
    assert any(all(party.step == 2 for party in state.parties) for state in honest.outcomes())


@pytest.mark.parametrize("protocol", [protocol for protocol in handshake.PROTOCOLS if protocol.pinned], ids=lambda one: one.name)
def test_a_pinned_client_talks_to_a_server_that_heard_the_same_and_no_conversation_is_taken_twice(protocol) -> None:
    run = handshake.Run(protocol, power_named("active"))
    assert run.agreed()
    assert not run.replayed()


def test_a_pre_shared_key_that_leaked_leaves_what_is_there_without_it() -> None:
    known = replace(power_named("active, and X25519 broken now"), psk=True)
    assert handshake.Run(protocol_named("XXhfs+psk3, pinned"), known).broken()


@pytest.mark.parametrize(
    ("protocol", "power", "fault"),
    [
        ("XX, pinned", "active", "unbound proof"),
        ("XXhfs, pinned", "active", "unbound proof"),
        ("XXhfs, pinned", "active", "no pin"),
        ("XXhfs, pinned", "recorded, X25519 broken later", "no kem"),
    ],
)
def test_a_handshake_with_a_check_left_out_is_broken(protocol, power, fault) -> None:
    whole = protocol_named(protocol)
    assert not handshake.Run(whole, power_named(power)).broken()
    assert handshake.Run(replace(whole, faults=frozenset({fault})), power_named(power)).broken()


def test_rsa_is_as_secret_as_its_key_stays() -> None:
    assert not Rsa().broken()
    assert Rsa(leaked_later=True).broken()
    assert Rsa(active=True).broken()
    assert not Rsa(active=True, pinned=True).broken()
    assert Rsa(active=True, pinned=True).replayed()
    assert Rsa(active=True, pinned=True, checked=False).broken()


def test_the_lab_predicts_for_handshakes_what_the_models_say(stack) -> None:
    """For each stack whose handshake a model knows, the cells of the attacks that the model's attackers are."""
    pinned, name = Property.PEER_IDENTITY in stack.gives, stack.handshake.name
    if name == "plytalk1":
        shape = "XXhfs" if Property.POST_QUANTUM in stack.gives else "XX"
        agreed, late = any(auth.agrees for auth in stack.auths), any(auth.name == "words" for auth in stack.auths)
        protocol = protocol_named(f"{shape}{'+psk3' if agreed else ''}, {'pinned' if pinned else 'no pin'}")
        unpinned = protocol_named(f"{shape}, no pin")  # what the words are before they are compared
        verdicts = {
            "leak-long-term-keys": handshake.Run(protocol, handshake.POWERS[0]).broken(),
            "break-x25519-later": handshake.Run(protocol, handshake.POWERS[1]).broken(),
            "mitm": handshake.Run(protocol, handshake.POWERS[2]).broken(),
            "early-secret": handshake.Run(unpinned if late else protocol, handshake.POWERS[2]).broken(),
            "replay-conversation": handshake.Run(protocol, handshake.POWERS[2]).replayed(),
            "borrowed-identity": False,
        }
    elif name == "rsa":
        verdicts = {
            "eavesdrop": Rsa().broken(),
            "leak-long-term-keys": Rsa(leaked_later=True).broken(),
            "mitm": Rsa(active=True, pinned=pinned).broken(),
            "replay-conversation": Rsa(active=True).replayed(),
        }
    else:
        assert Property.SECRECY not in stack.gives
        return
    assert {attack: predicted(attack, stack) for attack in verdicts} == {attack: cell(x) for attack, x in verdicts.items()}
