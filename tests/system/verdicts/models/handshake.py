"""The handshake, explored symbolically: keys are names, and an attacker knows what follows from what it has (Dolev and Yao).

Two conversations run at once, between clients `c1`, `c2` of one user and servers `s1`, `s2` of another. The attacker carries
every message: it may relay, drop, replay or swap between the conversations, and put in whatever it can make, with its own keys
(`m`). A sealed field names the secrets that it is sealed under and all that went before it; an attacker makes or reads one only
where it knows all these secrets, and passes on as it is what it has seen.

    A  client -> server   e [, e1]
    B  client <- server   e, ee [, ekem1], s, es, proof         proof: the identity's signature of s
    C  client -> server   s, se [, psk], proof

It succeeds where it knows the keys of a conversation that a client believes in (with a pre-shared key: a client or a server),
now, or later, when more is known; or where a server takes the same conversation twice.

    python tests/system/verdicts/models/handshake.py           prints the table
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from verdicts.models.reachable import reachable

Term = str | tuple | frozenset
CLIENTS, SERVERS, SIDES = ("c1", "c2"), ("s1", "s2"), ("c1", "c2", "s1", "s2")
STATIC = {"c": "static of client", "s": "static of server", "m": "static of m"}
MINE = "m"


@dataclass(frozen=True)
class Protocol:
    """What is run. `faults` are names of checks that a broken variant leaves out."""

    name: str
    kem: bool = False
    psk: bool = False
    pinned: bool = False
    faults: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Power:
    """What the attacker can do: now, and with the recording later."""

    name: str
    active: bool = False
    x25519_now: bool = False
    x25519_later: bool = False
    statics_later: bool = False
    psk: bool = False


@dataclass(frozen=True)
class Party:
    """One end of one conversation. `heard` is all that went over the wire as it saw it, `secrets` all that it mixed in."""

    step: int = 0
    heard: tuple[Term, ...] = ()
    secrets: tuple[Term, ...] = ()
    peer_e: str = ""
    peer_e1: str = ""


@dataclass(frozen=True)
class State:
    """The four ends, in the order of SIDES, and every field that has been on the wire."""

    parties: tuple[Party, ...]
    io: frozenset[Term] = frozenset()


def dh(one: str, two: str) -> Term:
    return ("dh", frozenset((one, two)))


def sealed(secrets: tuple[Term, ...], heard: tuple[Term, ...], content: Term) -> Term:
    return ("sealed", secrets, heard, content)


def proof(who: str, static: str) -> Term:
    return ("signed", who, static)


class Attacker:
    """What somebody knows who has seen the wire, with a power, now or later."""

    def __init__(self, io: frozenset[Term], power: Power, later: bool = False) -> None:
        self.io, self.power = io, power
        self.breaks_x25519 = power.x25519_now or (later and power.x25519_later)
        self.privates = {"e of m", "e1 of m", STATIC["m"]}
        if later and power.statics_later:
            self.privates |= {STATIC["c"], STATIC["s"]}
        contents = [field[3] for field in io if field[0] == "sealed" and self.knows_all(field[1])]
        self.readable = set(contents) | {STATIC["m"]}

    def knows_all(self, secrets: tuple[Term, ...]) -> bool:
        return all(map(self.knows, secrets))

    def knows(self, secret: Term) -> bool:
        match secret:
            case ("dh", pair):
                return self.breaks_x25519 or bool(pair & self.privates)
            case ("kem", public, sender):
                return sender == MINE or public in self.privates
            case "psk":
                return self.power.psk
        raise ValueError(secret)

    def can_send(self, field: Term) -> bool:
        """Whether it can put this sealed field on the wire: by making it, or because it was there."""
        if field in self.io:
            return True
        _, secrets, _, content = field
        return self.knows_all(secrets) and (content in self.readable or self.can_make(content))

    def can_make(self, content: Term) -> bool:
        match content:
            case ("signed", who, static):  # it signs anything, with its own name; keys of others are public once read
                return who == MINE and static in self.readable
            case ("ciphertext", _, sender):
                return sender == MINE
        return False


class Run:
    """All that can happen with one protocol and one attacker."""

    def __init__(self, protocol: Protocol, power: Power, sides: tuple[str, ...] = SIDES) -> None:
        self.protocol, self.power, self.sides = protocol, power, sides

    def outcomes(self) -> Iterator[State]:
        """Every state that can be reached, each once."""
        return reachable(self.begin(), self.moves)

    def begin(self) -> State:
        """The clients have sent A."""
        parties, io = [], set()
        for side in self.sides:
            fields = (f"e of {side}", *((f"e1 of {side}",) if self.protocol.kem else ())) if side in CLIENTS else ()
            io |= {("public", field) for field in fields}
            parties.append(Party(1 if side in CLIENTS else 0, fields))
        return State(tuple(parties), frozenset(io))

    def moves(self, state: State) -> Iterator[State]:
        attacker = Attacker(state.io, self.power)
        for index, (side, party) in enumerate(zip(self.sides, state.parties, strict=True)):
            if side in CLIENTS:
                steps = self.client_hears_b(side, party, attacker) if party.step == 1 else ()
            else:
                steps = {0: self.server_hears_a, 1: self.server_hears_c}.get(party.step, nothing)(side, party, attacker)
            for following, sent in steps:
                parties = (*state.parties[:index], following, *state.parties[index + 1 :])
                yield State(parties, state.io | sent)

    # -- what each end does with what may come ----------------------------------------------------------------------------

    def server_hears_a(self, side: str, party: Party, attacker: Attacker) -> Iterator[tuple[Party, frozenset[Term]]]:
        """Any e and e1 that were seen, or the attacker's; it answers with B."""
        publics = [field[1] for field in attacker.io if field[0] == "public"]
        mine = ["e of m", "e1 of m"] if self.power.active else []
        es = [name for name in (*publics, *mine) if name.startswith("e of c") or name == "e of m"]
        e1s = [name for name in (*publics, *mine) if name.startswith("e1 ")] if self.protocol.kem else [""]
        for e, e1 in product(es, e1s):
            if not self.power.active and (e != f"e of c{side[1]}" or e1 not in ("", f"e1 of c{side[1]}")):
                continue
            own = f"e of {side}"
            heard = (e, *((e1,) if e1 else ()), own)
            secrets = (dh(e, own),)
            sent: set[Term] = {("public", own)}
            if e1:
                ciphertext = sealed(secrets, heard, ("ciphertext", e1, side))
                heard, secrets = (*heard, ciphertext), (*secrets, *self.kem_secret(e1, side))
                sent.add(ciphertext)
            static = sealed(secrets, heard, STATIC["s"])
            heard, secrets = (*heard, static), (*secrets, dh(e, STATIC["s"]))
            shown = sealed(secrets, heard, proof("s", STATIC["s"]))
            yield Party(1, (*heard, shown), secrets, e, e1), frozenset(sent | {static, shown})

    def client_hears_b(self, side: str, party: Party, attacker: Attacker) -> Iterator[tuple[Party, frozenset[Term]]]:
        """Whatever B the attacker can bring about; where it is accepted, C follows and the client is done."""
        own, own1 = f"e of {side}", f"e1 of {side}"
        es = [field[1] for field in attacker.io if field[0] == "public" and field[1].startswith("e of s")]
        for e in [*es, *(["e of m"] if self.power.active else [])]:
            for heard, secrets in self.ciphertexts((*party.heard, e), (dh(own, e),), own1, attacker):
                for name in STATIC.values():
                    static = sealed(secrets, heard, name)
                    if not attacker.can_send(static):
                        continue
                    then, mixed = (*heard, static), (*secrets, dh(own, name))
                    for who, bound in product(STATIC, STATIC.values()):
                        shown = sealed(mixed, then, proof(who, bound))
                        if attacker.can_send(shown) and self.accepts(who, bound, name):
                            yield self.client_sends_c(e, (*then, shown), mixed)

    def ciphertexts(
        self, heard: tuple[Term, ...], secrets: tuple[Term, ...], own1: str, attacker: Attacker
    ) -> Iterator[tuple[tuple[Term, ...], tuple[Term, ...]]]:
        """The transcript and the secrets behind each KEM ciphertext that can come."""
        if not self.protocol.kem:
            yield heard, secrets
            return
        for sender in (*SERVERS, MINE):
            ciphertext = sealed(secrets, heard, ("ciphertext", own1, sender))
            if attacker.can_send(ciphertext):
                yield (*heard, ciphertext), (*secrets, *self.kem_secret(own1, sender))

    def kem_secret(self, public: str, sender: str) -> tuple[Term, ...]:
        return () if "no kem" in self.protocol.faults else (("kem", public, sender),)

    def accepts(self, who: str, bound: str, static: str) -> bool:
        """A client's look at the identity: its proof must be of this static key, and where it is pinned, it must be the one."""
        if bound != static and "unbound proof" not in self.protocol.faults:
            return False
        return who == "s" or not self.protocol.pinned or "no pin" in self.protocol.faults

    def client_sends_c(self, e: str, heard: tuple[Term, ...], secrets: tuple[Term, ...]) -> tuple[Party, frozenset[Term]]:
        static = sealed(secrets, heard, STATIC["c"])
        heard, secrets = (*heard, static), (*secrets, dh(STATIC["c"], e), *(("psk",) if self.protocol.psk else ()))
        shown = sealed(secrets, heard, proof("c", STATIC["c"]))
        return Party(2, (*heard, shown), secrets, e), frozenset({static, shown})

    def server_hears_c(self, side: str, party: Party, attacker: Attacker) -> Iterator[tuple[Party, frozenset[Term]]]:
        """Whatever C can come; a server takes anybody who proves some identity."""
        for name in STATIC.values():
            static = sealed(party.secrets, party.heard, name)
            if not attacker.can_send(static):
                continue
            heard = (*party.heard, static)
            secrets = (*party.secrets, dh(name, f"e of {side}"), *(("psk",) if self.protocol.psk else ()))
            for who, bound in product(STATIC, STATIC.values()):
                shown = sealed(secrets, heard, proof(who, bound))
                if bound == name and attacker.can_send(shown):
                    yield replace(party, step=2, heard=(*heard, shown), secrets=secrets), frozenset()

    # -- what must hold ---------------------------------------------------------------------------------------------------

    def broken(self) -> bool:
        """Whether the attacker knows the keys of a conversation that somebody believes in."""
        trusting = SIDES if self.protocol.psk else CLIENTS
        for state in self.outcomes():
            attacker = Attacker(state.io, self.power, later=True)
            for side, party in zip(self.sides, state.parties, strict=True):
                if side in trusting and party.step == 2 and attacker.knows_all(party.secrets):
                    return True
        return False

    def replayed(self) -> bool:
        """Whether two servers take the same client's message as the end of a conversation with the same keys."""
        for state in self.outcomes():
            done = [party for side, party in zip(self.sides, state.parties, strict=True) if side in SERVERS and party.step == 2]
            if len({party.secrets for party in done}) < len(done):
                return True
        return False

    def agreed(self) -> bool:
        """Whether each pinned client that is done talks to a server that saw the very same conversation up to C."""
        for state in self.outcomes():
            views = {side: party.heard for side, party in zip(self.sides, state.parties, strict=True)}
            servers = [views[side] for side in self.sides if side in SERVERS]
            for side, party in zip(self.sides, state.parties, strict=True):
                if side in CLIENTS and party.step == 2 and not any(party.heard[: len(seen)] == seen for seen in servers if seen):
                    return False
        return True


def nothing(side: str, party: Party, attacker: Attacker) -> tuple[()]:
    return ()


PROTOCOLS = (
    Protocol("XX, no pin"),
    Protocol("XX, pinned", pinned=True),
    Protocol("XXhfs, no pin", kem=True),
    Protocol("XXhfs, pinned", kem=True, pinned=True),
    Protocol("XXhfs+psk3, pinned", kem=True, psk=True, pinned=True),
)
POWERS = (
    Power("passive, also with static keys leaked later", statics_later=True),
    Power("recorded, X25519 broken later", x25519_later=True),
    Power("active", active=True),
    Power("active, and X25519 broken now", active=True, x25519_now=True),
)


def main() -> None:
    for power in POWERS:
        row = {protocol.name: Run(protocol, power).broken() for protocol in PROTOCOLS}
        print(power.name, row)


if __name__ == "__main__":
    main()
