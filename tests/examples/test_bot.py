"""The bot of examples/bot: the same program with two members, with three and with many, and through a cut."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from crowd import Crowd
from programs import ENVIRONMENT

from plytalk.core.contracts.items import CloseReason
from plytalk.plugins.transports.tcp import Tcp
from plytalk.testing.verdict import idle

BOT = Path(__file__).resolve().parents[2] / "examples" / "bot" / "bot.py"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    return tmp_path


MANY = 60  # so many that nobody is told who comes and goes


async def comes(crowd: Crowd, before: Any = None) -> Any:
    """The member that is the bot, once it is in the room: another one than before."""

    async def wait() -> Any:
        while True:
            for member in crowd.hub.members.values():
                if member.name == "robby" and member is not before and member.room:
                    return member
            await asyncio.sleep(0.01)

    async with asyncio.timeout(180):
        return await wait()


@pytest.mark.parametrize("others", [0, 1, MANY], ids=["two", "three", "many"])
async def test_it_answers_each_once_also_after_a_cut(home: Path, others: int) -> None:
    path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PLYTALK_HOME": str(home / "bot")}
    async with Crowd(home, headless=True, transport=Tcp, host="127.0.0.1", rate=0) as crowd:
        alice = await crowd.joins("alice")
        for number in range(others):
            await crowd.joins(f"member-{number}")
        options = ("--name", "robby", "--accept-new", "--reconnect")
        bot = await asyncio.create_subprocess_exec(
            sys.executable, str(BOT), "connect", f"127.0.0.1:{crowd.place[1]}", *options,
            env={**ENVIRONMENT, **path}, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            member = await comes(crowd)
            alice.session.say("robby: hello")
            alice.session.say("!who")
            await alice.until(lambda: any(text.startswith("robby: Here: ") for text in alice.texts))
            member.session.stream.close()
            member = await comes(crowd, before=member)
            alice.session.say("robby: are you back?")
            await alice.until(lambda: "robby: are you back?" in alice.texts)
            await idle()
            said = [text for text in alice.texts if text.startswith("robby: ")]
            assert [text for text in said if "Here: " not in text] == ["robby: hello", "robby: are you back?"]
            (listed,) = [text for text in said if "Here: " in text]
            assert {"alice", "robby"} <= set(listed.removeprefix("robby: Here: ").removesuffix(".").split(", "))
            assert listed.count(", ") == others + 1
            crowd.hub.drop(member, "", CloseReason.KICKED)
            assert await bot.wait() == 9
        finally:
            if bot.returncode is None:
                bot.kill()
                await bot.wait()
