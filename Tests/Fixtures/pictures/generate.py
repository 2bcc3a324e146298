"""Writes the files beside it: python3 generate.py. Made with OpenCV 4 (opencv-python-headless) and
numpy; kept in the repository so that the tests need no Python."""

import cv2
import numpy as np
import struct
import zlib

print("OpenCV", cv2.__version__, "numpy", np.__version__)
random = np.random.RandomState(2012)

# A picture with smooth parts, edges and noise: 37 rows, 53 columns; B, G, R as OpenCV has them.
y, x = np.mgrid[0:37, 0:53]
picture = np.stack([4 * x, 6 * y, 128 + 100 * np.sin(x * y / 40)], -1)
picture[10:25, 20:40] = (20, 200, 90)
picture[:, :8] = random.randint(0, 256, (37, 8, 3))
picture = picture.clip(0, 255).astype(np.uint8)

cv2.imwrite("colour.png", picture)
for rows, columns in [(64, 64), (20, 31), (37, 80), (9, 53), (256, 256), (1, 1), (100, 7)]:
    resized = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_LINEAR)
    cv2.imwrite(f"resized_{rows}x{columns}.png", resized)
even = picture[:36, :52]
cv2.imwrite("even.png", even)
cv2.imwrite("resized_18x26.png", cv2.resize(even, (26, 18), interpolation=cv2.INTER_LINEAR))

# JPEG in its subsamplings, progressive and gray, and what OpenCV reads in them.
quality = [cv2.IMWRITE_JPEG_QUALITY, 90]
sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR
for name, options in {
    "420": [sampling, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420],
    "444": [sampling, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444],
    "progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
}.items():
    cv2.imwrite(f"jpeg_{name}.jpg", picture, quality + options)
    cv2.imwrite(f"jpeg_{name}.png", cv2.imread(f"jpeg_{name}.jpg"))
cv2.imwrite("jpeg_gray.jpg", picture[:, :, 1], quality)
cv2.imwrite("jpeg_gray.png", cv2.imread("jpeg_gray.jpg"))

# The kinds of PNG: 3 rows, 4 columns.
small = picture[8:11, 18:22]
cv2.imwrite("small.png", small)
cv2.imwrite("small_gray.png", small[:, :, 0])
alpha = np.dstack([small, np.arange(12, dtype=np.uint8).reshape(3, 4) * 20])
cv2.imwrite("small_alpha.png", alpha)
cv2.imwrite("small_16bit.png", small.astype(np.uint16) * 257)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(name, depth, colour, rows, *before, height=3, width=4):
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), *before, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    open(name, "wb").write(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


palette = chunk(b"PLTE", bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30]))
png("small_palette.png", 2, 3, [[0b00011011], [0b11100100], [0b00000000]], palette)
png("huge.png", 8, 2, [], height=100_000, width=100_000)
