"""One-line weakenings of our own code, and the cells of the matrix that each turns red."""

from dataclasses import dataclass

DEFAULT, FIRST = "plytalk1", "plytalk1 --accept-new"
CHACHA, CLASSICAL = "plytalk1 --suite XXhfs_25519+MLKEM768_ChaChaPoly", "plytalk1 --suite XX_25519_AESGCM --accept-new"
CODE, PSK, WORDS = "plytalk1 --code", "plytalk1 --psk-file FILE", "plytalk1 --words"
TOLD, LISTED = "plytalk1 --peer FINGERPRINT", "plytalk1 --allow FILE"
REVOKED, MARKED = "plytalk1 --known-hosts revoked", "plytalk1 --known-hosts bom"
OLD, OLDER = "secure-chat", "demo02"
OLD_TOLD = f"{OLD} --peer FINGERPRINT"
RELAYED, LISTED_RELAYED, BY_WEB = f"{DEFAULT} --transport relay", f"{LISTED} --transport relay", f"{DEFAULT} --transport ws"


@dataclass(frozen=True)
class Weakening:
    """`old` occurs once in `file` and becomes `new`; then each of `red` (stack, attack, seed) differs from its prediction."""

    name: str
    file: str
    old: str
    new: str
    red: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class ResourceWeakening:
    """The same for a real server: then the row of `python -m tests.system.resources` is not held."""

    name: str
    file: str
    old: str
    new: str
    row: str


def red(stacks: str | tuple[str, ...], *attacks: str, seed: int = 0) -> tuple[tuple[str, str, int], ...]:
    return tuple((stack, attack, seed) for stack in ([stacks] if isinstance(stacks, str) else stacks) for attack in attacks)


NOISE, AEAD, RECORDS = "plugins/ciphers/noise.py", "core/bases/aead.py", "plugins/messages/records.py"
ENGINE, STATES, PLYTALK1 = "plugins/noise/engine.py", "plugins/noise/states.py", "plugins/handshakes/plytalk1.py"
CONNECTION, CONVERSATION = "core/pipeline/connection.py", "core/conversation/direct_chat.py"
UI_HEARER = "core/conversation/ui_hearer.py"
ENDING = "core/conversation/ending_chat.py"
BATCHES = "core/pipeline/batches.py"
OPENING, FRAMING = "core/pipeline/establish.py", "core/bases/header_framer.py"
AUTHENTICATION = "core/pipeline/authentication.py"
WEB_SOCKET = "plugins/sockets/web_socket.py"
RSA, LIMITS = "plugins/handshakes/rsa.py", "core/contracts/limits.py"
AUTHS = "plugins/authenticators"
HOSTS, KNOWN_HOSTS, PEER = "trust/host_keys.py", "plugins/authenticators/known_hosts.py", "plugins/authenticators/peer.py"

