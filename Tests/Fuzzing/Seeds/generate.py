"""Writes the folders beside it, a few small files for each target of the fuzzers: python3 generate.py.
Needs nothing beside Python."""

import io
import os
import struct
import zipfile
import zlib


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


# Protobuf's binary format, by field numbers of Sources/CaffeMessages/caffe.proto.


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


def doubles(*values):
    return struct.pack(f"<{len(values)}d", *values)


def blob(dimensions, values=None):
    """BlobProto in today's form: shape (7) and packed data (5)."""
    count = 1
    for extent in dimensions:
        count *= extent
    shape = field(1, b"".join(varint(extent) for extent in dimensions))
    return field(7, shape) + field(5, values or floats(*range(count)))


def legacy_blob(num, channels, height, width, count):
    """BlobProto in the form of 2014: four extents (1 to 4) and packed data (5)."""
    extents = field(1, num) + field(2, channels) + field(3, height) + field(4, width)
    return extents + field(5, floats(*range(count)))


# The network of the targets: conv1 with weights 1×1×2×2, relu1, fc2 with weights 2×4.
conv1 = (
    field(1, "conv1") + field(2, "Convolution") + field(3, "data") + field(4, "conv1")
    + field(7, blob([1, 1, 2, 2])) + field(7, blob([1]))
    + field(106, field(1, 1) + field(4, 2))
)
relu1 = field(1, "relu1") + field(2, "ReLU") + field(3, "conv1") + field(4, "conv1")
fc2 = (
    field(1, "fc2") + field(2, "InnerProduct") + field(3, "conv1") + field(4, "fc2")
    + field(7, blob([2, 4])) + field(7, blob([2])) + field(117, field(1, 2))
)
source = (
    field(1, "data") + field(2, "Input") + field(4, "data")
    + field(143, field(1, field(1, b"".join(map(varint, [1, 1, 3, 3])))))
)
write(
    "caffemodel/today",
    field(1, "small") + b"".join(field(100, layer) for layer in [source, conv1, relu1, fc2]),
)

# The form of 2014: input blobs by name, layers (2) of V1LayerParameter with types by number.
conv1 = (
    field(2, "data") + field(3, "conv1") + field(4, "conv1") + field(5, 4)
    + field(6, legacy_blob(1, 1, 2, 2, 4)) + field(6, legacy_blob(1, 1, 1, 1, 1))
    + field(10, field(1, 1) + field(4, 2))
)
fc2 = (
    field(2, "conv1") + field(3, "fc2") + field(4, "fc2") + field(5, 14)
    + field(6, legacy_blob(1, 1, 2, 4, 8)) + field(6, legacy_blob(1, 1, 1, 2, 2))
    + field(17, field(1, 2))
)
write(
    "caffemodel/2014",
    field(1, "small") + field(3, "data") + b"".join(field(4, extent) for extent in [1, 1, 3, 3])
    + field(2, conv1) + field(2, fc2),
)

state = field(1, 5) + field(2, "small_iter_5.caffemodel") + field(4, 1)
history = [blob([1, 1, 2, 2]), blob([1]), blob([2, 4]), blob([2])]
write("solverstate/floats", state + b"".join(field(3, item) for item in history))
shape = field(7, field(1, varint(2)))
write("solverstate/doubles", state + field(3, shape + field(8, doubles(0.5, -1))))

write("binaryproto/today", blob([1, 3, 2, 2]))
write("binaryproto/2014", legacy_blob(1, 3, 2, 2, 12))

# Datum: extents (1 to 3), data (4), label (5), float_data (6), encoded (7).


def png(width, height, kind, depth, rows, *before):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = [(b"IHDR", header), *before, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


gray = png(2, 2, 0, 8, bytes([0, 10, 200, 2, 5, 5]))
extents = field(1, 1) + field(2, 2) + field(3, 2)
write("datum/bytes", extents + field(4, bytes([1, 2, 3, 4])) + field(5, 7))
write("datum/floats", extents + field(5, 7) + b"".join(b"\x35" + floats(i) for i in range(4)))
write("datum/encoded", field(4, gray) + field(5, 7) + field(7, 1))

write("png/filters", png(3, 5, 2, 8, b"".join(bytes([f] + list(range(9))) for f in range(5))))
write(
    "png/palette",
    png(8, 2, 3, 1, bytes([0, 0x5A, 0, 0xF0]), (b"PLTE", bytes(6)), (b"tRNS", bytes([9]))),
)


# numpy's formats.


def npy(shape, kind, content):
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


def npz(compression, **arrays):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in arrays.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content, compression)
    return file.getvalue()


