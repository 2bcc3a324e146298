"""Prints what Caffe's two programs make of a.png with the network beside it: python3 golden.py >golden.json.
Needs opencv-python-headless, scikit-image and numpy. The steps are those of Caffe's
examples/cpp_classification/classification.cpp, and of python/classify.py with pycaffe's classifier.py and
io.py; the network is one inner product and a softmax. Writes mean.npy, the mean image as numpy has it."""

import json
import struct

import cv2
import numpy as np
from skimage.transform import resize


def fields(data):
    """The fields of a protobuf message: number and content."""
    place = 0

    def varint():
        nonlocal place
        value, shift = 0, 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(data):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
        elif tag & 7 == 2:
            length = varint()
            yield tag >> 3, data[place:place + length]
            place += length
        else:
            length = {1: 8, 5: 4}[tag & 7]
            yield tag >> 3, data[place:place + length]
            place += length


def floats(blob):
    return np.frombuffer(b"".join(content for number, content in fields(blob) if number == 5), "<f4")


layers = [content for number, content in fields(open("w.caffemodel", "rb").read()) if number == 100]
blobs = [floats(blob) for layer in layers for number, blob in fields(layer) if number == 7]
weights = blobs[0].reshape(4, -1).astype(float)
bias = blobs[1] if len(blobs) > 1 else np.zeros(4)
mean = floats(open("mean.binaryproto", "rb").read())
mean = mean.reshape(3, int((len(mean) / 3) ** 0.5), -1)
np.save("mean.npy", mean)
SIDE = 24


def network(planes):
    scores = weights @ planes.reshape(-1).astype(float) + bias
    powers = np.exp(scores - scores.max())
    return (powers / powers.sum()).tolist()


def classification(mean):
    """Classifier::Preprocess: the whole picture resized, the channels' means subtracted."""
    picture = cv2.resize(cv2.imread("a.png", -1)[:, :, :3], (SIDE, SIDE)).astype(np.float32)
    return network((picture - np.float32(mean)).transpose(2, 0, 1))


def resize_image(image, extents):
    """caffe.io.resize_image with the scikit-image of its time, which didn't blur."""
    low, high = image.min(), image.max()
    if high <= low:
        return np.full(tuple(extents) + image.shape[2:], low)
    resized = resize((image - low) / (high - low), extents, order=1, mode="constant", anti_aliasing=False)
    return resized * (high - low) + low


def classify_py(dims, mean, oversample=False):
    """caffe.Classifier.predict, with raw_scale 255 and channels swapped to blue, green, red."""
    picture = cv2.imread("a.png")[:, :, ::-1].astype(float) / 255
    picture = resize_image(picture, (dims, dims))
    if mean.ndim == 3 and mean.shape[1:] != (SIDE, SIDE):
        mean = resize_image(mean.transpose(1, 2, 0), (SIDE, SIDE)).transpose(2, 0, 1)
    if mean.ndim == 1:
        mean = mean[:, None, None]
    last = dims - SIDE
    middle = int(dims / 2 - SIDE / 2)
    places = [(middle, middle)]
    if oversample:
        places = [(0, 0), (0, last), (last, 0), (last, last), (middle, middle)]
    crops = [picture[y:y + SIDE, x:x + SIDE] for y, x in places]
    if oversample:
        crops += [crop[:, ::-1] for crop in crops]
    results = [network(crop.transpose(2, 0, 1)[::-1] * 255 - mean) for crop in crops]
    return np.mean(results, 0).tolist()


colours = np.array([104.0, 117.0, 123.0])
print(json.dumps({
    "classification, values": classification(colours),
    "classification, image": classification(mean.mean((1, 2))),
    "classify.py, values": classify_py(27, colours),
    "classify.py, image": classify_py(27, mean),
    "classify.py, ten crops": classify_py(27, mean, oversample=True),
    "classify.py, larger": classify_py(90, mean),
}, indent=1))
