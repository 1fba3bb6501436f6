"""The names of all members. Each belongs to one member, and no two look alike."""

from collections import OrderedDict
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.endpoints.admission import source_of
from plytalk.core.io.address import is_local
from plytalk.plugins.rooms import member_names as names
from plytalk.plugins.rooms.moderation import Moderation
from plytalk.trust.word_list import WORDS

if TYPE_CHECKING:
    import asyncio

MAX_REMEMBERED = 10_000
"""The number of keys for which the last name is remembered, and of addresses for which reserved names are counted."""
NAMES_A_DAY = 5
"""The names that one address may reserve per day."""
LOCAL_NAMES_A_DAY = 50
"""The same for this machine, since many people may come through a tunnel or proxy on it."""
DAY = 24 * 3600.0


class Directory:
    """Finds members by name. `moderation` knows the names that are reserved for keys."""

    def __init__(self, moderation: Moderation, loop: "asyncio.AbstractEventLoop") -> None:
        self._moderation, self._loop = moderation, loop
        self._looks: dict[str, Any] = {}
        self._last: OrderedDict[PublicKey, str] = OrderedDict()
        self._given_up: OrderedDict[str, PublicKey | None] = OrderedDict()
        self._kept: dict[str, list[float]] = {}

    def choose(self, member: Any, wanted: str) -> tuple[str, str]:
        """Choose the requested name, the reserved one, or a new one. Return it, and why it is not the requested one."""
        key, why = member.key, ""
        own = (self._moderation.name_of(key) or self._last.get(key) or "") if key else ""
        if wanted:
            try:
                return self.take(member, wanted), ""
            except ChatError as error:
                why = "" if self._is_with(key, wanted) else error.sentence
        made_up = "-".join(WORDS[byte] for byte in key.blob[-2:]) if key else "visitor"
        tries = [own, *names.numbered(own, range(2, 10))] if own else []
        more = names.numbered(made_up, count(2))  # without end: any of these may be reserved
        name = next(taken for name in chain(tries, [made_up], more) if (taken := self._try(member, name)))
        return name, why and f"{why} You are {name}."

    def _is_with(self, key: PublicKey | None, name: str) -> bool:
        """Whether another connection of this key has the name: the same person at another terminal."""
        holders = (self._looks.get(shape) for shape in names.looks(name)) if key and len(name) <= names.MAX_NAME else ()
        return any(holder and holder.key == key for holder in holders)

    def _try(self, member: Any, name: str) -> str:
        try:
            return self.take(member, name)
        except ChatError:
            return ""

    def take(self, member: Any, name: str) -> str:
        """Give a member a name. Return it as it is written. Raises BadName, also for a name that looks like another's."""
        key = member.key
        saved = self._moderation.name_of(key) if key else None
        name = names.enforce(name)
        if name != saved:  # names reserved under earlier, laxer rules stay valid
            names.check_new(name)
        if any(self._looks.get(shape, member) is not member for shape in names.looks(name)):
            raise names.BadName(f"The name {name!r}, or one that looks like it, is taken.", "Choose another one: /name NAME.")
        if name != saved and self._moderation.holder(name, key):
            raise names.BadName(f"The name {name!r} belongs to another key.", "Choose another one: /name NAME.")
        self.bind(member, name)
        if key:
            self._last[key] = name
            self._last.move_to_end(key)
            while len(self._last) > MAX_REMEMBERED:
                self._last.popitem(last=False)
        return name

    def bind(self, member: Any, name: str) -> None:
        """Make this the only name by which a member is found."""
        self.release(member)
        self._looks.update(dict.fromkeys(names.looks(name), member))

    def release(self, member: Any) -> None:
        """Free the name of a member that leaves or changes its name."""
        if member.name:
            for shape in names.looks(member.name):
                if self._looks.get(shape) is member:
                    del self._looks[shape]
            called = names.comparable(member.name)
            self._given_up[called] = member.key
            self._given_up.move_to_end(called)
            while len(self._given_up) > MAX_REMEMBERED:
                self._given_up.popitem(last=False)

    def find(self, name: str) -> Any:
        """Return the member with this name. Raises Usage."""
        if member := self._present(name.removeprefix("@")):
            return member
        raise Usage(f"No member here has the name {name.removeprefix('@')[: names.MAX_NAME]!r}.", "/who lists the members.")

    def _present(self, name: str) -> Any:
        for shape in names.looks(name) if len(name) <= names.MAX_NAME else ():
            member = self._looks.get(shape)
            # A name that only looks like this one does not count.
            if member and not names.shapes(member.name).isdisjoint(names.shapes(name)):
                return member
        return None

    def key_of_absent(self, name: str) -> PublicKey | None:
        """Return the key of the last member with this name, if nobody has it now; None if unknown, or without a key."""
        name = name.removeprefix("@")
        if len(name) > names.MAX_NAME or self._present(name):
            return None
        return self._given_up.get(names.comparable(name))

    def last_name(self, key: PublicKey) -> str:
        """Return the last name of a key's holder; empty if it is unknown."""
        return self._last.get(key, "")

    def keys(self) -> set[PublicKey]:
        """Return the keys of the last members, present or not."""
        return set(self._last)

    def count_kept(self, peer: str) -> None:
        """Count a name reserved from an address. Raises Usage if there were too many today."""
        now = self._loop.time()
        source, most = ("", LOCAL_NAMES_A_DAY) if is_local(peer) else (source_of(peer), NAMES_A_DAY)
        times = [time for time in self._kept.get(source, ()) if time > now - DAY]
        if len(times) >= most:
            raise Usage("Too many names were kept from your address today.", "Try again tomorrow, or ask an operator.")
        if len(self._kept) >= MAX_REMEMBERED:
            self._kept.clear()
        self._kept[source] = [*times, now]
