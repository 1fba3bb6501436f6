"""Names of files that have done harm, or could."""

import unicodedata

RESERVED = [
    "CON",
    "PRN",
    "AUX",
    "NUL",
    "CONIN$",
    "CONOUT$",
    "CLOCK$",
    *(f"{n}{d}" for n in ("COM", "LPT") for d in "0123456789¹²³"),
]


def hostile_names() -> list[str]:
    """Five hundred and more, of every kind that has done harm."""
    names = [
        "",
        ".",
        "..",
        "...",
        " ",
        ". ",
        " .",
        ".. ",
        "/",
        "\\",
        "//",
        "a/",
        "/a",
        "a/b",
        "a\\b",
        "./a",
        "../a",
        "..\\a",
        "a/..",
        "\0",
    ]
    names += [f"{'../' * depth}etc/passwd" for depth in range(1, 40)]
    names += [f"{chr(92).join(['..'] * depth)}{chr(92)}windows" for depth in range(1, 20)]
    names += [
        "/etc/passwd",
        "//server/share",
        "C:\\boot.ini",
        "C:boot.ini",
        "\\\\?\\C:\\a",
        "\\\\.\\PhysicalDrive0",
        "file:///etc",
        "~",
        "~root/a",
    ]
    names += [
        "/dev/null",
        "/dev/sda",
        "/proc/self/mem",
        "a:stream",
        "a::$DATA",
        ".ssh",
        ".bashrc",
        ".plytalk-0.part",
        "-rf",
        "--help",
        "-",
    ]
    names += [
        spelled
        for name in RESERVED
        for spelled in (name, name.lower(), f"{name}.txt", f"{name} ", f"{name} .txt", f" {name}", f"{name}.")
    ]
    names += (
        [f"a{chr(code)}b" for code in range(0x20)]
        + [chr(code) for code in range(0x20)]
        + [f"a{chr(code)}" for code in range(0x7F, 0xA0)]
    )
    names += [
        f"a{chr(code)}fdp.exe"
        for code in (*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0xAD, 0x61C)
    ]
    names += [f"a{chr(code)}" for code in (0xD800, 0xDFFF, 0xE000, 0xFFFE, 0xFFFF, 0x10FFFF, 0x1F600, 0xE0001, 0x301, 0x20DD)]
    names += [
        "a" + "\u0301" * 300,
        "\u0301" * 300,
        "x" * 300,
        "x" * 5000,
        "é" * 300,
        "\U0001f600" * 300,
        "." * 300,
        " " * 300,
        "x" * 300 + ".tar.gz",
    ]
    names += [f"{'x' * length}.pdf" for length in (249, 250, 251, 252, 253, 254, 255, 256, 300)] + [
        "a." + "x" * 300,
        "a" + "." * 300 + "b",
    ]
    names += [
        "a\r\nb",
        "a\x1b[2Jb",
        "a\x1b]0;x\x07",
        "a\x9b2J",
        "a\tb",
        "a\u2028b",
        "a?b",
        "a*b",
        'a"b',
        "a<b>c",
        "a|b",
        "a;rm -rf ~",
        "$(id)",
        "`id`",
        "%2e%2e%2f",
    ]
    names += [
        "\u2024\u2024/",
        "\uff0e\uff0e\uff0fa",
        "\u2215a",
        "\u2044a",
        "\uff3ca",
        "\u29f8a",
        "\u00a0",
        "\u3000",
        "\u3000.",
        "a\u3000",
        "a\u00a0.",
    ]
    names += [unicodedata.normalize(form, "Ångström.txt") for form in ("NFC", "NFD", "NFKC", "NFKD")]
    return names