numbers = npy((2, 3), "<f4", floats(*range(6)))
write("npy/floats", numbers)
write("npy/bytes", npy((3,), "|u1", bytes([1, 2, 3])))
write("npz/stored", npz(zipfile.ZIP_STORED, a=numbers, b=npy((), "<i8", bytes(8))))
write("npz/deflated", npz(zipfile.ZIP_DEFLATED, a=numbers, b=npy((9, 9), "|u1", bytes(81))))

# A snapshot of the network above. Its numbers are in bytes where that is enough, to stay small.


def scalar(value):
    return npy((1,), "|u1", bytes([value]))


twister = npy((625,), "|u1", bytes(i % 251 for i in range(625)))
snapshot = {
    "format": scalar(1), "iteration": scalar(5), "dropout_random": twister,
    "loader_random": twister, "next_record": scalar(3),
    "losses": npy((2,), "<f4", floats(2.3, 2.2)),
    "tests": npy((1, 7), "<f8", doubles(5, 2.2, 0.5, 0, 0, 0, 0)),
    "settings": npy((2,), "|u1", b"{}"),
}
for kind in ["parameter", "history"]:
    for layer, shapes in [("conv1", [(1, 1, 2, 2), (1,)]), ("fc2", [(2, 4), (2,)])]:
        for number, shape in enumerate(shapes):
            count = 1
            for extent in shape:
                count *= extent
            snapshot[f"{kind}/{layer}/{number}"] = npy(shape, "<f4", floats(*range(count)))
write("snapshot/small", npz(zipfile.ZIP_STORED, **snapshot))

# The first byte chooses the precision, the second the kind of layer, the others what follows.
for kind, name in enumerate(
    "convolution innerproduct pooling lrn relu dropout softmax loss step".split()
):
    write(f"layers/{name}", bytes([kind % 2, kind] + [3, 2, 1, 0] * 8))
# From 216 to 251, five kinds more.
for kind, name in enumerate("sigmoid tanh adaptive concat eltwise".split()):
    write(f"layers/{name}", bytes([kind % 2, 220 + kind] + [3, 2, 1, 0] * 8))

# From 252 on, the kind is a convolution that Fast does with the channels last where the precision is
# Float's (0). As the targets choose: groups less one; kernels of each less 14; extents less one of the
# kernel, a square if a 0 follows; whether the stride is 2 (2); the pad; whether there is no bias;
# channels of a group less 14; the ReLU behind it (6 or 7); rank 4 (0); images less 6; channels again;
# rows and columns less one. Then whether there are three threads and whether a trick is missing, a
# seed for each tensor, and whether gradients are added to, and the input's left out.
for name, kernels, stride, groups, kernel, pad, relu, images, rows, columns, missing in [
    ("plain", 3, 0, 0, [2, 0], [1, 0], 0, 2, 1, 2, [0]),
    ("fused", 2, 0, 0, [1, 0], [3, 1, 0], 6, 1, 3, 1, [0]),
    ("groups", 2, 0, 1, [1, 1, 2], [0, 0], 7, 9, 1, 2, [0]),
    ("stride", 21, 2, 0, [2, 0], [2, 0], 0, 1, 4, 2, [0]),
    ("columns", 3, 0, 0, [2, 0], [1, 0], 0, 2, 1, 2, [1, 2]),
]:
    choices = [groups, kernels, *kernel, stride, *pad, 0, 3, relu, 0, images, 0, rows, columns]
    write(
        f"layers/channels_last_{name}",
        bytes([0, 252, *choices, 1, *missing, 1, 2, 3, 4, 5, 6, 0, 0]))

