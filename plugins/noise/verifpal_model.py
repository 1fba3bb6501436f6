"""A Noise handshake as a model for Verifpal, a tool that looks for attacks on protocols (https://verifpal.com, user manual).

Each token of the pattern becomes the lines by which both sides mix it: `ck` is the chaining key, `h` the hash, `k` the cipher
key, numbered as they change; constants end in `_c` at the client and in `_s` at the server. A KEM is modelled as public-key
encryption of a new secret. A key that a side knows in advance is a guarded constant, which the attacker cannot replace.
"""

from collections.abc import Collection

from plytalk.core.contracts.peers import Role
from plytalk.plugins.noise.patterns import Tokens
from plytalk.plugins.noise.protocol import NoiseProtocol

CLIENT, SERVER = Role.INITIATOR, Role.RESPONDER
NAMES = {CLIENT: "Client", SERVER: "Server"}
ENDS = {CLIENT: "c", SERVER: "s"}


class ModelSide:
    """One side's state while the model is written: the names of its current ck, h and k, and of the other side's keys."""

    def __init__(self, role: Role) -> None:
        self.role, self.end = role, ENDS[role]
        self.lines: list[str] = []
        self.theirs: dict[str, str] = {}
        self._numbers = {"ck": 0, "h": 0, "k": -1}

    def name(self, what: str) -> str:
        """Return the current name of ck, h or k; empty before the first key is set."""
        number = self._numbers[what]
        return f"{what}{number}_{self.end}" if number >= 0 else ""

    def next(self, what: str) -> str:
        """Return a new name for it."""
        self._numbers[what] += 1
        return self.name(what)

    def mix_hash(self, value: str) -> None:
        before = self.name("h")
        self.lines.append(f"{self.next('h')} = HASH({before}, {value})")

    def mix_key(self, value: str) -> None:
        before = self.name("ck")
        self.lines.append(f"{self.next('ck')}, {self.next('k')} = HKDF({before}, {value}, nil)")

    def mix_key_and_hash(self, value: str) -> None:
        before, mixed = self.name("ck"), f"t_{self._numbers['ck']}_{self.end}"
        self.lines.append(f"{self.next('ck')}, {mixed}, {self.next('k')} = HKDF({before}, {value}, nil)")
        self.mix_hash(mixed)


