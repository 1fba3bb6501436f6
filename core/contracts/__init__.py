"""The contracts: one class for each kind of layer. Each docstring holds a layer that one can copy.

Five words a newcomer needs. A *stream* carries bytes; a *frame* is a piece of the stream with boundaries; a *handshake* talks in
frames until both ends hold *secrets*; a *cipher* seals what is said; *messages* turn words into plaintext and back.

    out:  UI -> messages.pack -> cipher.seal -> framer.encode -> stream.send
    in:   stream -> framer.feed, framer.frames -> cipher.open -> messages.unpack -> UI

Transports, handshakes, authenticators and UIs are made once for a process, with their options; framers, ciphers and
messages are created again for each conversation, so that what they keep on `self` belongs to that conversation alone.
"""
