"""The data path: one connection, from its handshake to its end.

The path of the bytes:

connection.py       from bytes to items and back: begin here
batches.py          what came in one read, through each layer
broadcast.py        the same plaintext over many connections
item_receiver.py    what a connection hands its items to
pieces.py           which lines went out in which bytes

Before that:

establish.py        the handshake, and the authenticators
handshake_io.py     what a handshake talks through: whole frames
sealed_channel.py   what authenticators talk through: sealed items
authentication.py   what the authenticators say about the other side
entrance.py         how a client learns that it is let in, or why not
user_questions.py   questions to the user about a key
step_timer.py       the time limit of each step

Observing it:

tracing.py          what is told of each layer
traced_layers.py    the layers, each wrapped to tell it
trial.py            which layer broke a conversation
"""
