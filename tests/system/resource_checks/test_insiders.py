"""What clients that have got in can do to a real server, and that each row is red where its defence is taken out."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from verdicts.weakenings import RESOURCES, ResourceWeakening

from plytalk.core.contracts.items import Pong
from tests.system.resources import insiders
from tests.system.resources.attacks import SHORT, Row
from tests.system.resources.file_members import files
from tests.system.resources.server import LOOPBACK, free_port, measures, serving

WEAKENED = Path(__file__).resolve().parents[1] / "verdicts" / "weakened.py"
FEW = replace(SHORT, joins=10, insider=1.0, beside_insider=5)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


ATTACKS: dict[str, Callable[..., Iterator[Row]]] = {
    "resume": insiders.resume,
    "join": insiders.join,
    "replay": insiders.replay,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_it_fails(name: str) -> None:
    [row] = ATTACKS[name](FEW)
    assert row.held, row


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measures memory by /proc, as Linux has it")
def test_who_asks_for_more_than_its_share_costs_others_nothing_that_they_said() -> None:
    rows = list(insiders.insider(FEW))
    assert len(rows) == len(insiders.FLOODS)
    assert all(row.held for row in rows), rows


async def test_who_has_used_up_its_budget_and_goes_is_gone() -> None:
    port = free_port()
    with serving("--headless", "--metrics", f"{LOOPBACK}:{port}") as server:
        client = await (await insiders.Client(server.port).connect()).join()
        for _ in range(20_000):  # unasked for, and paid for with minutes
            client.session.send_item(Pong())
        client.session.connection.flush()
        await client.session.stream.drained()
        client.session.stream.close()
        async with asyncio.timeout(180):
            while (found := await asyncio.to_thread(measures, port))["plytalk_sessions_open"]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert found["plytalk_members"] == 0


@pytest.mark.parametrize("weakening", RESOURCES, ids=lambda weakening: weakening.name.replace(" ", "-"))
def test_it_succeeds_where_the_defence_is_taken_out(weakening: ResourceWeakening) -> None:
    change = json.dumps({"file": weakening.file, "old": weakening.old, "new": weakening.new})
    attack = {**ATTACKS, "insider": insiders.insider, "files": files}[weakening.row]
    rows = list(attack(FEW, program=(str(WEAKENED), "--chat", change)))
    assert not all(row.reached for row in rows), rows
