"""Characters that JSON and YAML 1.2 allow and libyaml, made for YAML 1.1, does not read as what they are.

U+0085, U+2028 and U+2029 are no line ends, and JSON may hold U+007F. Each is moved into the private use area, to a
code point that the file does not use, which keeps every position; and back when scalars are read.
"""

import re

IN_YAML = "\x85\u2028\u2029"
IN_JSON = "\x7f" + IN_YAML


def moves_for(text: str, odd: str) -> dict[int, str]:
    """Where to each of the `odd` characters is moved; empty where there is nothing to move, or no room."""
    if not any(character in text for character in odd):
        return {}
    for first in range(0xF800, 0xF900, 0x10):
        row = f"{first >> 4:03x}"
        if not re.search(rf"\\u(0000)?{row}|[{chr(first)}-{chr(first + 0xF)}]", text, re.IGNORECASE):
            return {ord(character): chr(first + index) for index, character in enumerate(odd)}
    return {}


def moves_back(moves: dict[int, str]) -> dict[int, str]:
    return {ord(there): chr(odd) for odd, there in moves.items()}
