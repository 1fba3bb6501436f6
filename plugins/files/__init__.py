"""Files: what a sender reads and a receiver writes, checked by a hash tree; no network.

What is said of files, at all ends:

file_words.py         what is known before the first file: the type of the items, and the commands
file_items.py         the items, as bytes
file_spans.py         the same, part by part, for a trace
file_limits.py        the limits of one transfer
manifest.py           what is offered: a file, or a folder with its list
hash_tree.py          how each piece is checked when it arrives
transfer_errors.py    what can be wrong

A user who sends or receives:

user_files.py         what a conversation needs of them, made for the first file
file_commands.py      the commands
receive_options.py    how files are received
transfers.py          all offers, made and heard
transfer_context.py   what they share
links.py              the way to the exchange at the server
disk_thread.py        where the disk is waited for

Sending:

made_offers.py        what this user offers
sending.py            one file or folder that goes out
sending_once.py       what goes out as it comes, such as standard input
source.py             a file or a folder as what is sent
folder_source.py      what is in a folder
piped.py              a stream in place of a path
reading.py            reading, and whether it has changed

Receiving:

heard_offers.py       what others offer to this user
receiving.py          one offer, and its way onto the disk
receiving_states.py   the states of that
partial.py            what has arrived, until it is whole
partial_once.py       the same of a stream whose size comes last
stored_stream.py      the files that a stream is made of
kept_folder.py        the hidden folder of what is not finished
safe_folder.py        a folder that nothing is written outside of
safe_names.py         what a file is called here

The server:

exchange.py           who offers what, and to whom the bytes go
lazy_exchange.py      the exchange, made for the first offer
parties.py            one member in it: what it is sent, and what it owes
feeds.py              the stream of a sender, for all receivers that keep pace
"""
