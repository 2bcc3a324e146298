"""Writes the pictures beside it, and expected.json with what OpenCV reads in them: python3 generate.py.
Needs opencv-python-headless 4, numpy and Pillow. `python3 generate.py --expected FOLDER` only prints, as
JSON, what OpenCV reads in the files of a folder; the tests run that where Python has OpenCV."""

import io
import json
import pathlib
import struct
import sys
import zlib

import cv2
import numpy as np


def expected(folder):
    """Rows, columns and all bytes (B, G, R; and gray), in hexadecimal."""
    result = {}
    for file in sorted(pathlib.Path(folder).iterdir()):
        if file.suffix not in (".png", ".jpg"):
            continue
        colour = cv2.imread(str(file), cv2.IMREAD_COLOR)
        gray = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        result[file.name] = {
            "rows": colour.shape[0], "columns": colour.shape[1],
            "colour": colour.tobytes().hex(), "gray": gray.tobytes().hex()}
    return json.dumps(result, indent=1)


if len(sys.argv) == 3 and sys.argv[1] == "--expected":
    print(expected(sys.argv[2]))
    sys.exit()

random = np.random.RandomState(23)
here = pathlib.Path(__file__).parent
HEIGHT, WIDTH = 5, 7


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(name, depth, colour, *before, interlaced=0):
    """A PNG file of noise. Every channel has `depth` bits; `before` stands before the pixels."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]

    def rows(height, width):
        length = (width * channels * depth + 7) // 8
        return b"".join(b"\0" + random.bytes(length) for _ in range(height))

    if interlaced:
        # Adam7: first row and column of each pass, and the steps between its rows and columns.
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        data = b""
        for top, left, down, right in passes:
            height, width = len(range(top, HEIGHT, down)), len(range(left, WIDTH, right))
            data += rows(height, width) if height and width else b""
    else:
        data = rows(HEIGHT, WIDTH)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, interlaced)
    (here / name).write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(before)
        + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))


def gamma(value):
    return chunk(b"gAMA", struct.pack(">I", value))


def tiff(orientation, order):
    """What EXIF stores, with one entry before the orientation."""
    mark = {"<": b"II", ">": b"MM"}[order]
    return (mark + struct.pack(order + "HIH", 42, 8, 2)
            + struct.pack(order + "HHIHH", 0x0103, 3, 1, 6, 0)
            + struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack(order + "I", 0))


srgb = chunk(b"sRGB", b"\0")
chromaticities = chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))
for kind, colour in {"gray": 0, "rgb": 2, "gray_alpha": 4, "rgba": 6}.items():
    png(f"{kind}_8.png", 8, colour)
    png(f"{kind}_16.png", 16, colour)
    for value in (45455, 100000, 220000):
        png(f"{kind}_8_gamma_{value}.png", 8, colour, gamma(value))
    png(f"{kind}_8_srgb.png", 8, colour, srgb)
    png(f"{kind}_16_gamma_100000.png", 16, colour, gamma(100000))
png("rgb_16_srgb.png", 16, 2, srgb)
png("rgb_8_chromaticities.png", 8, 2, gamma(45455), chromaticities)
png("rgb_8_transparent_colour.png", 8, 2, chunk(b"tRNS", struct.pack(">3H", 1, 2, 3)))
png("gray_8_transparent_level.png", 8, 0, chunk(b"tRNS", struct.pack(">H", 7)))
palette = lambda depth: chunk(b"PLTE", random.bytes(3 << depth))
for depth in (1, 2, 4):
    png(f"gray_{depth}.png", depth, 0)
    png(f"palette_{depth}.png", depth, 3, palette(depth))
png("palette_8.png", 8, 3, palette(8))
png("palette_8_gamma.png", 8, 3, gamma(100000), palette(8))
png("palette_4_alpha.png", 4, 3, palette(4), chunk(b"tRNS", random.bytes(16)))
for kind, colour, depth in (("rgb", 2, 8), ("gray", 0, 2), ("rgba", 6, 16)):
    png(f"{kind}_{depth}_interlaced.png", depth, colour, interlaced=1)
for orientation, order in ((1, "<"), (2, ">"), (3, "<"), (6, ">"), (8, "<")):
    png(f"exif_{orientation}.png", 8, 2, chunk(b"eXIf", tiff(orientation, order)))

# JPEG: turned by all orientations, in both orders of bytes; printing colours.
picture = random.randint(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
picture = cv2.resize(picture, (8 * WIDTH // 2, 8 * HEIGHT // 2), interpolation=cv2.INTER_CUBIC)[:10, :14]
encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()


def marked(code, content):
    return struct.pack(">BBH", 0xFF, code, len(content) + 2) + content


def jpeg(name, *segments):
    (here / name).write_bytes(encoded[:2] + b"".join(segments) + encoded[2:])


for orientation in range(0, 10):
    order = "<>"[orientation % 2]
    jpeg(f"exif_{orientation}.jpg", marked(0xE1, b"Exif\0\0" + tiff(orientation, order)))
jpeg("exif_6_after_xmp.jpg", marked(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
     marked(0xE1, b"Exif\0\0" + tiff(6, "<")))
jpeg("exif_6_cut_off.jpg", marked(0xE1, b"Exif\0\0" + tiff(6, "<")[:-20]))
jpeg("exif_6_behind_comment.jpg", marked(0xFE, b"a comment"), marked(0xE1, b"Exif\0\0" + tiff(6, ">")))

from PIL import Image  # noqa: E402

cmyk = np.stack([cv2.resize(random.randint(0, 256, (3, 4)).astype(np.uint8), (14, 10)) for _ in range(4)], -1)
file = io.BytesIO()
Image.fromarray(cmyk, "CMYK").save(file, "JPEG", quality=85)
(here / "cmyk.jpg").write_bytes(file.getvalue())
# The same numbers, called YCCK: the byte of Adobe's segment that says so is the last one of it.
content = bytearray(file.getvalue())
place = content.index(b"Adobe")
content[place + 11] = 2
(here / "ycck.jpg").write_bytes(bytes(content))
# Without the segment, an encoder's choice is not known.
start = place - 4
length = struct.unpack(">H", bytes(content[start + 2:start + 4]))[0]
(here / "cmyk_without_adobe.jpg").write_bytes(bytes(content[:start] + content[start + 2 + length:]))
Image.fromarray(picture[:, :, ::-1].copy()).save(here / "rgb_not_ycc.jpg", quality=85, keep_rgb=True)
Image.fromarray(picture[:, :, 0].copy()).save(here / "gray.jpg", quality=85)

(here / "expected.json").write_text(expected(here) + "\n")
