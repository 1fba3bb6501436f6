"""The exchange of files at a server: the open offers, and the bytes from each sender to its receivers. It stores no file.

a sender  -- offer -->  the server  -- offer -->  all members of its room
          <-- open --               <-- open --   a receiver, and others that start at the same byte
          -- data -->               -- data -->   each, at the speed of the slowest; one that is too slow gets its own feed
"""

from collections.abc import Callable
from itertools import count
from typing import Any

import msgspec
from msgspec.structs import replace as with_changes

from plytalk.core.contracts.errors import BadFrame, ChatError
from plytalk.core.contracts.layer import Buffer
from plytalk.plugins.files.feeds import Feed, PackItems, StandingOffer
from plytalk.plugins.files.file_items import (
    MAX_CREDIT,
    MAX_SAID,
    OFFERS,
    REPLIES,
    ROOM_OFFERS,
    STREAMS,
    FileFailure,
    FileKind,
    FileReply,
    Offering,
    Refusal,
    Saying,
    Taken,
    Withdrawal,
    fail_stream,
    parse,
    parse_failure,
    parse_number,
    parse_opening,
    parse_proof,
    say,
    understand,
)
from plytalk.plugins.files.manifest import FileOffer
from plytalk.plugins.files.parties import LocalParty, MemberParty, Party, Taker
from plytalk.plugins.rooms.introduction import present, sender
from plytalk.plugins.rooms.pace import PacedSpeaker

CANNOT_RECEIVE = "{} offers a file. Your program cannot receive files."


