"""256 short words, one for each byte: those that two people compare, and those of one-time codes.

Chosen for this program so that they survive a telephone line: common English, three to eight letters, no two alike in their
first four letters or within two typing errors of each other. Word number n encodes the byte n. Both ends of a conversation
must have the same list, so it never changes within plytalk/1.
"""

_LIST = """
    acid airport album amber anchor angel antler apple arrow atlas attic autumn avocado bamboo barrel beach bicycle
    biscuit bishop blanket blossom bonfire bread brick bronze buffalo cactus calendar camel carbon castle cedar cherry
    chimney circus clarinet clover cobalt coffee compass cotton cricket crystal cuckoo curtain daffodil daisy dancer
    denim desert diamond doctor dolphin domino dragon drum dustpan eagle echo elbow elephant emerald engine envelope
    evening fabric falcon farmer feather fiddle flamingo flute forest garlic ghost giraffe glacier globe goblet
    gondola gravel guitar hamster harvest hedgehog horizon husky iceberg igloo indigo insect iron island ivory jaguar
    jasmine jelly jewel jigsaw journey jungle kangaroo kayak kettle keyboard kidney kitchen knuckle koala ladder
    lagoon lantern lemon leopard library lilac lizard lobster lyric magician magnet mailbox mango marble mercury
    mirror mitten monkey mosaic mountain muffin museum mushroom napkin nephew nickel noodle notebook nutmeg nylon
    oasis oatmeal oboe ocean octopus olive onion opera orange orbit orchid ostrich palace pancake panda paper peacock
    pebble pelican pencil piano picnic pigeon pillow pirate pocket pollen potato pretzel pumpkin puppet puzzle pyramid
    quartz queen quilt rabbit radio rainbow raisin ribbon rubber sailor sausage scarf school seahorse season shadow
    shovel silver sketch skyline smoke snail soccer sofa spider spinach spoon squirrel statue sugar suitcase summer
    sunset swallow tadpole teapot temple tennis thimble thunder tiger topaz tornado tourist tractor treasure trumpet
    tulip tunnel turtle twig typhoon umbrella unicorn vacuum valley vanilla velvet victory village vinegar violin
    volcano voyage waffle walnut wardrobe weasel wedding whale wheat whistle wigwam window winter wolf wombat yacht
    yogurt zebra zenith zigzag zipper
"""
WORDS: tuple[str, ...] = tuple(_LIST.split())


def spoken(data: bytes) -> tuple[str, ...]:
    """One word for each byte."""
    return tuple(WORDS[byte] for byte in data)
