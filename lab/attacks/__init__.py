"""The attack lab: a client and a server with the same stack, an attacker between them, and the outcome.

scenario.py             which stacks are attacked
matrix.py               every attack on every stack, the predicted and the measured outcome
run.py                  one attacked conversation in one process: what was said, shown and noticed
participants.py         the users of the client and the server, and conversations that the attacker begins
attendance.py           how such a user attends a conversation
interceptor.py          the attacker's place on the network path: frames by sender and order
attacker_connection.py  a connection that the attacker has in one role
stepping.py             each message held until the user has said what becomes of it
stepped_handshake.py    the attacker's handshake, held in the same way
learning.py             what an eavesdropper can learn
verdicts.py             what became of each side, as far as the attacker can tell
narrative.py            what happened, step by step
proxy.py                the attacker between two real programs
clock.py                an event loop that skips idle time

What an attack is: core/contracts/attack.py. The attacks: plugins/attacks/.
"""
