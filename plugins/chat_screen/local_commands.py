"""Commands that the console carries out itself; all others go to the server, and so does the reason of /quit."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from plytalk.core.contracts.events import WAYS_COMMAND, Notice, Renamed
from plytalk.plugins.chat_screen.company import Company

HELP = {
    "clear": "/clear  Clear the screen; what was said before stays in the terminal's scrollback.",
    "ignore": "/ignore  Hide what a member says, or show it again: /ignore bob. Alone, it lists them.",
}
INVITE_HELP = {WAYS_COMMAND: f"/{WAYS_COMMAND}  Show what others paste to come in, for each door."}


class ScreenOwner(Protocol):
    """What the commands act on."""

    def clear(self) -> None: ...

    def leave(self, why: str) -> None: ...

    def print_whole(self, line: str) -> None: ...


class LocalCommands:
    """`tell` shows a sentence, /invite shows `ways_in`. A member is ignored by key, so that another name does not help."""

    def __init__(self, owner: ScreenOwner, company: Company, tell: Callable[[str], None], ways_in: Sequence[Notice] = ()) -> None:
        self._owner, self._company, self._tell, self._ways_in = owner, company, tell, ways_in
        self.ignored: dict[str, str] = {}

    def run(self, line: str) -> bool:
        """Carry out a line, if it is one of these commands; whether it was. /help goes to the server as well."""
        name, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        match name.lower():
            case "/quit":
                self._owner.leave(rest)
            case "/clear":
                self._owner.clear()
            case "/ignore":
                self._ignore(rest.strip('"'))
            case "/help" if (topic := rest.lstrip("/").lower()) in self.help:
                self._tell(self.help[topic])
            case "/help":
                for sentence in self.help.values() if not rest else ():
                    self._tell(sentence)
                return False
            case command if command == f"/{WAYS_COMMAND}" and self._ways_in:
                for way in self._ways_in:
                    self._owner.print_whole(f"{way.data['transport']}  {way.data['line']}" if way.data else way.text)
            case _:
                return False
        return True

    @property
    def help(self) -> dict[str, str]:
        """The help of each of these commands."""
        return HELP | INVITE_HELP if self._ways_in else HELP

    def _ignore(self, name: str) -> None:
        if not name:
            self._tell(f"You ignore {', '.join(self.ignored.values())}." if self.ignored else "You ignore nobody.")
            return
        found = next(self._known(name), None)
        if name.lower() == self._company.me.lower():
            self._tell("That is you: what you say is always shown.")
        elif found is None:
            self._tell(f"No member here has the name {name}. /who lists the members.")
        elif found in self.ignored:
            self._tell(f"{self.ignored.pop(found)} is no longer ignored.")
        else:
            self.ignored[found] = name
            self._tell(f"What {name} says is hidden until you type /ignore {name} again.")

    def note(self, event: Renamed) -> None:
        """A member has another name: one without a key is known by that alone."""
        if not event.sender.key and (ignored := self.ignored.pop(event.sender.name or "", None)):
            self.ignored[event.name] = ignored

    def _known(self, name: str) -> Iterator[str]:
        """What a member is known by, also one that is ignored and gone."""
        yield from (who for who, called in self.ignored.items() if called.lower() == name.lower())
        yield from (key or one for one, key in self._company.keys.items() if one.lower() == name.lower())
