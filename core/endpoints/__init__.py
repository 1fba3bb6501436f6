"""The client and the server: from a stack to a conversation, and who may begin a handshake.

endpoint.py       what both share
client.py         the endpoint that connects
server.py         the endpoint that listens: accept, admission, open, attach
listening.py      what it says when it does
admission.py      who may begin a handshake
capacity.py       how many there may be, and which one gives way
fair_queue.py     whose handshake has the processor
arrival.py        the way of one peer through all that
handlers.py       what becomes of an open conversation: one at a time, or all together
watchdog.py       which plugin blocks the event loop
loop_faults.py    exceptions in the event loop, each in one line
lifecycle.py      the state of a server, and its conversations
notices.py        what its user is told about peers
"""
