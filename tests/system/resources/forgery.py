"""What hostile members write in the hope that it is taken for something else: names, log lines, a page of the inspector."""

import asyncio
import json
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path

from plytalk.core.contracts.errors import Exit
from plytalk.plugins.rooms.command_words import MAX_TEXT
from tests.system.resources.attacks import Amount, Row
from tests.system.resources.members import Member
from tests.system.resources.screen import leaks
from tests.system.resources.server import LOOPBACK, Server, serving, stack
from tests.system.resources.sinks import command, recorded
from tests.system.resources.strings import hostile

# What letters are drawn like in most fonts, by hand: the server goes by Unicode's table.
LOOKALIKES = {
    "a": "\u0430\u0251\uff41", "c": "\u0441\u217d\uff43", "d": "\u0501", "e": "\u0435\uff45", "g": "\u0261", "h": "\u04bb",
    "i": "\u0456\u0131", "j": "\u0458", "l": "1I\u04cf", "n": "\u0578", "o": "0\u043e\u03bf\u0585\uff4f", "p": "\u0440\u03c1",
    "q": "\u051b", "s": "\u0455", "u": "\u057d", "v": "\u03bd", "w": "\u051d", "x": "\u0445", "y": "\u0443",
}  # fmt: skip
BASES = ("alice", "paypal", "jessica", "william", "xavier", "squid", "harvey", "coco", "wendy", "dougal", "phoenix", "moody")
HIDDEN = "\u200b\u200d\u2060\u00ad\u202e\ufe0f"
MADE_UP = re.compile(r"[a-z]+-[a-z]+(-[0-9]+)?")
"""What the server calls somebody whose name it does not take: two words that its key chooses."""
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")


def confusable(count: int) -> list[tuple[str, str]]:
    """Pairs of names of which the second is to be read as the first; all first ones differ."""
    pairs = []
    for number in range(count):
        base = BASES[number % len(BASES)]
        ways = [base[:at] + other + base[at + 1 :] for at, letter in enumerate(base) for other in LOOKALIKES.get(letter, "")]
        ways += [base[:2] + hidden + base[2:] for hidden in HIDDEN]
        ways += [
            base.upper(),
            base.title(),
            "".join(LOOKALIKES.get(letter, letter)[-1] for letter in base),
            base.replace("m", "rn"),
        ]
        ways = [way for way in ways if way != base]
        pairs.append((f"{base}{number}", f"{ways[number * 7 % len(ways)]}{number}"))
    return pairs


def names(amount: Amount) -> Iterator[Row]:
    """A32: look-alike names."""
    pairs = confusable(amount.pairs)
    with serving("--headless") as server:
        firsts, seconds = asyncio.run(_named(server, pairs))
    taken = sum(member.name == name for member, (name, _) in zip(firsts, pairs, strict=True))
    refused = sum(bool(member.told and MADE_UP.fullmatch(member.name)) for member in seconds)
    yield Row(
        "A32",
        f"{len(pairs)} members come with names, and {len(pairs)} others with names that look like those",
        f"{taken} of the first have their names; {refused} of the second were told no and have names that the server made up",
        "all of the first; all of the second refused or marked",
        taken == refused == len(pairs),
    )


async def _named(server: Server, pairs: Sequence[tuple[str, str]]) -> tuple[list[Member], list[Member]]:
    ours = stack("plytalk1")
    everybody = [[Member(0, "", name=names[which]) for names in pairs] for which in (0, 1)]
    for members in everybody:
        for member in members:
            await member.join(server.port, ours)
    await asyncio.gather(*(member.left() for members in everybody for member in members))
    return everybody[0], everybody[1]


