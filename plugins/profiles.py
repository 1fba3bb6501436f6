"""The secure default, and the three chats that existed before plytalk, each as a whole stack."""

from plytalk.core.contracts.properties import Profile
from plytalk.core.registry.hookspecs import hookimpl

DEMO_SCREEN = {"prompt": "You: ", "received": "[Peer]: "}
PLYTALK1 = Profile(
    "plytalk1",
    "The secure default: Noise XX with ML-KEM-768, identities, padded records",
    7591,
    {"framer": "u16", "handshake": "plytalk1", "cipher": "noise", "messages": "records"},
    rb"\0.PLYTALK1\n",
    is_default=True,
    otherwise={"transport": "tcp", "ui": "console", "messages": "text", "handshake": "none", "cipher": "none"},
)
DEMO01 = Profile(
    "demo01",
    "Messenger 01 of the secure messaging demos: plaintext",
    5002,
    {"framer": "raw", "handshake": "none", "cipher": "none", "messages": "trimmed"},
    options=DEMO_SCREEN,
)
DEMO02 = Profile(
    "demo02",
    "Messenger 02 of the secure messaging demos: RSA-OAEP and AES-GCM in frames with a length",
    5002,
    {"framer": "length", "handshake": "rsa", "cipher": "aesgcm", "messages": "trimmed"},
    rb"\0\0..-----BEGIN",
    options=DEMO_SCREEN,
)
SECURE_CHAT = Profile(
    "secure-chat",
    "Secure Chat: RSA-OAEP and AES-GCM in frames with a type and a length",
    8000,
    {"framer": "typed", "handshake": "rsa", "cipher": "aesgcm", "messages": "text"},
    rb"K\0\0..-----BEGIN",
    options={"prompt": "Type Message: ", "received": "Message Received: "},
)


@hookimpl
def profiles() -> list[Profile]:
    return [PLYTALK1, DEMO01, DEMO02, SECURE_CHAT]