CHANNEL = (
    Weakening(
        "every record has the nonce 0",
        NOISE,
        "self.crypt, self.nonce = getattr(self.state, self.way), self.state.nonce",
        "self.crypt, self.nonce = getattr(self.state, self.way), lambda n: self.state.nonce(0)",
        red(FIRST, "reorder", "reverse") + red(LISTED_RELAYED, "relay-replays"),
    ),
    Weakening(
        "both directions have one key",
        ENGINE,
        "send, receive = (first, second) if self.initiator else (second, first)",
        "send = receive = first",
        red(FIRST, "splice"),
    ),
    Weakening(
        "the tag of a record is not looked at",
        NOISE,
        "plaintext: bytes = into.crypt(into.nonce(n), sealed, None)",
        "plaintext: bytes = into.state.seal(into.nonce(n), sealed[:-TAG], None)[:-TAG]",
        red(FIRST, "tamper", seed=2) + red(FIRST, "tamper", seed=5),
    ),
    Weakening(
        "the tag of a message is not looked at",
        AEAD,
        "return self._decrypt(sealed[:NONCE], sealed[NONCE:], None)",
        "return self._encrypt(sealed[:NONCE], sealed[NONCE:-TAG], None)[:-TAG]",
        red((OLD, OLDER), "tamper", seed=1),
    ),
    Weakening(
        "what does not decrypt is read as it is",
        AEAD,
        "except Exception:  # every failure looks the same to the peer",
        "except Exception:\n            return sealed",
        red((OLD, OLDER), "inject", "forge-goodbye"),
    ),
    Weakening(
        "an end without a goodbye is an end",
        ENDING,
        "elif Property.CLEAN_END in self.stack.gives:",
        'elif setattr(self, "acknowledges", False) or setattr(self, "_said", 0):',  # what is not acknowledged would show it, too
        red(FIRST, "truncate", "swallow-goodbye") + red(RELAYED, "relay-cuts"),
    ),
    Weakening(
        "half a frame is none",
        ENDING,
        "elif self.connection.framer.unfinished:",
        "elif False:",
        red((OLD, OLDER), "cut-in-frame"),
    ),
    Weakening(
        "the first notice is not shown",
        UI_HEARER,
        "if seen > MAX_SAME or (seen == 1 and len(noticed) >= MAX_NOTICES):",
        "if seen == 1 or seen > MAX_SAME:",
        red((OLD, OLDER), "tamper", "lengthen", "shorten"),
    ),
    Weakening(
        "the keys of a conversation are never replaced",
        NOISE,
        "        self.state.rekey()\n",
        "",
        red(FIRST, "memory-later"),
    ),
    Weakening(
        "the keys of a conversation outlive it",
        CONNECTION,
        '            checked(self.cipher, "forget", object)\n',
        "            pass\n",
        red((FIRST, PSK), "memory-after"),
    ),
    Weakening(
        "a goodbye counts what it likes",
        RECORDS,
        "if records_before != self._received:",
        "if False:",
        red((FIRST, DEFAULT), "false-goodbye"),
    ),
    Weakening(
        "what a peer says is shown as it is",
        CONVERSATION,
        "show(item if harmless else clean(item))",
        "show(item)",
        red((FIRST, OLD), "escapes"),
    ),
    Weakening(
        "a frame has any length once the handshake is done",
        CONNECTION,
        "framer.limit = self.limits.message + self.cipher.overhead",
        "framer.limit = 2**31",
        red((OLD, OLDER), "long-message"),
    ),
    Weakening(
        "a message in parts has any length",
        RECORDS,
        "if len(whole) + len(body) > (MAX_MESSAGE if its == MESSAGE else MAX_EXTENSION):",
        "if False:",
        red(FIRST, "long-message"),
    ),
    Weakening(
        "records have any length",
        RECORDS,
        "BUCKETS = (64, 256, 1024, 4096, 16384, 65519)",
        "BUCKETS = tuple(range(2, 65520))",
        red(FIRST, "lengths"),
    ),
)

SECRECY = (
    Weakening(
        "a nonce is the same for every message",
        AEAD,
        "NONCES.unpack(os.urandom(NONCES.size))",
        "NONCES.unpack(bytes(NONCES.size))",
        red((OLD, OLDER), "eavesdrop"),
    ),
    Weakening(
        "the session key is all zeros",
        RSA,
        "session_key = os.urandom(SESSION_KEY_BYTES)",
        "session_key = bytes(SESSION_KEY_BYTES)",
        red((OLD, OLDER), "eavesdrop"),
    ),
    Weakening(
        "the keys of the conversation are all zeros",
        STATES,
        'return self._hkdf(self.ck, b"", 2)',
        "return [bytearray(64), bytearray(64)]",
        red((FIRST, CHACHA), "eavesdrop"),
    ),
    Weakening(
        "the first record of both directions has the same key and nonce",
        STATES,
        "(CipherState(self._ciphers, output[:KEY_LENGTH]) for output in outputs)",
        "(CipherState(self._ciphers, outputs[0][:KEY_LENGTH]) for output in outputs)",
        red((FIRST, CHACHA), "eavesdrop"),
    ),
)

