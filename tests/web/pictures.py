"""PNG files made small: at most 256 colours, which pages hardly exceed."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

COLOURS_MAX = 256
SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = 3


def smaller(png: bytes) -> bytes:
    """The same picture with a palette: its most frequent colours, and the nearest for the rest.

    Raises:
        ValueError: it is no PNG of 8-bit RGB, as browsers make them.
    """
    chunks = list(chunks_of(png))
    width, height, depth, kind = struct.unpack(">IIBB", chunks[0][1][:10])
    if (depth, kind) != (8, 2):
        raise ValueError("only 8-bit RGB is made smaller")
    packed = b"".join(content for name, content in chunks if name == b"IDAT")
    rows = _rows(zlib.decompress(packed), width * CHANNELS)
    pixels = [[row[i : i + CHANNELS] for i in range(0, len(row), CHANNELS)] for row in rows]
    palette, place = _palette(Counter(pixel for row in pixels for pixel in row))
    lines = b"".join(b"\0" + bytes([place[pixel] for pixel in row]) for row in pixels)
    return SIGNATURE + b"".join(
        [
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            chunk(b"PLTE", b"".join(palette)),
            chunk(b"IDAT", zlib.compress(lines, 9)),
            chunk(b"IEND", b""),
        ]
    )


def chunks_of(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        yield name, png[at + 8 : at + 8 + length]
        at += 12 + length


def chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def _palette(found: Counter[bytes]) -> tuple[list[bytes], dict[bytes, int]]:
    palette = [colour for colour, _ in found.most_common(COLOURS_MAX)]
    place = {colour: n for n, colour in enumerate(palette)}
    for colour in found.keys() - place.keys():
        place[colour] = min(range(len(palette)), key=lambda n: _distance(palette[n], colour))
    return palette, place


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _rows(filtered: bytes, length: int) -> Iterator[bytes]:
    """Rows without their filters (PNG specification, section 9)."""
    above = bytes(length)
    for start in range(0, len(filtered), length + 1):
        row = bytearray(filtered[start + 1 : start + 1 + length])
        _unfilter(filtered[start], row, above)
        above = bytes(row)
        yield above


def _unfilter(kind: int, row: bytearray, above: bytes) -> None:
    for i in range(len(row)):
        left = row[i - CHANNELS] if i >= CHANNELS else 0
        corner = above[i - CHANNELS] if i >= CHANNELS else 0
        guess = (0, left, above[i], (left + above[i]) // 2, _paeth(left, above[i], corner))[kind]
        row[i] = (row[i] + guess) & 255


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))
