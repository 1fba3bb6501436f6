"""Files: what a sender reads and a receiver writes, checked by a hash tree; no network.

What members and the server say to each other about files:

file_words.py         what must be known before the first file: the type of the items, and the commands
file_items.py         the items, as bytes
file_spans.py         the same, part by part, for a trace
file_limits.py        the limits of one transfer
manifest.py           what is offered: a file, or a folder with its list
hash_tree.py          how each piece is checked when it arrives
transfer_errors.py    what can go wrong

A user who sends or receives:

user_files.py         what a conversation needs for them; the rest is made for the first file
file_commands.py      the commands
receive_options.py    how files are received
transfers.py          all offers, made and heard
transfer_states.py    the states of a transfer
transfer_context.py   what they share
links.py              the connection to the exchange at the server
disk_thread.py        the thread that reads and writes files

Sending:

made_offers.py        what this user offers
sending.py            one file or folder that goes out
sending_once.py       a stream that is sent as it is read, such as standard input
source.py             a file or a folder that is sent
folder_source.py      what is in a folder
piped.py              a stream that is given in place of a path
reading.py            reading a file, and whether it has changed meanwhile

Receiving:

heard_offers.py       what others offer to this user
receiving.py          one offer, until it is on the disk
receiving_states.py   its states
partial.py            what has arrived of a file that is not whole yet
partial_once.py       the same for a stream, whose size comes last
stored_stream.py      where the bytes of a stream go: the files that it is made of
kept_folder.py        the hidden folder of an unfinished transfer
safe_folder.py        a folder that nothing is written outside of
safe_names.py         what a file is called here

The server:

exchange.py           who offers what, and to whom the bytes go
lazy_exchange.py      the exchange, made for the first offer
parties.py            one member in it: what it is sent, and what it owes
feeds.py              a sender's stream to all receivers that keep pace
"""