IDENTITY = (
    Weakening(
        "a changed key is the same",
        KNOWN_HOSTS,
        "case HostKeyVerdict.SAME:",
        "case HostKeyVerdict.SAME | HostKeyVerdict.CHANGED:",
        red(DEFAULT, "mitm"),
    ),
    Weakening(
        "a key of the same type is the same key",
        HOSTS,
        "(HostKeyVerdict.SAME, [entry for entry in valid if entry.key == key]),",
        "(HostKeyVerdict.SAME, [entry for entry in valid if entry.key.type == key.type]),",
        red(DEFAULT, "mitm") + red(RELAYED, "relay-hands-on"),
    ),
    Weakening(
        "the authenticators are not asked",
        AUTHENTICATION,
        "await _consult(auth, auth.check(self._peer(identity)))",
        "auth.check(self._peer(identity)).close()",
        red((DEFAULT, TOLD, OLD_TOLD), "mitm"),
    ),
    Weakening(
        "a refusal is swallowed",
        AUTHENTICATION,
        "    except ChatError:\n        raise\n",
        "    except ChatError:\n        return None\n",
        red((DEFAULT, OLD_TOLD), "mitm"),
    ),
    Weakening(
        "--peer compares the beginning",
        PEER,
        "if peer.identity.fingerprint != self._fingerprint:",
        "if peer.identity.fingerprint[:7] != self._fingerprint[:7]:",
        red((TOLD, OLD_TOLD), "mitm"),
    ),
)

LISTS = (
    Weakening(
        "--peer accepts every key",
        PEER,
        "if peer.identity.fingerprint != self._fingerprint:",
        "if False:",
        red((TOLD, OLD_TOLD), "mitm"),
    ),
    Weakening(
        "the list lets everybody in",
        f"{AUTHS}/allow.py",
        "        if name is None:\n",
        "        if False:\n",
        red(LISTED, "uninvited") + red(LISTED_RELAYED, "relay-swaps-tickets"),
    ),
    Weakening(
        "a revoked key passes",
        HOSTS,
        "revoked = [entry for entry in about if entry.marker == REVOKED_MARK and entry.key == key]",
        "revoked: list[Entry] = []",
        red(REVOKED, "mitm"),
    ),
    Weakening(
        "a mark at the beginning of known_hosts hides its first line",
        "trust/files.py",
        "return content.removeprefix(BOM)",
        "return b'#' + content if content.startswith(BOM) else content",
        red(MARKED, "mitm"),
    ),
    Weakening(
        "our own identity comes back from another machine and is accepted",
        AUTHENTICATION,
        "if identity == self._stack.handshake.identity and not is_local(self._stream.peer):",
        "if False:",
        red(FIRST, "copied-key"),
    ),
)

AGREED = (
    Weakening(
        "the proof of a pre-shared key is compared with nothing",
        "core/pipeline/sealed_channel.py",
        "        if theirs != binding:\n",
        "        if False:\n",
        red(PSK, "wrong-proof"),
    ),
    Weakening(
        "a pre-shared key changes nothing",
        ENGINE,
        "self._psks = list(psks)",
        "self._psks = [bytes(PSK_LENGTH) for _ in psks]",
        red((PSK, CODE), "mitm", "early-secret"),
    ),
    Weakening(
        "nobody proves to hold the pre-shared key",
        f"{AUTHS}/psk.py",
        "await channel.prove(peer.binding)",
        "pass",
        red(PSK, "wrong-proof"),
    ),
    Weakening(
        "a guess at the code is not counted",
        f"{AUTHS}/code.py",
        "self._guesses += 1",
        "pass",
        red(CODE, "guess"),
    ),
    Weakening(
        "a code that was guessed at too often is good",
        f"{AUTHS}/code.py",
        "if self._guesses >= GUESSES:",
        "if False:",
        red(CODE, "guess"),
    ),
    Weakening(
        "a no to the words is a yes",
        f"{AUTHS}/words.py",
        "if not same:",
        "if same is None:",
        red(WORDS, "mitm"),
    ),
    Weakening(
        "several questions are asked at the same time",
        "core/contracts/questions.py",
        "        async with self._turn:\n",
        "        if self._turn:\n",
        red(WORDS, "wrong-asker"),
    ),
    Weakening(
        "the words are the same in every conversation",
        f"{AUTHS}/words.py",
        ".derive(h + numbers))",
        ".derive(b''))",
        red(WORDS, "mitm"),
    ),
    Weakening(
        "a number that was not promised is taken",
        f"{AUTHS}/words.py",
        "if commitment(h, theirs) != promised:",
        "if False:",
        red(WORDS, "late-number"),
    ),
    Weakening(
        "the client talks before the server has proved anything or let it in",
        OPENING,
        "        await self._authentication.verify(channel, secrets, self._timer, self._limits.handshake)\n",
        "        return\n",
        red((PSK, CODE), "early-secret"),
    ),
)

