"""Tab completion in a half-typed line: commands, their arguments, names, and paths."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

NAMES, ROOMS, COMMANDS, NOTHING = "names", "rooms", "commands", ""
NAMED = ("msg", "whois", "ignore", "kick", "ban", "unban", "mute", "unmute", "op", "deop", "allow")
OTHERS = (
    "accept",
    "away",
    "bans",
    "cancel",
    "clear",
    "decline",
    "keep",
    "me",
    "name",
    "nick",
    "quit",
    "release",
    "reply",
    "rooms",
    "send",
    "topic",
    "transfers",
    "who",
)
ARGUMENTS: Mapping[str, str] = {
    "help": COMMANDS,
    "join": ROOMS,
    **dict.fromkeys(NAMED, NAMES),
    **dict.fromkeys(OTHERS, NOTHING),
}
"""What the first argument of each known command is."""


class Vocabulary(Struct):
    """What can be completed: what there is now."""

    names: Sequence[str] = ()
    rooms: Sequence[str] = ()
    commands: Sequence[str] = tuple(ARGUMENTS)


def completions(before: str, words: Vocabulary) -> tuple[int, list[str]]:
    """Where the word before the cursor begins, and its completions, each with the space or colon that follows it."""
    command, blank, argument = before.partition(" ")
    if before.startswith("/") and not blank:
        return 0, [f"/{name} " for name in matching(before[1:], sorted(words.commands))]
    if before.startswith("/send "):
        from plytalk.plugins.chat_screen.path_completion import paths, word_start

        if not before[(start := word_start(before)) :].startswith("@"):
            return start, paths(before[start:])
    kind = ARGUMENTS.get(command[1:], NAMES) if before.startswith("/") else NAMES
    if before.startswith("/") and " " not in argument and kind in (ROOMS, COMMANDS):
        known = words.rooms if kind == ROOMS else sorted(words.commands)
        return len(command) + 1, [f"{name} " for name in matching(argument.lstrip("/"), known)]
    if before.startswith("/") and kind == NAMES and command[1:] in ARGUMENTS and " " not in argument:
        return len(command) + 1, [f"{quoted(name)} " for name in matching(argument.lstrip('"'), words.names)]
    start = before.rfind(" ") + 1
    word = before[start:]
    sign, ending = ("@", " ") if word.startswith("@") else ("", " " if start else ": ")
    return start, [f"{sign}{name}{ending}" for name in matching(word.removeprefix("@"), words.names)] if word else []


def matching(beginning: str, words: Iterable[str]) -> list[str]:
    """The words with this beginning, in upper or lower case."""
    return [word for word in words if word.lower().startswith(beginning.lower())]


def quoted(name: str) -> str:
    """A name as commands take it: in quotes where it has a blank."""
    return f'"{name}"' if " " in name else name


def common_beginning(words: Sequence[str]) -> str:
    """What all words begin with, in upper or lower case."""
    same = 0
    for letters in zip(*(word.lower() for word in words), strict=False):
        if len(set(letters)) > 1:
            break
        same += 1
    return words[0][:same]


class Tab(Struct):
    """Tab, pressed once or again: first what all candidates have in common, then one after the other."""

    words: Vocabulary = field(default_factory=Vocabulary)
    candidates: list[str] = field(default_factory=list)
    _start: int = 0
    _next: int = 0
    _made: str = ""

    def press(self, before: str, step: int = 1) -> str:
        """The text before the cursor after Tab; the same where nothing fits."""
        if self.candidates and before == self._made:
            self._next = (self._next + step) % len(self.candidates)
            return self._put(before[: self._start] + self.candidates[self._next])
        start, found = completions(before, self.words)
        self._start, self._next, self.candidates = start, -1 if step > 0 else 0, found if len(found) > 1 else []
        if not found:
            return before
        common = found[0] if len(found) == 1 else common_beginning(found)
        made = before[:start] + found[0][: len(common)]
        return self._put(made if len(made) > len(before) or len(found) == 1 else before)

    def _put(self, text: str) -> str:
        self._made = text
        return text

    def hint(self, before: str) -> str:
        """The candidates, as long as nothing else is typed."""
        return "  ".join(one.strip().rstrip(":") for one in self.candidates) if before == self._made else ""
