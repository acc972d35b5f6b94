"""JSON writes code points above U+FFFF as two escapes, which YAML refuses.

Both halves are moved into a block of the private use area that the file does not use, which keeps every position,
and back when scalars are read.
"""

import re

_PAIR = re.compile(r"(?<!\\)((?:\\\\)*\\u)([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})", re.ASCII)
_BLOCKS = (0xE000, 0xE800, 0xF000)


def surrogate_block(text: str) -> int:
    """Where the block begins; 0 where nothing is to be moved."""
    if not _PAIR.search(text):
        return 0
    for block in _BLOCKS:
        prefixes = "|".join(f"{high:02x}" for high in range(block >> 8, (block >> 8) + 8))
        if not re.search(rf"\\u({prefixes})|[{chr(block)}-{chr(block + 0x7FF)}]", text, re.IGNORECASE):
            return block
    return 0


def shifted(text: str, block: int) -> str:
    if not block:
        return text

    def move(found: re.Match[str]) -> str:
        high, low = (int(half, 16) - 0xD800 + block for half in found.groups()[1:])
        return f"{found[1]}{high:04x}\\u{low:04x}"

    return _PAIR.sub(move, text)


def unshifted(text: str, block: int) -> str:
    if not block:
        return text

    def move(found: re.Match[str]) -> str:
        high, low = (ord(half) - block + 0xD800 for half in found[0])
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))

    return re.sub(f"[{chr(block)}-{chr(block + 0x3FF)}][{chr(block + 0x400)}-{chr(block + 0x7FF)}]", move, text)
