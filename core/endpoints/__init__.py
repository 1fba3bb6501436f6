"""The client and the server: from a stack to a conversation, and who may begin a handshake.

endpoint.py       what both share
client.py         the endpoint that connects
server.py         the endpoint that listens: accept, admission, open, attach
listening.py      what it says when it does
admission.py      who may begin a handshake
capacity.py       how many there may be, and which one makes way
fair_queue.py     whose handshake has the processor
arrival.py        the way of one peer through all that
handlers.py       what becomes of an open conversation: one at a time, or all together
watchdog.py       the name of a plugin that keeps everybody waiting
loop_faults.py    what goes wrong in the event loop, in a line
lifecycle.py      the state of a server, and those that are inside
notices.py        what its user is told about peers
"""
