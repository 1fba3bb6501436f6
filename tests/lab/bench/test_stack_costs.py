"""What is counted of a stack is what goes over the wire, and every stack is measured in every round."""

from pathlib import Path

import pytest

from plytalk.core.contracts.errors import BrokenPlugin, LocalError
from plytalk.core.registry.registry import Registry
from plytalk.lab.bench.stack_costs import StackCost, measure, scenario_of
from plytalk.testing import TypedFrames


def cost(framer: object = "typed", handshake: str = "rsa", cipher: str = "aesgcm", messages: str = "text") -> StackCost:
    registry = Registry()
    names = {"transport": "tcp", "framer": framer, "handshake": handshake, "cipher": cipher, "messages": messages}
    classes = {kind: [registry.layer(kind, one) if isinstance(one, str) else one] for kind, one in names.items()}
    return StackCost("mine", scenario_of("mine", classes, {}))  # type: ignore[arg-type]


async def measured(folder: Path, *costs: StackCost, rounds: int = 1, tcp: bool = False) -> None:
    await measure(costs, folder, sizes=(1, 300), rounds=rounds, seconds=0.001, tcp=tcp)


async def test_bytes_are_those_of_the_formats(tmp_path: Path) -> None:
    plain, sealed = cost(handshake="none", cipher="none"), cost()
    await measured(tmp_path, plain, sealed)
    assert (plain.handshake_bytes, plain.added) == (0, {1: 5, 300: 5})  # type and length
    assert sealed.added == {1: 33, 300: 33}  # and nonce and tag
    assert sealed.handshake_bytes > 5 + 256  # the session key under a modulus of 2048 bits, and the key that it is under


async def test_padded_records_show_their_padding(tmp_path: Path) -> None:
    padded = cost("u16", "plytalk1", "noise", "records")
    await measured(tmp_path, padded)
    assert padded.added[1] + 1 < padded.added[300] + 300
    assert (padded.added[300] + 300 - 18) % 64 == 0  # length and tag are outside


@pytest.mark.parametrize("tcp", [False, True])
async def test_each_stack_is_measured_in_each_round(tmp_path: Path, tcp: bool) -> None:
    costs = [cost(), cost(cipher="none")]
    await measured(tmp_path, *costs, rounds=3, tcp=tcp)
    for one in costs:
        assert len(one.handshakes) == 3
        assert {size: len(rates) for size, rates in one.messages.items()} == {1: 3, 300: 3}
        assert min(one.handshakes) > 0
        assert one.as_json()["messages"][0].keys() == {"bytes", "per_second", "added_bytes"}


async def test_a_stack_that_cannot_talk_is_named_with_the_layer_at_fault(tmp_path: Path) -> None:
    class Silent(TypedFrames):
        name = "silent"

        def frames(self):
            raise KeyError

    with pytest.raises(BrokenPlugin, match=r"The stack `mine` cannot be measured: The framer `silent` raised KeyError"):
        await measured(tmp_path, cost(Silent))


async def test_messages_that_do_not_arrive_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Drops(TypedFrames):
        name = "drops"

        def frames(self):
            for kind, payload in super().frames():
                if kind != b"M":
                    yield kind, payload

    monkeypatch.setattr("plytalk.lab.bench.stack_costs.PATIENCE", 0.05)
    with pytest.raises(LocalError, match="Of 1 messages of 1 bytes, not all arrived"):
        await measured(tmp_path, cost(Drops))


async def test_the_layer_at_fault_is_named_although_the_other_end_only_saw_the_connection_close(tmp_path: Path) -> None:
    class Breaks(TypedFrames):
        name = "breaks"

        def encode(self, kind, payload):
            assert kind != b"M"
            return super().encode(kind, payload)

    with pytest.raises(BrokenPlugin, match="The framer `breaks` raised AssertionError"):
        await measured(tmp_path, cost(Breaks))
