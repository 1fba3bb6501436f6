"""The Noise Protocol Framework, revision 34, with the hybrid forward secrecy of noise_hfs_spec, revision 1.

`patterns` holds the handshakes in the specification's own text, `primitives` the functions they are built from,
`protocol` turns a name such as `Noise_XX_25519_ChaChaPoly_SHA256` into both, and `engine` runs it:

    alice = HandshakeState("Noise_XX_25519_ChaChaPoly_SHA256", initiator=True, s=keypair)
    send(alice.write_message())          # -> e
    alice.read_message(receive())        # <- e, ee, s, es
    send(alice.write_message())          # -> s, se
    keys = alice.split()                 # keys.send, keys.receive, keys.handshake_hash

Section numbers in this folder are those of the Noise specification, "hfs" those of noise_hfs_spec.
No socket, no clock, no file: bytes in, bytes out.
"""