HANDSHAKE = (
    Weakening(
        "the identity's signature is not looked at",
        "plugins/noise/payload.py",
        "    signed = verify(public, signature[len(MIDDLE) :], PREFIX + static)\n"
        "    if signed and dated:\n"
        "        expiry, signature = rest[len(EXPIRY_HEAD) : -SIGNATURE_BYTES], rest[-SIGNATURE_BYTES:]\n"
        "        signed = verify(public, signature, EXPIRY_PREFIX + static + expiry)\n"
        "    if not signed:",
        "    expiry = rest[len(EXPIRY_HEAD) : -SIGNATURE_BYTES]\n    if False:",
        red((FIRST, DEFAULT), "borrowed-identity", "forged-identity"),
    ),
    Weakening(
        "a failed verification is a success",
        "trust/identity.py",
        "    except InvalidSignature:\n        return False",
        "    except InvalidSignature:\n        return True",
        red((FIRST, DEFAULT), "borrowed-identity", "forged-identity"),
    ),
    Weakening(
        "the identity is bound to no static key",
        PLYTALK1,
        "key = payload.decode(identity, handshake.rs, self._prover.clock()).key",
        "key = payload.PublicKey.of('ssh-ed25519', identity[len(payload.HEAD):][:32])",
        red((FIRST, DEFAULT), "borrowed-identity", "forged-identity"),
    ),
    Weakening(
        "the preambles are not part of the prologue",
        PLYTALK1,
        "told = preamble.prologue(offer, answer)",
        "told = b''",
        red(FIRST, "downgrade-strip", "downgrade-reorder", "downgrade-answer"),
    ),
    Weakening(
        "the answer is not part of the prologue",
        "plugins/noise/preamble.py",
        "for part in (offer, answer))",
        "for part in (offer,))",
        red((FIRST, DEFAULT, CLASSICAL), "downgrade-answer"),
    ),
    Weakening(
        "the offer is not part of the prologue",
        "plugins/noise/preamble.py",
        "for part in (offer, answer))",
        "for part in (answer,))",
        red((FIRST, DEFAULT), "downgrade-strip", "downgrade-reorder"),
    ),
    Weakening(
        "nothing is mixed into the hash",
        STATES,
        "        self.h = self._new(self.h + data).digest()",
        "        pass",
        red(FIRST, "downgrade-strip", "downgrade-answer"),
    ),
    Weakening(
        "the tags of the handshake are not looked at",
        STATES,
        "plaintext = self.open(self.nonce(n), ciphertext, ad)",
        "plaintext = self.seal(self.nonce(n), ciphertext[:-TAG_LENGTH], ad)[:-TAG_LENGTH]",
        red(FIRST, "downgrade-strip", "downgrade-answer"),
    ),
    Weakening(
        "the client takes a suite that it did not offer",
        PLYTALK1,
        "if answer.chosen not in offer.tokens:",
        "if not answer.chosen:",
        red((FIRST, CLASSICAL), "downgrade-impose"),
    ),
    Weakening(
        "the client tries again with what the server knows",
        PLYTALK1,
        "raise mismatch(offer.tokens, answer.known)",
        "self._suites = answer.known\n            return await self.initiate(io)",
        red((FIRST, DEFAULT, CLASSICAL), "downgrade-retry"),
    ),
    Weakening(
        "its own static key comes back and is accepted",
        PLYTALK1,
        "if handshake.rs == own.pair.public:",
        "if False:",
        red(FIRST, "selfie"),
    ),
    Weakening(
        "a point of low order is a key",
        "plugins/noise/primitives.py",
        'raise HandshakeFailed("The other side\'s public key is of low order or malformed.") from error',
        "return bytes(self.dhlen)",
        red((FIRST, CLASSICAL), "low-order"),
    ),
    Weakening(
        "an ML-KEM key is not checked",
        "plugins/noise/primitives.py",
        'raise HandshakeFailed(f"The other side\'s {self.name} key is malformed.") from error',
        "return bytes(self.ciphertextlen), bytes(32)",
        red((FIRST, DEFAULT), "hollow-kem"),
    ),
    Weakening(
        "the client speaks before it checks",
        PLYTALK1,
        "await self._judge(io, handshake, own, identity)  # before the first secret byte leaves\n"
        "            await io.send(C, handshake.write_message(own.proof))\n",
        "await io.send(C, handshake.write_message(own.proof))\n            await self._judge(io, handshake, own, identity)\n",
        red((DEFAULT, TOLD), "early-secret"),
    ),
)