write("prototxt/joins", b"""layer { name: "data" type: "ImageData" top: "data" top: "label"
  image_data_param { source: "list" batch_size: 2 new_height: 4 new_width: 4 rand_skip: 1 } }
layer { name: "s" type: "Sigmoid" bottom: "data" top: "s" }
layer { name: "t" type: "TanH" bottom: "data" top: "t" phase: TEST }
layer { name: "c" type: "Concat" bottom: "s" bottom: "t" top: "c" concat_param { axis: -3 } }
layer { name: "e" type: "Eltwise" bottom: "s" bottom: "t" top: "e" propagate_down: [ 1, 0 ]
  eltwise_param { coeff: 1 coeff: -2 } }
layer { name: "e" type: "InnerProduct" bottom: "e" top: "i" param { name: "w" lr_mult: 0 }
  inner_product_param { num_output: 3 } }
layer { name: "l" type: "SoftmaxWithLoss" bottom: "i" bottom: "label" loss_weight: 2 }
""")

# Files of the tests, by links.
for path, fixtures in {
    "prototxt": ["caffe/sgd_blobs/solver.prototxt", "caffe/sgd_blobs/net.prototxt",
                 "caffe/caffenet/train.upb.prototxt", "caffe/prototxt/other_layers.prototxt"],
    "npy": ["numpy/version3.npy", "numpy/f2_big_fortran.npy", "numpy/u8_big_fortran.npy",
            "numpy/structured.npy", "numpy/rank5_fortran.npy"],
    "png": ["pictures/small_16bit.png", "pictures/small_alpha.png", "pictures/small_gray.png",
            "pictures/huge.png"],
    "jpeg": ["pictures/jpeg_gray.jpg", "pictures/jpeg_420.jpg", "pictures/jpeg_progressive.jpg"],
}.items():
    os.makedirs(path, exist_ok=True)
    for fixture in fixtures:
        link = os.path.join(path, os.path.basename(fixture))
        if os.path.lexists(link):
            os.remove(link)
        os.symlink(os.path.join("../../../Fixtures", fixture), link)


# safetensors: the length of the header, the header, the numbers.


def safetensors(header, content):
    return struct.pack("<Q", len(header)) + header.encode() + content


write(
    "safetensors/floats",
    safetensors(
        '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}',
        floats(*range(6)),
    ),
)
write(
    "safetensors/halves",
    safetensors(
        '{ "a\\u00e9":{"shape":[2],"dtype":"BF16","data_offsets":[0,4], "x":[1,{}]},'
        '"b":{"dtype":"F16","shape":[1,1],"data_offsets":[4,6]},'
        '"c":{"dtype":"I64","shape":[0],"data_offsets":[6,6]}}  ',
        bytes([0x80, 0x3F, 0, 0xC0, 0, 0x3C]),
    ),
)


# PyTorch's files: pickles, instruction by instruction.


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def storage(kind, key, count, more=b""):
    return (
        b"(" + text("storage") + b"ctorch\n" + kind + b"\n" + text(key) + text("cpu")
        + b"K" + bytes([count]) + more + b"tQ"
    )


def tensor(source, offset, size, strides):
    def numbers(values):
        return b"(" + b"".join(b"K" + bytes([value]) for value in values) + b"t"

    hooks = b"ccollections\nOrderedDict\n)R"
    view = b"K" + bytes([offset]) + numbers(size) + numbers(strides) + b"\x89" + hooks
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + source + view + b"tR"


def pth(compression, pickle, **storages):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        members = [(f"data/{name[1:]}", content) for name, content in storages.items()]
        for name, content in [("data.pkl", pickle), *members, ("version", b"3\n")]:
            archive.writestr(zipfile.ZipInfo(f"a/{name}"), content, compression)
    return file.getvalue()


