"""Dice for rooms: `/roll 2d6` throws two of six sides. The server throws them, so that nobody can throw what he likes."""

import json
import re
from secrets import randbelow

from plytalk import Call, Command, Feature, MemberEvent, Usage, hookimpl


class Thrown(MemberEvent, frozen=True, kw_only=True, tag="dice"):
    """Somebody has thrown dice. Clients that do not have this feature get the text as a notice."""

    faces: tuple[int, ...]
    text: str


def roll(call: Call) -> None:
    """Everybody is sent an event of the type `dice`, with the numbers for programs and a sentence for people."""
    thrown = re.fullmatch(r"([1-9]\d?)d([2-9]|[1-9]\d{1,2})", call.rest or "1d6", re.ASCII)
    if not thrown:
        raise Usage("That is not a throw.", "Write how many dice and how many sides: /roll 2d6, at most 99d999.")
    count, sides = map(int, thrown.groups())
    faces = [randbelow(sides) + 1 for _ in range(count)]
    sentence = f"{call.sender} rolls {count}d{sides}: {' + '.join(map(str, faces))}"
    call.publish("dice", json.dumps({"faces": faces}), f"{sentence} = {sum(faces)}" if count > 1 else sentence)


class Dice(Feature):
    """Dice for rooms: /roll 2d6."""

    name = "dice"
    commands = (Command("roll", "Roll dice: /roll 2d6.", roll),)
    events = (Thrown,)


@hookimpl
def layers() -> list[type[Dice]]:
    return [Dice]