class NoiseModel:
    """The text of a model. `known` are the roles with a long-lived key that the other side has in advance; with `identities`,
    these sign static keys.
    """

    def __init__(self, protocol: NoiseProtocol, known: Collection[Role], identities: bool) -> None:
        self._protocol, self._pattern, self._known, self._identities = protocol, protocol.pattern, known, identities
        self._sides = {role: ModelSide(role) for role in Role}
        self._text: list[str] = []
        self._dhs = 0
        self._sent = 0

    def text(self) -> str:
        self._text = [f"// {self._protocol.name}", "attacker[active]", ""]
        self._begin()
        for index, tokens in enumerate(self._pattern.messages):
            self._message(CLIENT if index % 2 == 0 else SERVER, tokens)
        self._talk()
        return "\n".join(self._text) + "\n"

    # -- before the first message ------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        for role, side in self._sides.items():
            end = side.end
            side.lines.append("knows public protocol_name, prologue")
            if self._has_static(role):
                side.lines += [f"knows private static_{end}", f"gstatic_{end} = G^static_{end}"]
                if self._signs(role):
                    side.lines += [f"knows private id_{end}", f"gid_{end} = G^id_{end}"]
            if self._pattern.psks:
                side.lines.append("knows private psk")
            side.lines += [f"ck0_{end} = HASH(protocol_name)", f"h0_{end} = HASH(protocol_name, prologue)"]
            self._flush(side)
        for role, pre in ((CLIENT, self._pattern.initiator_pre), (SERVER, self._pattern.responder_pre)):
            if "s" in pre:
                self._hand(role, f"[gstatic_{ENDS[role]}]")
                self._sides[role.other].theirs["s"] = f"gstatic_{ENDS[role]}"
                for side in self._sides.values():
                    side.mix_hash(f"gstatic_{ENDS[role]}")
            if self._signs(role) and role in self._known:
                self._hand(role, f"[gid_{ENDS[role]}]")

    def _has_static(self, role: Role) -> bool:
        return "s" in self._pattern.needs(role is CLIENT)

    def _signs(self, role: Role) -> bool:
        return self._identities and "s" in self._pattern.sent(role is CLIENT)

    # -- a message ---------------------------------------------------------------------------------------------------------

    def _message(self, sender: Role, tokens: Tokens) -> None:
        here, there = self._sides[sender], self._sides[sender.other]
        later: list[tuple[str, str]] = []  # the receiver's steps, after it has the whole message
        sent: list[str] = []
        end = here.end
        for token in tokens:
            match token:
                case "e":
                    here.lines += [f"generates e_{end}", f"ge_{end} = G^e_{end}"]
                    sent.append(f"ge_{end}")
                    self._mix_ephemeral(here, f"ge_{end}")
                case "e1":
                    here.lines += [f"generates e1_{end}", f"ge1_{end} = G^e1_{end}"]
                    sent.append(self._seal(here, f"ge1_{end}"))
                case "ekem1":
                    here.lines.append(f"generates kem_{end}")
                    here.lines.append(f"encapsulated_{end} = PKE_ENC({here.theirs['e1']}, kem_{end})")
                    sent.append(self._seal(here, f"encapsulated_{end}"))
                    here.mix_key(f"kem_{end}")
                case "s":
                    sent.append(self._seal(here, f"gstatic_{end}"))
                case "psk":
                    here.mix_key_and_hash("psk")
                case _:
                    self._mix_dh(here, token)
            later.append((token, sent[-1] if sent else ""))
        payload = self._payload(here, tokens)
        if payload:
            sent.append(payload)
        self._flush(here)
        self._hand(sender, ", ".join(sent))
        for token, received in later:
            self._take(there, here, token, received)
        if payload:
            self._take_payload(there, here, tokens, payload)
        self._flush(there)

    def _take(self, here: ModelSide, sender: ModelSide, token: str, received: str) -> None:
        """Write the receiver's steps for a token."""
        match token:
            case "e":
                here.theirs["e"] = received
                self._mix_ephemeral(here, received)
            case "e1" | "s":
                here.theirs[token] = self._open(here, received, f"seen_{token}_{here.end}")
            case "ekem1":
                opened = self._open(here, received, f"seen_ekem1_{here.end}")
                here.lines.append(f"kem_{here.end} = PKE_DEC(e1_{here.end}, {opened})")
                here.mix_key(f"kem_{here.end}")
            case "psk":
                here.mix_key_and_hash("psk")
            case _:
                self._mix_dh(here, token)

    def _mix_ephemeral(self, side: ModelSide, public: str) -> None:
        side.mix_hash(public)
        if self._pattern.psks:  # section 9.2
            side.mix_key(public)

    def _mix_dh(self, side: ModelSide, token: str) -> None:
        mine, theirs = (token[0], token[1]) if side.role is CLIENT else (token[1], token[0])
        private = {"e": f"e_{side.end}", "s": f"static_{side.end}"}[mine]
        self._dhs += 1
        side.lines.append(f"dh{self._dhs}_{side.end} = {side.theirs[theirs]}^{private}")
        side.mix_key(f"dh{self._dhs}_{side.end}")

    def _seal(self, side: ModelSide, value: str) -> str:
        """EncryptAndHash: return the constant that is sent."""
        if not side.name("k"):
            side.mix_hash(value)
            return value
        self._sent += 1
        sealed = f"sealed{self._sent}"
        side.lines.append(f"{sealed} = AEAD_ENC({side.name('k')}, {value}, {side.name('h')})")
        side.mix_hash(sealed)
        return sealed

    def _open(self, side: ModelSide, received: str, name: str) -> str:
        """DecryptAndHash: return the resulting constant."""
        if not side.name("k"):
            side.mix_hash(received)
            return received
        side.lines.append(f"{name} = AEAD_DEC({side.name('k')}, {received}, {side.name('h')})?")
        side.mix_hash(received)
        return name

    def _payload(self, side: ModelSide, tokens: Tokens) -> str:
        """Return the constant that carries the payload; empty if there is none."""
        end = side.end
        if not ("s" in tokens and self._signs(side.role)):
            return self._seal(side, "nil") if side.name("k") else ""
        side.lines.append(f"signature_{end} = SIGN(id_{end}, gstatic_{end})")
        side.lines.append(f"proof_{end} = CONCAT(gid_{end}, signature_{end})")
        return self._seal(side, f"proof_{end}")

    def _take_payload(self, here: ModelSide, sender: ModelSide, tokens: Tokens, received: str) -> None:
        self._sent += 1
        opened = self._open(here, received, f"payload{self._sent}_{here.end}")
        if "s" in tokens and self._signs(sender.role):
            end = sender.end
            here.lines.append(f"shown_{end}, signed_{end} = SPLIT({opened})")
            key = f"gid_{end}" if sender.role in self._known else f"shown_{end}"
            here.lines.append(f"valid_{end} = SIGNVERIF({key}, {here.theirs['s']}, signed_{end})?")

    # -- the conversation, and what is asked -----------------------------------------------------------------------------------

    def _talk(self) -> None:
        said = [(CLIENT, "1")] + ([] if self._pattern.one_way else [(SERVER, "2")])
        for side in self._sides.values():
            side.lines.append(f"key1_{side.end}, key2_{side.end} = HKDF({side.name('ck')}, nil, nil)")
        for role, number in said:
            here, there = self._sides[role], self._sides[role.other]
            here.lines.append(f"knows private word{number}")
            here.lines.append(f"said{number} = AEAD_ENC(key{number}_{here.end}, word{number}, nil)")
            self._flush(here)
            self._hand(role, f"said{number}")
            there.lines.append(f"heard{number} = AEAD_DEC(key{number}_{there.end}, said{number}, nil)?")
            self._flush(there)
        queries = [f"confidentiality? word{number}" for _, number in said]
        queries += [f"authentication? {NAMES[role]} -> {NAMES[role.other]}: said{number}" for role, number in said]
        self._leak()
        self._text += ["queries[", *(f"\t{query}" for query in queries), "]"]

    def _leak(self) -> None:
        """Leak the long-lived keys afterwards. With forward secrecy, the messages must stay secret."""
        leaks: dict[Role, list[str]] = {role: [] for role in Role}
        for role, names in leaks.items():
            names += [f"static_{ENDS[role]}"] * self._has_static(role) + [f"id_{ENDS[role]}"] * self._signs(role)
        if any(leaks.values()):
            self._text += ["phase[1]", ""]
        for role, names in leaks.items():
            if names:
                self._sides[role].lines.append(f"leaks {', '.join(names)}")
                self._flush(self._sides[role])

    # -- text ----------------------------------------------------------------------------------------------------------------

    def _hand(self, sender: Role, constants: str) -> None:
        self._text += [f"{NAMES[sender]} -> {NAMES[sender.other]}: {constants}", ""]

    def _flush(self, side: ModelSide) -> None:
        if side.lines:
            self._text += [f"principal {NAMES[side.role]}[", *(f"\t{line}" for line in side.lines), "]", ""]
            side.lines.clear()


def noise_model(protocol: NoiseProtocol, known: Collection[Role], identities: bool = True) -> str:
    """Return the model of a Noise protocol as text. `known` are the roles whose long-lived key the other side has in advance."""
    return NoiseModel(protocol, known, identities).text()
