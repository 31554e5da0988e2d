from __future__ import annotations

import struct
import zlib

from tests.web import pictures


def test_a_picture_is_the_same_with_a_palette() -> None:
    red, blue, grey = b"\xff\0\0", b"\0\0\xff", b"\x80\x80\x80"
    first, second = red + blue + grey, red + red + blue
    # The second row is told by what it differs from the one above (filter 2).
    up = bytes((b - a) & 255 for a, b in zip(first, second, strict=True))
    header = struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0)
    png = pictures.SIGNATURE + b"".join(
        [
            pictures.chunk(b"IHDR", header),
            pictures.chunk(b"IDAT", zlib.compress(b"\0" + first + b"\2" + up)),
            pictures.chunk(b"IEND", b""),
        ]
    )
    chunks = dict(pictures.chunks_of(pictures.smaller(png)))
    palette = chunks[b"PLTE"]
    lines = zlib.decompress(chunks[b"IDAT"])
    shown = [palette[3 * n : 3 * n + 3] for n in lines[1:4] + lines[5:8]]
    assert b"".join(shown) == first + second
