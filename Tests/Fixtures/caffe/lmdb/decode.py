"""Decodes the pictures of jpg_lmdb as OpenCV does: python3 decode.py, with opencv and lmdb."""
import cv2
import lmdb
import numpy

records = []
with lmdb.open("jpg_lmdb", readonly=True, lock=False) as database, database.begin() as reading:
    for _, value in reading.cursor():
        start = value.index(b"\xff\xd8")
        file = numpy.frombuffer(value[start:], numpy.uint8)
        colour, gray = (cv2.imdecode(file, flag) for flag in (1, 0))
        records.append(numpy.concatenate([colour.transpose(2, 0, 1), gray[None]]))
# Blue, green, red, then the same picture read in gray.
numpy.save("opencv_jpg.npy", numpy.stack(records))
