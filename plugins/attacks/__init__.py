"""Attacks, one file for each family.

eavesdropping.py     read what passes
dropping.py          let messages disappear
ordering.py          change their order
replaying.py         send them again
reflecting.py        send them back to their sender
tampering.py         change or invent them
truncating.py        end the conversation early
handshake_frames.py  drop, repeat, reflect or change messages of the handshake
downgrades.py        make the two sides agree on less
impersonation.py     take the place of one side
weak_keys.py         show keys that are easy to break, and ask a server about wrong ones
key_leaks.py         read a recording with keys that leak later
pairing.py           get past a code, a secret, words or a question to the user
insiders.py          misbehave after an honest handshake
waiting.py           keep a server waiting or have it wait for too much
relaying.py          carry conversations, and do more with them
web_callers.py       say what a web server or a browser would say
"""
