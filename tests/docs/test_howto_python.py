"""The programs on the page about Python: each is typed, and each runs against a real server, with somebody who talks to it."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from taking_part import said, until

import plytalk
from plytalk.core.contracts.errors import Exit
from plytalk.core.contracts.events import Joined

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs" / "howto-python.md").read_text()
BLOCK = re.compile(r'^```python title="(?P<name>[\w.]+)"\n(?P<text>.*?)^```$', re.M | re.S)
PROGRAMS = {block["name"]: block["text"] for block in BLOCK.finditer(PAGE)}
SIGNALS: Any = {"typing": True, "receipts": True}
Partner = Callable[["Running"], Awaitable[None]]


class Running:
    """A program of the page, beside a server in the room `lobby` whose person is `carol`."""

    def __init__(self, process: asyncio.subprocess.Process, server: plytalk.ChatServer, folder: Path) -> None:
        self.process, self.server, self.folder = process, server, folder

    async def line(self) -> str:
        assert self.process.stdout
        return (await self.process.stdout.readline()).decode().rstrip()


@asynccontextmanager
async def running(name: str, folder: Path) -> AsyncIterator[Running]:
    async with plytalk.serve("127.0.0.1:0", name="carol", home=folder / "server", **SIGNALS) as server:
        text = PROGRAMS[name].replace("127.0.0.1:7591", server.address).replace("SHA256:...", str(server.fingerprint))
        (folder / name).write_text(text)
        environment = {**os.environ, "PLYTALK_HOME": str(folder / "home"), "PYTHONUNBUFFERED": "1"}
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, name, cwd=folder, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
        try:
            yield Running(process, server, folder)
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def secretary(running: Running) -> None:
    server = running.server
    await until(server, lambda event: isinstance(event, Joined))
    await server.send("hello")
    assert (await until(server, lambda event: isinstance(event, plytalk.Read))).sender.name == "secretary"
    assert (await until(server, lambda event: isinstance(event, plytalk.Typing))).on
    noted = await until(server, said("Noted: hello"))
    server.tell_read(noted)
    assert await running.line() == f"carol has read everything up to {noted.id}."
    await server.send("goodbye")
    assert await until(server, said("Noted: goodbye"))


async def curious(running: Running) -> None:
    assert await running.line() == f"{running.server.address} shows the key {running.server.fingerprint}."
    assert await running.line() == f"I am curious, and trust {running.server.fingerprint}."


async def echo(running: Running) -> None:
    assert await running.line() == "I am echo in lobby."
    await running.server.send("Is anybody there?")
    assert await until(running.server, said("carol said: Is anybody there?"))
    await running.server.send("goodbye")
    assert await until(running.server, said("carol said: goodbye"))


async def who(running: Running) -> None:
    shown = (await running.process.communicate())[0].decode()
    assert "usher" in shown
    assert "carol" in shown
    assert "nobody-of-this-name" in shown or "operator" in shown


async def careful(running: Running) -> None:
    shown = (await running.process.communicate())[0].decode()
    assert shown.startswith("Another server answers there: ")


async def greeter(running: Running) -> None:
    address, fingerprint = (await running.line()).split()
    async with plytalk.connect(address, peer=fingerprint, name="erin", home=running.folder / "erin") as chat:
        assert await until(chat, said("Welcome, erin!"))
        await chat.send("close the room")
        assert [event async for event in chat][-1].type == "closed"


async def guests(running: Running) -> None:
    shown = (await running.process.communicate())[0].decode().splitlines()
    assert re.fullmatch(r"client-?\S* is in lobby\.|\S+ is in lobby\.", shown[0])
    assert re.fullmatch(r"\['SHA256:\S+'\]", shown[1])


PARTNERS: dict[str, tuple[Partner, int]] = {
    "echo.py": (echo, 0),
    "curious.py": (curious, 0),
    "secretary.py": (secretary, 0),
    "who.py": (who, 0),
    "careful.py": (careful, Exit.CHANGED_PEER),
    "greeter.py": (greeter, 0),
    "guests.py": (guests, 0),
}


def test_every_program_of_the_page_is_run() -> None:
    assert set(PROGRAMS) == set(PARTNERS)
    assert PAGE.count("```python") == len(PROGRAMS)


@pytest.mark.parametrize("name", PARTNERS)
async def test_it_does_what_the_page_says(name: str, tmp_path: Path) -> None:
    partner, status = PARTNERS[name]
    async with running(name, tmp_path) as program:
        if name == "echo.py":
            await until(program.server, lambda event: isinstance(event, Joined))
        await partner(program)
        errors = (await program.process.communicate())[1].decode()
        assert (program.process.returncode, errors) == (status, "")


def test_type_checkers_accept_every_program(tmp_path: Path) -> None:
    for name, text in PROGRAMS.items():
        (tmp_path / name).write_text(text)
    bot = PROJECT / "examples" / "bot" / "votes.py"
    environment = {**os.environ, "MYPYPATH": str(PROJECT / "src")}
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(PROJECT / ".mypy_cache"), *PROGRAMS, str(bot)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_type_checkers_see_a_wrong_option(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text("import plytalk\nplytalk.connect('a', nmae='erin')\nplytalk.serve(backlog='5')\n")
    environment = {**os.environ, "MYPYPATH": str(PROJECT / "src")}
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(PROJECT / ".mypy_cache"), "wrong.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert 'Unexpected keyword argument "nmae"' in done.stdout
    assert 'Argument "backlog" to "serve" has incompatible type "str"' in done.stdout