SERVER = (
    Weakening(
        "a wrong session key is one of zeros",
        RSA,
        '        opened = b""\n',
        "        opened = bytes(32)\n",
        red((OLD, OLDER), "oaep-oracle"),
    ),
    Weakening(
        "an RSA key has any length",
        RSA,
        "if not MODULUS_BITS <= public.key_size <= MAX_MODULUS_BITS:",
        "if public.key_size > MAX_MODULUS_BITS:",
        red((OLD, OLDER), "hostile-key"),
    ),
    Weakening(
        "an RSA key has any exponent",
        RSA,
        "if numbers.e != PUBLIC_EXPONENT:",
        "if numbers.e < 3:",
        red((OLD, OLDER), "hostile-key", seed=1),
    ),
    Weakening(
        "a frame has any length",
        FRAMING,
        "if length > limit:",
        "if limit < 0:",
        red((FIRST, OLD, OLDER), "oversize"),
    ),
    Weakening(
        "a peer may be silent for an hour",
        LIMITS,
        "first_byte: float = 5.0",
        "first_byte: float = 3600.0",
        red((FIRST, OLD), "silence"),
    ),
    Weakening(
        "a handshake may take an hour",
        LIMITS,
        "handshake: float = 10.0",
        "handshake: float = 3600.0",
        red((FIRST, OLD), "slow-bytes"),
    ),
    Weakening(
        "the server's first byte does not matter",
        OPENING,
        "        if not io.has_received:\n            self._timer.expire()",
        "        pass",
        red((FIRST, OLD), "silence"),
    ),
    Weakening(
        "frames of another type are passed over in silence",
        BATCHES,
        "                skipped(f\"Ignored a frame of the unexpected type '{kind.decode('latin-1')}'.\")\n",
        "",
        red(OLD, "retype"),
    ),
)

WEB = (
    Weakening(
        "everybody's word about an address counts",
        WEB_SOCKET,
        "self._is_proxied = serving.trusts(below.peer)",
        "self._is_proxied = True",
        red(BY_WEB, "forged-source"),
    ),
    Weakening(
        "the first address in X-Forwarded-For counts",
        "plugins/sockets/forwarding.py",
        'said = forwarded.rpartition(",")[2].strip()',
        'said = forwarded.partition(",")[0].strip()',
        red(BY_WEB, "forged-source"),
    ),
    Weakening(
        "pages of every origin may come",
        WEB_SOCKET,
        "        if origin in self.origins:\n",
        "        if True:\n",
        red(BY_WEB, "other-origin"),
    ),
    Weakening(
        "a page may come to the name by which it asks",
        WEB_SOCKET,
        ' and (name == "localhost" or is_ip_address(name.strip("[]")))',
        "",
        red(BY_WEB, "other-origin"),
    ),
)

WEAKENINGS = CHANNEL + SECRECY + IDENTITY + LISTS + AGREED + HANDSHAKE + SERVER + WEB

RESOURCES = (
    ResourceWeakening(
        "a client is let in by a handshake that may be a recording",
        "plugins/handshakes/noise.py",
        '"first_record_proves": not present',
        '"first_record_proves": False',
        "replay",
    ),
    ResourceWeakening(
        "a resume begins where it asks to",
        "plugins/rooms/resume.py",
        "entitled = self.asked and self.epoch == epoch and self.room == room.name and self.since >= room.born",
        "entitled = self.asked and self.epoch == epoch",
        "resume",
    ),
    ResourceWeakening(
        "a member stays when its conversation is over",
        "plugins/rooms/hub.py",
        "if self.members.pop(member.id, None) is None:",
        "if member.id not in self.members:",
        "join",
    ),
    ResourceWeakening(
        "what a member sends costs nothing",
        "plugins/rooms/pace.py",
        "        if self._held or self.session.ending:\n",
        "        if True:\n",
        "insider",
    ),
    ResourceWeakening(
        "a member may have any number of bytes under way to it",
        "plugins/files/parties.py",
        "return self.credit if self.credit <= share else share - share % PIECE",
        "return self.credit",
        "files",
    ),
    ResourceWeakening(
        "a receiver holds up the others for ever",
        "plugins/files/feeds.py",
        "if len(sizes) > 1 and max(sizes) >= WINDOW // 2:",
        "if False:",
        "files",
    ),
)
