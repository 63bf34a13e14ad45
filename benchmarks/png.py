"""A small picture in memory, and the PNG file of it: lines, dots, text, no library."""

from __future__ import annotations

import struct
import zlib

_WIDTH, _HEIGHT = 5, 8  # of a letter; the last of its rows lies below the line

# Rows from the top, "#" for ink. Letters that are missing are drawn as their lower-case forms.
_LETTERS = {
    "a": "...../...../.###./....#/.####/#...#/.####/.....",
    "b": "#..../#..../####./#...#/#...#/#...#/####./.....",
    "c": "...../...../.###./#..../#..../#...#/.###./.....",
    "d": "....#/....#/.####/#...#/#...#/#...#/.####/.....",
    "e": "...../...../.###./#...#/#####/#..../.###./.....",
    "f": "..##./.#..#/.#.../###../.#.../.#.../.#.../.....",
    "g": "...../...../.####/#...#/#...#/.####/....#/.###.",
    "h": "#..../#..../#.##./##..#/#...#/#...#/#...#/.....",
    "i": "..#../...../.##../..#../..#../..#../.###./.....",
    "j": "...#./...../..##./...#./...#./...#./#..#./.##..",
    "k": "#..../#..../#..#./#.#../##.../#.#../#..#./.....",
    "l": ".##../..#../..#../..#../..#../..#../.###./.....",
    "m": "...../...../##.#./#.#.#/#.#.#/#.#.#/#.#.#/.....",
    "n": "...../...../#.##./##..#/#...#/#...#/#...#/.....",
    "o": "...../...../.###./#...#/#...#/#...#/.###./.....",
    "p": "...../...../####./#...#/#...#/####./#..../#....",
    "q": "...../...../.####/#...#/#...#/.####/....#/....#",
    "r": "...../...../#.##./##..#/#..../#..../#..../.....",
    "s": "...../...../.####/#..../.###./....#/####./.....",
    "t": ".#.../.#.../###../.#.../.#.../.#..#/..##./.....",
    "u": "...../...../#...#/#...#/#...#/#..##/.##.#/.....",
    "v": "...../...../#...#/#...#/#...#/.#.#./..#../.....",
    "w": "...../...../#...#/#...#/#.#.#/#.#.#/.#.#./.....",
    "x": "...../...../#...#/.#.#./..#../.#.#./#...#/.....",
    "y": "...../...../#...#/#...#/#...#/.####/....#/.###.",
    "z": "...../...../#####/...#./..#../.#.../#####/.....",
    "B": "####./#...#/#...#/####./#...#/#...#/####./.....",
    "M": "#...#/##.##/#.#.#/#.#.#/#...#/#...#/#...#/.....",
    "P": "####./#...#/#...#/####./#..../#..../#..../.....",
    "T": "#####/..#../..#../..#../..#../..#../..#../.....",
    "0": ".###./#...#/#..##/#.#.#/##..#/#...#/.###./.....",
    "1": "..#../.##../..#../..#../..#../..#../.###./.....",
    "2": ".###./#...#/....#/...#./..#../.#.../#####/.....",
    "3": "#####/...#./..#../...#./....#/#...#/.###./.....",
    "4": "...#./..##./.#.#./#..#./#####/...#./...#./.....",
    "5": "#####/#..../####./....#/....#/#...#/.###./.....",
    "6": "..##./.#.../#..../####./#...#/#...#/.###./.....",
    "7": "#####/....#/...#./..#../.#.../.#.../.#.../.....",
    "8": ".###./#...#/#...#/.###./#...#/#...#/.###./.....",
    "9": ".###./#...#/#...#/.####/....#/...#./.##../.....",
    "_": "...../...../...../...../...../...../...../#####",
    "-": "...../...../...../#####/...../...../...../.....",
    "+": "...../..#../..#../#####/..#../..#../...../.....",
    ".": "...../...../...../...../...../.##../.##../.....",
    ",": "...../...../...../...../...../.##../..#../.#...",
    ":": "...../.##../.##../...../.##../.##../...../.....",
    "'": "..#../..#../.#.../...../...../...../...../.....",
    "/": "....#/....#/...#./..#../.#.../#..../#..../.....",
    "(": "...#./..#../.#.../.#.../.#.../..#../...#./.....",
    ")": ".#.../..#../...#./...#./...#./..#../.#.../.....",
}


class Picture:
    """Pixels by number of their colour; the first colour is the ground.

    Args:
        width: in units of the drawing, like every measure below.
        height: likewise.
        scale: pixels to a unit.
    """

    def __init__(self, width: int, height: int, scale: int = 2) -> None:
        self.width, self.height, self._scale = width * scale, height * scale, scale
        self._colours = ["#ffffff"]
        self._rows = [bytearray(self.width) for _ in range(self.height)]

    def _colour(self, colour: str) -> int:
        if colour not in self._colours:
            self._colours.append(colour)
        return self._colours.index(colour)

    def _fill(self, left: int, top: int, width: int, height: int, number: int) -> None:
        """A rectangle in pixels, cut off at the edges."""
        left, right = max(left, 0), min(left + width, self.width)
        ink = bytes([number]) * max(right - left, 0)
        for row in self._rows[max(top, 0) : max(top + height, 0)]:
            row[left:right] = ink

    def vertical(self, x: float, top: float, bottom: float, colour: str) -> None:
        """A line, one unit wide."""
        s = self._scale
        self._fill(round(x * s), round(top * s), s, round((bottom - top) * s), self._colour(colour))

    def dot(self, x: float, y: float, radius: float, colour: str) -> None:
        """A disc."""
        s, number = self._scale, self._colour(colour)
        reach = int(radius * s)
        for dy in range(-reach, reach + 1):
            half = int(((radius * s) ** 2 - dy * dy) ** 0.5)
            self._fill(round(x * s) - half, round(y * s) + dy, 2 * half + 1, 1, number)

    def text(self, x: float, y: float, text: str, colour: str, *, bold: bool = False) -> None:
        """Text on the line at `y`, six units a letter."""
        s, number = self._scale, self._colour(colour)
        top = round(y * s) - (_HEIGHT - 1) * s
        for position, letter in enumerate(text):
            shape = _LETTERS.get(letter) or _LETTERS.get(letter.lower(), "")
            left = round(x * s) + position * (_WIDTH + 1) * s
            for j, line in enumerate(shape.split("/")):
                for i, ink in enumerate(line):
                    if ink == "#":
                        self._fill(left + i * s, top + j * s, s + bold, s, number)

    def png(self) -> bytes:
        """The file: 8 bits a pixel into a palette."""
        palette = b"".join(bytes.fromhex(colour[1:]) for colour in self._colours)
        pixels = zlib.compress(b"".join(b"\0" + row for row in self._rows), 9)
        head = struct.pack(">IIBBBBB", self.width, self.height, 8, 3, 0, 0, 0)
        chunks = ((b"IHDR", head), (b"PLTE", palette), (b"IDAT", pixels), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
