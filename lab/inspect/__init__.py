"""Looking at a recorded conversation: layer by layer, frame by frame.

cards.py   a trace as a list of cards: one for each frame, with what every layer made of it
page.py    the cards as a page that stands alone
capture.py the bytes as a capture file that network analysers open
"""
