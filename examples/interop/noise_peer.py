"""A peer program for `chat lab interop`: the Python package noiseprotocol, which answers one JSON object with another.

pip install noiseprotocol
chat lab interop Noise_XX_25519_ChaChaPoly_SHA256 python noise_peer.py
"""

import json
import sys

from noise.connection import Keypair, NoiseConnection

noise = NoiseConnection.from_name(b"Noise_NN_25519_ChaChaPoly_SHA256")


def start(request):
    global noise
    noise = NoiseConnection.from_name(request["protocol_name"].encode())
    (noise.set_as_initiator if request["initiator"] else noise.set_as_responder)()
    noise.set_prologue(bytes.fromhex(request["prologue"]))
    if "psks" in request:
        noise.set_psks(psks=[bytes.fromhex(psk) for psk in request["psks"]])
    for name, keypair in (("static", Keypair.STATIC), ("ephemeral", Keypair.EPHEMERAL)):
        if name in request:
            noise.set_keypair_from_private_bytes(keypair, bytes.fromhex(request[name]))
    if "remote_static" in request:
        noise.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, bytes.fromhex(request["remote_static"]))
    noise.start_handshake()
    return {}


ANSWERS = {
    "start": start,
    "write": lambda request: {"message": noise.write_message(bytes.fromhex(request["payload"])).hex()},
    "read": lambda request: {"payload": noise.read_message(bytes.fromhex(request["message"])).hex()},
    "finish": lambda request: {"handshake_hash": noise.get_handshake_hash().hex()},
    "seal": lambda request: {"message": noise.encrypt(bytes.fromhex(request["plaintext"])).hex()},
    "open": lambda request: {"plaintext": noise.decrypt(bytes.fromhex(request["message"])).hex()},
}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = ANSWERS[request["do"]](request)
    except Exception as error:  # whatever the library raises is a refusal
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