def logs(amount: Amount) -> Iterator[Row]:
    """A34: log lines."""
    texts = hostile(amount.texts)
    operator = Member(0, "", name="operator-of-this")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "log"
        options = ("--log-json", str(file), "--operator", operator.fingerprint, "--rate", "0")
        with serving("--headless", *options) as server:
            came, kicked = asyncio.run(_written(server, operator, texts))
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(30)
            notices = list(server.told)
        written = file.read_bytes()
    lines = written.decode("latin-1").split("\n")[:-1]
    events = [parsed(line).get("event") for line in lines]
    expected = {"server opened": 1, "turned away": REFUSED, "session opened": came, "session closed": came, "server closed": 1}
    raw = sorted({byte for byte in written if not 32 <= byte < 127 and byte != 10})
    yield Row(
        "A34",
        f"{len(texts):,} hostile texts as names, rooms, messages, topics, by /me, /msg and /kick; {REFUSED} for a handshake",
        f"{came} members came, {kicked} were sent away; {len(lines)} log lines for {sum(expected.values())} events, "
        f"{events.count(None)} do not parse, {len(raw)} bytes beside printable ASCII; {len(notices)} notices, "
        f"{len(leaks('notices', notices))} not harmless",
        "a line for each event, all parse, no escapes",
        {event: events.count(event) for event in events} == expected and not raw and not leaks("notices", notices),
    )


def parsed(line: str) -> dict[str, object]:
    try:
        return dict(json.loads(line))
    except ValueError:
        return {}


A_MEMBER = 10
"""How many of the texts each member uses."""
REFUSED = 10


async def _written(server: Server, operator: Member, texts: Sequence[str]) -> tuple[int, int]:
    """How many came, and how many of them were sent away."""
    ours = stack("plytalk1")
    for text in texts[:REFUSED]:
        with socket.create_connection((LOOPBACK, server.port), 10) as sock:
            said = text.encode(errors="replace")
            sock.sendall(len(said).to_bytes(2, "big") + said)
            while sock.recv(4096):
                pass
    await operator.join(server.port, ours)
    kicked = 0
    for number, at in enumerate(range(0, len(texts), A_MEMBER)):
        mine = texts[at : at + A_MEMBER]
        member = Member(number, mine[-1], name=mine[0])
        await member.join(server.port, ours)
        for text in mine:
            for said in (
                text,
                f"/name {text}",
                f"/topic {text}",
                f"/me {text}",
                f"/msg operator-of-this {text}",
                f"/join {text}",
            ):
                member.session.say(said)
        member.session.say("/join lobby")
        member.session.say(f"/name victim{number}")
        await member.called(f"victim{number}")
        operator.session.say(f"/kick victim{number} {mine[-1][:MAX_TEXT]}")
        kicked += (await member.over).exit_code == Exit.REMOVED
        member.session.stream.close()
    await operator.left()
    return number + 2, kicked


def pages(amount: Amount) -> Iterator[Row]:
    """A35: markup in the page of the inspector."""
    texts = [*hostile(amount.texts), *MARKUP]
    harmless, page = outline(["hello" for _ in texts]), outline(texts)
    more = page.elements - harmless.elements
    yield Row(
        "A35",
        f"{len(texts):,} hostile texts into the page of `chat inspect --html`, {'drawn by Chromium' if BROWSER else 'not drawn'}",
        f"{len(page.elements)} sorts of elements, {len(more)} not in a page of harmless texts; its title is {page.title!r}",
        "the same as of harmless texts",
        not more and page.title == harmless.title,
    )


MARKUP = [
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "]]><!--<script>document.title='owned'</script>-->",
    '"><svg onload="document.title=\'owned\'">',
]


class Outline(HTMLParser):
    """The elements of a page, by their names and those of their attributes; and its title."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: set[tuple[str, ...]] = set()
        self.title = ""
        self._in_title = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add((tag, *sorted(name for name, _ in attrs)))
        self._in_title = tag == "title"

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title, self._in_title = data, False


def outline(texts: Sequence[str]) -> Outline:
    """The page of a trace with these texts, as a browser has it once it has drawn it and something was clicked."""
    with recorded(texts) as trace:
        page = trace.with_suffix(".html")
        command("inspect", str(trace), "--html", str(page))
        click = "<script>document.querySelectorAll('button').forEach(one => one.click())</script></body>"
        page.write_text(page.read_text(encoding="utf-8").replace("</body>", click), encoding="utf-8")
        if BROWSER is None:
            return Outline(page.read_text(encoding="utf-8"))
        words = [BROWSER, *FLAGS, "--virtual-time-budget=5000", f"--user-data-dir={trace.parent / 'browser'}", "--dump-dom"]
        return Outline(subprocess.run([*words, page.as_uri()], capture_output=True, timeout=120, check=True).stdout.decode())