class Exchange:
    """`find` returns the member with a name, or raises ChatError; `pack` turns items into records.

    `own_key` is the fingerprint of the server's key: an offer to that key is for the server's user.
    """

    def __init__(self, find: Callable[[str], Any], pack: PackItems, own_key: str | None = None) -> None:
        self._find, self._pack, self._own_key = find, pack, own_key
        self._parties: dict[Any, Party] = {}
        self._offers: dict[int, StandingOffer] = {}
        self._numbers = count(1)

    # -- coming and going -------------------------------------------------------------------------------------------------

    def hear(self, member: Any, body: bytes) -> None:
        """Handle an item from a member. Raises BadFrame."""
        if member.room is not None:  # an item of a member that has left must not bring it back
            self._hear(self._party(member), body)

    def hear_data(self, member: Any, stream: int, data: Buffer) -> None:
        """Handle the next bytes of a stream from a member, as `hear` does with those in a DATA item. Raises BadFrame."""
        if member.room is not None:
            self._data(self._party(member), stream, data)

    def _party(self, member: Any) -> Party:
        if member not in self._parties:
            has_connection = isinstance(member, PacedSpeaker)
            self._parties[member] = MemberParty(member) if has_connection else LocalParty(member, member.hear_file)
        return self._parties[member]

    def entered(self, member: Any) -> None:
        """Send a member that has entered a room the open offers there."""
        for offer in self._offers.values():
            if offer.room is not member.room:
                continue
            if offer.whom is None:
                self._announce(offer, member)
            elif offer.audience is None and self._is_same(member, offer.whom):
                offer.audience = self._party(member)
                self._announce(offer, member)

    def left(self, member: Any, cut: bool, moves: bool = False) -> None:
        """Withdraw the offers of a member that left its room. `cut`: it may reconnect. `moves`: it enters another room."""
        party = self._parties.pop(member, None)
        if party is None:
            return
        for taker in tuple(party.takers.values()):
            taker.queue.clear()
            if taker.feed:
                taker.feed.remove(taker)
        for offer in tuple(party.offers.values()):
            self._withdraw(offer, FileFailure.GONE, cut)
            if moves:
                party.send(say(Refusal(number=offer.own, code="left", text=f"You have left {member.room.name}.")))
        for offer in self._offers.values():
            if moves and offer.room is member.room and offer.is_for(party):
                party.send(say(Withdrawal(number=offer.number, cut=True)))
            offer.replies = {reply for reply in offer.replies if reply[0] is not party}
            offer.audience = None if offer.audience is party else offer.audience

    # -- what is said -----------------------------------------------------------------------------------------------------

    def _hear(self, party: Party, body: bytes) -> None:
        kind, stream, payload = parse(body)
        if kind == FileKind.DATA:
            self._data(party, stream, payload)
        elif kind == FileKind.CREDIT:
            self._credit(party, stream, parse_number(payload))
        elif kind == FileKind.OPEN:
            self._open(party, stream, *parse_opening(payload))
        elif kind == FileKind.PROOF:
            self._feed(party, stream, lambda feed: feed.proof(*parse_proof(payload)))
        elif kind == FileKind.END:
            self._feed(party, stream, lambda feed: feed.end(payload))
        elif kind == FileKind.FAIL:
            self._feed(party, stream, lambda feed: feed.fail(parse_failure(payload)))
        elif kind == FileKind.STOP:
            if (taker := party.takers.get(stream)) and taker.feed:
                taker.feed.remove(taker)
        elif kind == FileKind.SAY and (said := understand(payload)):
            self._say(party, said)

    @staticmethod
    def _data(party: Party, stream: int, data: Buffer) -> None:
        if feed := party.feeds.get(stream):
            feed.data(data)
        else:
            party.came_late(len(data))

    @staticmethod
    def _feed(party: Party, stream: int, do: Callable[[Feed], None]) -> None:
        """Handle an item of a feed. If the feed has ended, the item was in flight, and is ignored."""
        if feed := party.feeds.get(stream):
            do(feed)

    def _say(self, party: Party, said: Saying) -> None:
        party.pay_for_words()
        if isinstance(said, Offering):
            self._offer(party, said)
        elif isinstance(said, Withdrawal) and (own := party.offers.get(said.number)):
            self._withdraw(own, FileFailure.CANCELLED)
        elif isinstance(said, FileReply) and said.state in REPLIES:
            offer = self._offers.get(said.number)
            once = (party, said.state)  # otherwise a member could fill the sender's screen
            if offer and offer.is_for(party) and offer.room is party.member.room and once not in offer.replies:
                offer.replies.add(once)
                offer.source.send(say(FileReply(number=offer.own, state=said.state, sender=sender(party.member))))

    def _offer(self, party: Party, said: Offering) -> None:
        member = party.member
        try:
            file = described(said)
            if member.room is None or member.muted:
                raise NotOffered("You are muted here: nobody else was told.")
            if len(party.offers) >= OFFERS or said.number in party.offers:
                raise NotOffered(f"You have {OFFERS} open offers: cancel one.")
            if sum(offer.room is member.room for offer in self._offers.values()) >= ROOM_OFFERS:
                raise NotOffered(f"This room has {ROOM_OFFERS} open offers: try again later.")
            other = self._addressed(said, member.room)
            if other is member:
                raise NotOffered("You cannot offer a file to yourself.")
            if other is not None and other.room is not member.room:
                raise NotOffered(f"{said.to} is not in this room.")
            if other is not None and not can_receive(other):
                other.tell(CANNOT_RECEIVE.format(member.name))
                raise NotOffered(f"The program of {other.name} cannot receive files.")
            if len(say(with_changes(said, number=2**32 - 1, sender=sender(member)))) > MAX_SAID:
                raise NotOffered("The description of the file is too long.")
        except ChatError as error:
            party.send(say(Refusal(number=said.number, code="not-offered", text=error.sentence)))
            return
        audience = self._party(other) if other is not None else None
        whom = sender(other) if other is not None else named(said)
        offer = StandingOffer(self._numbers, next(self._numbers), said.number, party, said, file, member.room, whom, audience)
        self._offers[offer.number] = party.offers[said.number] = offer
        member.charge(len(say(said)))
        told = [other] if other else [] if whom else [*present(member.room)]
        party.send(
            say(Taken(number=said.number, members=sum(self._announce(offer, one) for one in told if one is not member), to=whom))
        )

    def _addressed(self, said: Offering, room: Any) -> Any:
        """Return the member that an offer is for; None if it is for all, or for a member that is away. Raises ChatError for an
        unknown name.
        """
        if said.to is None:
            return None
        if said.key is None:
            return self._find(said.to)
        whom = named(said)
        return next((one for one in present(room) if self._is_same(one, whom)), None)

    def _is_same(self, member: Any, whom: dict[str, Any] | None) -> bool:
        """Whether an offer is for this member. Keys are compared, or names if neither has a key."""
        if whom is None:
            return False
        known = sender(member)
        if known["key"] is None and whom["key"] is not None:
            return whom["key"] == self._own_key and not isinstance(member, PacedSpeaker)
        return bool(known["key"] == whom["key"] and (known["key"] is not None or known["name"] == whom["name"]))

    def _announce(self, offer: StandingOffer, member: Any) -> bool:
        """Send a member an offer. Return whether its program supports files."""
        name = offer.source.member.name
        if not can_receive(member):
            member.tell(CANNOT_RECEIVE.format(name))
            return False
        said = with_changes(offer.said, number=offer.number, sender=sender(offer.source.member))
        self._party(member).send(say(said))
        return True

    def _withdraw(self, offer: StandingOffer, why: FileFailure, cut: bool = False) -> None:
        self._offers.pop(offer.number, None)
        offer.source.offers.pop(offer.own, None)
        told = [party for member, party in self._parties.items() if offer.is_for(party) and member.room is offer.room]
        if why is FileFailure.GONE:  # told first: receivers keep the file of a sender that may reconnect
            self._tell_withdrawn(told, offer, cut)
        for feed in tuple(offer.feeds):
            feed.fail(why)
        if why is not FileFailure.GONE:
            self._tell_withdrawn(told, offer, cut)

    @staticmethod
    def _tell_withdrawn(told: list[Party], offer: StandingOffer, cut: bool) -> None:
        for party in told:
            party.send_behind(offer, say(Withdrawal(number=offer.number, cut=cut)))

    # -- streams ----------------------------------------------------------------------------------------------------------

    def _open(self, party: Party, stream: int, number: int, at: int, credit: int) -> None:
        offer = self._offers.get(number)
        if offer is None or not offer.is_for(party) or offer.room is not party.member.room or at > offer.file.most:
            party.send(fail_stream(stream, FileFailure.UNKNOWN))
        elif stream in party.takers or credit > MAX_CREDIT:
            raise BadFrame("A stream was opened twice, or with too much credit.")
        elif offer.file.once and (at or offer.feeds):
            party.send(fail_stream(stream, FileFailure.ONCE))
        elif len(party.takers) >= STREAMS or any(taker.feed in offer.feeds for taker in party.takers.values()):
            party.send(fail_stream(stream, FileFailure.TOO_MANY))
        else:
            taker = party.takers[stream] = Taker(party, stream, credit)
            feed = next((feed for feed in offer.feeds if feed.is_joined_at(at)), None)
            if feed is None:
                feed = Feed(offer, at, self._pack)
            feed.add(taker)
            feed.begin_soon(alone=offer.file.once or offer.whom is not None or len(offer.room) <= 2)

    @staticmethod
    def _credit(party: Party, stream: int, size: int) -> None:
        if (taker := party.takers.get(stream)) and taker.feed:
            if (outstanding := taker.outstanding + size) > MAX_CREDIT:
                raise BadFrame(f"A receiver gave credit for {outstanding:,} bytes; at most {MAX_CREDIT:,} are allowed.")
            taker.feed.credit(taker, size)


def named(said: Offering) -> dict[str, Any] | None:
    """Return the name and key of the member that an offer is for, who may be away; None if it is for all."""
    return None if said.to is None else {"name": said.to, "key": said.key or None}


def can_receive(member: Any) -> bool:
    """Whether the program of a member supports files."""
    return not isinstance(member, PacedSpeaker) or member.hears_events


def described(said: Offering) -> FileOffer:
    """Return the file of an offer. Raises NotOffered."""
    try:
        file = msgspec.convert(said.file, FileOffer)
    except msgspec.ValidationError:
        raise NotOffered("The description of the file is not valid.") from None
    if not file.agrees_with_itself:
        raise NotOffered("The description of the file is not valid.")
    return file


class NotOffered(ChatError):
    """The offer was not taken."""