state = (
    b"\x80\x02ccollections\nOrderedDict\n)Rq\x00("
    + text("w") + tensor(storage(b"FloatStorage", "0", 6), 0, [2, 3], [3, 1])
    + text("t") + tensor(storage(b"FloatStorage", "0", 6), 1, [2, 2], [1, 2])
    + b"u}X\x01\x00\x00\x00aK\x01sb."
)
write("pth/zip", pth(zipfile.ZIP_STORED, state, _0=floats(*range(6))))
checkpoint = (
    b"\x80\x02}(" + text("epoch") + b"M\x2c\x01" + text("rate") + b"G?\xf0\0\0\0\0\0\0"
    + text("state_dict") + b"}" + text("w") + tensor(storage(b"HalfStorage", "0", 2), 0, [2], [1])
    + b"su."
)
write("pth/deflated", pth(zipfile.ZIP_DEFLATED, checkpoint, _0=bytes([0, 0x3C, 0, 0xC0])))
four = (
    b"\x80\x04\x95\x06\0\0\0\0\0\0\0}\x94\x8c\x01w\x94"
    b"\x8c\x0ctorch._utils\x8c\x0f_rebuild_tensor\x93(" + storage(b"LongStorage", "0", 1)
    + b"K\0))tRs."
)
write("pth/protocol4", pth(zipfile.ZIP_STORED, four, _0=bytes(8)))
magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
system = b"\x80\x02}" + text("little_endian") + b"\x88s."
view = b"(" + text("7.1") + b"K\x01K\x02t"
legacy = (
    b"\x80\x02}" + text("w")
    + tensor(storage(b"ShortStorage", "7", 3, view), 0, [2], [1]) + b"s."
)
write(
    "pth/legacy",
    magic + b"\x80\x02M\xe9\x03." + system + legacy + b"\x80\x02]" + text("7") + b"a."
    + struct.pack("<q3h", 3, 1, 2, 3),
)


# ONNX: protobuf by the field numbers of Sources/ONNXMessages/onnx.proto.


def value_info(name, *extents):
    shape = b"".join(field(1, field(1, extent)) for extent in extents)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))


def attribute(name, value):
    if isinstance(value, list):
        return field(1, name) + b"".join(field(8, each) for each in value) + field(20, 7)
    return field(1, name) + field(3, value) + field(20, 2)


def node(kind, inputs, output, name="", **attributes):
    return field(1, (
        b"".join(field(1, each) for each in inputs) + field(2, output) + field(3, name)
        + field(4, kind) + b"".join(field(5, attribute(*each)) for each in attributes.items())
    ))


def initializer(name, dims, data, kind=1):
    extents = b"".join(field(1, extent) for extent in dims)
    return field(5, extents + field(2, kind) + field(8, name) + field(9, data))


def onnx(opset, graph):
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, opset))


write("onnx/convolution", onnx(13, (
    node("Conv", ["x", "w", "b"], "c", "conv", strides=[1, 1], pads=[1, 1, 1, 1], group=1)
    + node("Relu", ["c"], "r") + node("LRN", ["r"], "n", size=3)
    + node("MaxPool", ["n"], "p", "pool", kernel_shape=[2, 2], ceil_mode=1)
    + node("GlobalAveragePool", ["p"], "g") + node("Flatten", ["g"], "f", axis=1)
    + node("Softmax", ["f"], "y", axis=1) + initializer("w", [2, 1, 2, 2], floats(*range(8)))
    + initializer("b", [2], floats(1, 2)) + field(11, value_info("x", 1, 1, 3, 3))
    + field(12, value_info("y", 1, 2))
)))
write("onnx/products", onnx(9, (
    node("ConstantOfShape", ["s"], "w") + node("Reshape", ["x", "t"], "v", "flat")
    + node("MatMul", ["v", "w"], "m") + node("Add", ["b", "m"], "a", "fc")
    + node("Dropout", ["a"], "d") + node("Identity", ["d"], "i")
    + node("Gemm", ["i", "u", "b"], "y", transB=1)
    + initializer("s", [2], struct.pack("<2q", 4, 2), 7)
    + initializer("t", [2], struct.pack("<2q", 0, -1), 7)
    + initializer("u", [2, 2], floats(1, 2, 3, 4)) + initializer("b", [2], floats(1, 2))
    + field(11, value_info("x", 1, 1, 2, 2)) + field(12, value_info("y", 1, 2))
)))
