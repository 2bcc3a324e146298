#!/usr/bin/env python3
"""Holds the tuned version against other libraries on the same network and batch.

    python3 Benchmarks/peers.py --batch 64 --threads 2
    python3 Benchmarks/peers.py --batch 16 --peers torch-tuned,tensorflow,jax,opencv

Makes a virtual environment with what the chosen peers need (Benchmarks/.venv, a download of some
gigabytes the first time), then measures in rounds: each round runs `walkthrough compare` and the peers
one after the other, each in a process of its own, so that a drifting clock meets all of them. Prints
the medians over the rounds, and the ratio of medians to the best peer of each line; above 1, this
project is faster. Nothing else should run meanwhile: the last column says how many cores something
else kept busy.

Each peer runs the way that is fastest as far as we know. PyTorch does so as it comes, tuned (channels
last, LRN as a 1×1 convolution with a banded matrix, since its own goes through a slow three-dimensional
pooling, fused SGD, and a malloc that keeps freed pages and asks for large ones, as script/walkthrough
does), and as torch.compile makes it. TensorFlow and JAX have channels last and groups as two convolutions.
ONNX Runtime and OpenCV only run forwards.

--isa avx2 limits the peers, and takes --walkthrough, which then has to be built for x86-64-v3.

OPENBLAS_* in the environment is dropped, so that OpenBLAS chooses its kernels for this processor as
the others do; --keep-environment leaves it.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent

# What each peer is called, and what it needs beside numpy.
PEERS = {
    "torch": ("PyTorch", ["torch"]),
    "torch-tuned": ("PyTorch, tuned", ["torch"]),
    "torch-compile": ("torch.compile", ["torch"]),
    "onnxruntime": ("ONNX Runtime", ["onnxruntime", "onnx"]),
    "tensorflow": ("TensorFlow", ["tensorflow-cpu"]),
    "jax": ("JAX", ["jax"]),
    "opencv": ("OpenCV", ["opencv-python-headless<5", "onnx"]),
}

# Name: outputs, inputs of a group, kernel, stride, pad, groups.
CONVOLUTIONS = {
    "conv1": (96, 3, 11, 4, 0, 1),
    "conv2": (256, 48, 5, 1, 2, 2),
    "conv3": (384, 256, 3, 1, 1, 1),
    "conv4": (384, 192, 3, 1, 1, 2),
    "conv5": (256, 192, 3, 1, 1, 2),
}
INNER_PRODUCTS = {"fc6": (4096, 9216), "fc7": (4096, 4096), "fc8": (1000, 4096)}
POOLED = ("conv1", "conv2", "conv5")
NORMALISED = ("conv1", "conv2")


# -- One measurement, in a process of its own ----------------------------------------------------


def busy_seconds():
    """CPU seconds used so far by the whole machine and by this process."""
    with open("/proc/stat") as file:
        fields = [int(field) for field in file.readline().split()[1:9]]
    ticks = sum(fields[i] for i in (0, 1, 2, 5, 6, 7))
    own = os.times()
    return ticks / os.sysconf("SC_CLK_TCK"), own.user + own.system


def median_seconds(call, repeats):
    """The median time of a call after a warm-up, and the cores that others kept busy."""
    call()
    call()
    times = []
    start, (all_before, own_before) = time.perf_counter(), busy_seconds()
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    wall, (all_after, own_after) = time.perf_counter() - start, busy_seconds()
    others = (all_after - all_before - own_after + own_before) / wall
    return statistics.median(times), max(others, 0)


def random_batch(images):
    import numpy

    generator = numpy.random.default_rng(1)
    return (
        generator.standard_normal((images, 3, 227, 227), dtype=numpy.float32),
        generator.integers(0, 1000, images),
    )


def torch_network(torch, is_tuned):
    """CaffeNet; tuned, its LRN is a 1×1 convolution that sums squares over a band of channels."""
    nn = torch.nn

    class BandedLRN(nn.Module):
        def __init__(self, channels):
            super().__init__()
            index = torch.arange(channels)
            band = (index[:, None] - index[None, :]).abs() <= 2
            weight = (band.float() * (1e-4 / 5))[:, :, None, None]
            self.register_buffer("weight", weight, persistent=False)

        def forward(self, x):
            return x * (nn.functional.conv2d(x * x, self.weight) + 1).pow(-0.75)

    layers = []
    for name, (outputs, inputs, kernel, stride, pad, groups) in CONVOLUTIONS.items():
        layers += [
            nn.Conv2d(inputs * groups, outputs, kernel, stride, pad, groups=groups),
            nn.ReLU(inplace=True),
        ]
        if name in POOLED:
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        if name in NORMALISED:
            layers.append(BandedLRN(outputs) if is_tuned else nn.LocalResponseNorm(5, 1e-4, 0.75, 1))
    layers.append(nn.Flatten())
    for name, (outputs, inputs) in INNER_PRODUCTS.items():
        layers.append(nn.Linear(inputs, outputs))
        if name != "fc8":
            layers += [nn.ReLU(inplace=True), nn.Dropout(0.5)]
    return nn.Sequential(*layers)


def measure_torch(batch, threads, repeats, is_tuned, is_compiled=False):
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    network = torch_network(torch, is_tuned)
    images, labels = (torch.from_numpy(array) for array in random_batch(batch))
    if is_tuned:
        network = network.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)

    if is_compiled:
        network = torch.compile(network)
    network.eval()

    def forward():
        with torch.inference_mode():
            network(images)

    seconds, others = median_seconds(forward, repeats)
    result = {"forward": batch / seconds, "others": others}

    network.train()
    optimiser = torch.optim.SGD(
        network.parameters(), 1e-3, momentum=0.9, weight_decay=5e-4, fused=is_tuned or None)

    def step():
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimiser.step()
        loss.item()

    seconds, others = median_seconds(step, repeats)
    result["training"] = batch / seconds
    result["others"] = max(result["others"], others)
    result["version"] = torch.__version__
    return result


def channels_last_parameters():
    """Weights as TensorFlow and JAX want them (rows, columns, inputs, outputs), and biases of 0."""
    import numpy

    generator = numpy.random.default_rng(0)

    def normal(*shape):
        scale = numpy.float32(numpy.sqrt(2 / numpy.prod(shape[:-1])))
        return generator.standard_normal(shape, dtype=numpy.float32) * scale

    parameters = {
        name: (normal(kernel, kernel, inputs, outputs), numpy.zeros(outputs, numpy.float32))
        for name, (outputs, inputs, kernel, _, _, _) in CONVOLUTIONS.items()}
    for name, (outputs, inputs) in INNER_PRODUCTS.items():
        parameters[name] = (normal(inputs, outputs), numpy.zeros(outputs, numpy.float32))
    return parameters


def measure_tensorflow(batch, threads, repeats):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    images, labels = random_batch(batch)
    images, labels = tf.constant(images.transpose(0, 2, 3, 1).copy()), tf.constant(labels)
    parameters = {
        name: [tf.Variable(value) for value in pair]
        for name, pair in channels_last_parameters().items()}

    def network(x, is_training):
        for name, (_, _, _, stride, pad, groups) in CONVOLUTIONS.items():
            weights, bias = parameters[name]
            pads = [[0, 0], [pad, pad], [pad, pad], [0, 0]]
            # There is no gradient of a grouped convolution on the CPU.
            parts = zip(tf.split(x, groups, axis=3), tf.split(weights, groups, axis=3))
            x = tf.concat([tf.nn.conv2d(a, b, stride, pads) for a, b in parts], axis=3)
            x = tf.nn.relu(tf.nn.bias_add(x, bias))
            if name in POOLED:
                x = tf.nn.max_pool2d(x, 3, 2, "VALID")
            if name in NORMALISED:
                x = tf.nn.local_response_normalization(
                    x, depth_radius=2, bias=1.0, alpha=1e-4 / 5, beta=0.75)
        x = tf.reshape(x, [-1, 9216])
        for name in INNER_PRODUCTS:
            x = tf.nn.bias_add(x @ parameters[name][0], parameters[name][1])
            if name != "fc8":
                x = tf.nn.relu(x)
                if is_training:
                    x = tf.nn.dropout(x, 0.5)
        return x

    forward = tf.function(lambda: network(images, False))
    seconds, others = median_seconds(lambda: forward().numpy(), repeats)
    result = {"forward": batch / seconds, "others": others, "version": tf.__version__}

    variables = [variable for pair in parameters.values() for variable in pair]
    momenta = [tf.Variable(tf.zeros_like(variable)) for variable in variables]

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels, network(images, True)))
        for variable, momentum, gradient in zip(
                variables, momenta, tape.gradient(loss, variables)):
            momentum.assign(0.9 * momentum + 1e-3 * (gradient + 5e-4 * variable))
            variable.assign_sub(momentum)
        return loss

    seconds, others = median_seconds(lambda: step().numpy(), repeats)
    return result | {"training": batch / seconds, "others": max(result["others"], others)}


def measure_jax(batch, threads, repeats):
    import jax
    from jax import lax, numpy as jnp

    images, labels = random_batch(batch)
    images, labels = jnp.asarray(images.transpose(0, 2, 3, 1)), jnp.asarray(labels)
    parameters = jax.tree.map(jnp.asarray, channels_last_parameters())

    def network(parameters, x, key=None):
        for name, (_, _, _, stride, pad, groups) in CONVOLUTIONS.items():
            weights, bias = parameters[name]
            parts = zip(jnp.split(x, groups, axis=3), jnp.split(weights, groups, axis=3))
            x = jnp.concatenate([
                lax.conv_general_dilated(
                    a, b, (stride, stride), [(pad, pad)] * 2,
                    dimension_numbers=("NHWC", "HWIO", "NHWC")) for a, b in parts], axis=3)
            x = jax.nn.relu(x + bias)
            if name in POOLED:
                x = lax.reduce_window(
                    x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "VALID")
            if name in NORMALISED:
                squares = jnp.pad(x * x, ((0, 0), (0, 0), (0, 0), (2, 2)))
                total = sum(squares[..., i:i + x.shape[3]] for i in range(5))
                x = x * (1 + 1e-4 / 5 * total) ** -0.75
        x = x.reshape(x.shape[0], -1)
        for index, name in enumerate(INNER_PRODUCTS):
            x = x @ parameters[name][0] + parameters[name][1]
            if name != "fc8":
                x = jax.nn.relu(x)
                if key is not None:
                    kept = jax.random.bernoulli(jax.random.fold_in(key, index), 0.5, x.shape)
                    x = jnp.where(kept, 2 * x, 0)
        return x

    forward = jax.jit(network)
    seconds, others = median_seconds(
        lambda: forward(parameters, images).block_until_ready(), repeats)
    result = {"forward": batch / seconds, "others": others, "version": jax.__version__}

    def loss(parameters, images, labels, key):
        scores = jax.nn.log_softmax(network(parameters, images, key))
        return -jnp.take_along_axis(scores, labels[:, None], axis=1).mean()

    def update(parameters, momenta, images, labels, key):
        gradients = jax.grad(loss)(parameters, images, labels, key)
        momenta = jax.tree.map(
            lambda v, g, w: 0.9 * v + 1e-3 * (g + 5e-4 * w), momenta, gradients, parameters)
        return jax.tree.map(lambda w, v: w - v, parameters, momenta), momenta

    update = jax.jit(update, donate_argnums=(0, 1))
    state = [parameters, jax.tree.map(jnp.zeros_like, parameters), jax.random.key(0)]

    def step():
        state[2], key = jax.random.split(state[2])
        state[0], state[1] = update(state[0], state[1], images, labels, key)
        jax.block_until_ready(state)

    seconds, others = median_seconds(step, repeats)
    return result | {"training": batch / seconds, "others": max(result["others"], others)}


def measure_opencv(batch, threads, repeats):
    import cv2
    import numpy

    cv2.setNumThreads(threads)
    network = cv2.dnn.readNetFromONNX(numpy.frombuffer(onnx_model(batch), numpy.uint8))
    images, _ = random_batch(batch)

    def forward():
        network.setInput(images)
        network.forward()

    seconds, others = median_seconds(forward, repeats)
    return {"forward": batch / seconds, "others": others, "version": cv2.__version__}


def onnx_model(batch="n"):
    import numpy
    from onnx import TensorProto, helper, numpy_helper

    generator = numpy.random.default_rng(0)
    nodes, constants = [], []

    def constant(name, *shape):
        scale = numpy.float32(numpy.sqrt(2 / max(int(numpy.prod(shape[1:])), 1)))
        values = generator.standard_normal(shape, dtype=numpy.float32) * scale
        constants.append(numpy_helper.from_array(values, name))
        return name

    def node(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    x = "data"
    for name, (outputs, inputs, kernel, stride, pad, groups) in CONVOLUTIONS.items():
        weights = constant(name + "_w", outputs, inputs, kernel, kernel)
        x = node(
            "Conv", [x, weights, constant(name + "_b", outputs)], name,
            kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4, group=groups)
        x = node("Relu", [x], name + "_relu")
        if name in POOLED:
            x = node(
                "MaxPool", [x], name + "_pool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
        if name in NORMALISED:
            x = node("LRN", [x], name + "_norm", size=5, alpha=1e-4, beta=0.75, bias=1.0)
    x = node("Flatten", [x], "flat")
    for name, (outputs, inputs) in INNER_PRODUCTS.items():
        weights = constant(name + "_w", outputs, inputs)
        x = node("Gemm", [x, weights, constant(name + "_b", outputs)], name, transB=1)
        if name != "fc8":
            x = node("Relu", [x], name + "_relu")
    node("Softmax", [x], "prob")

    images = helper.make_tensor_value_info("data", TensorProto.FLOAT, [batch, 3, 227, 227])
    probabilities = helper.make_tensor_value_info("prob", TensorProto.FLOAT, [batch, 1000])
    graph = helper.make_graph(nodes, "CaffeNet", [images], [probabilities], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def measure_onnxruntime(batch, threads, repeats):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        onnx_model(), options, providers=["CPUExecutionProvider"])
    images, _ = random_batch(batch)
    seconds, others = median_seconds(lambda: session.run(["prob"], {"data": images}), repeats)
    return {
        "forward": batch / seconds, "others": others, "version": onnxruntime.__version__}


# -- All of them, in turn ------------------------------------------------------------------------


def environment(arguments, **extra):
    kept = {
        name: value for name, value in os.environ.items()
        if arguments.keep_environment or not name.startswith("OPENBLAS_")}
    return {**kept, **extra}


def run(command, env):
    result = subprocess.run(command, env=env, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{result.stderr.strip()}")
    return json.loads(result.stdout)


def make_environment(folder, packages):
    """A Python that has the packages; what an earlier run has installed is kept."""
    python, complete = folder / "bin" / "python", folder / "complete"
    installed = complete.read_text().split("\n") if complete.exists() else []
    missing = [package for package in packages if package not in installed]
    if missing:
        print(f"Installing {', '.join(missing)} in {folder}; this downloads much.", flush=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *missing], check=True)
        complete.write_text("\n".join(installed + missing))
    return python


def ours(arguments):
    command = [
        arguments.walkthrough, "compare", "--version", "tuned", "--json",
        "--batch", str(arguments.batch), "--threads", str(arguments.threads),
        "--repeats", str(arguments.repeats), *(["--exact"] if arguments.exact else [])]
    report = run(command, environment(arguments))
    fast = report["network"]["tuned"]
    return {
        "forward": fast["forwardImagesPerSecond"],
        "training": fast["trainingImagesPerSecond"],
        "gemm": report["roof"]["gemmGigaflops"],
        "gigaflops": fast["trainingGigaflops"],
        "memory": fast["peakMemoryBytes"],
        "version": report["environment"]["blas"],
        "processor": report["environment"]["processor"],
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5, help="timings of each in a round")
    parser.add_argument("--venv", type=pathlib.Path, default=HERE / ".venv")
    parser.add_argument("--keep-environment", action="store_true")
    parser.add_argument("--json", action="store_true", help="print medians and ratios as JSON")
    parser.add_argument("--peers", default="torch,torch-tuned,onnxruntime",
                        help=f"with commas between them: {', '.join(PEERS)}")
    parser.add_argument("--walkthrough", type=pathlib.Path,
                        default=HERE.parent / "script" / "walkthrough", help="the program to run")
    parser.add_argument("--exact", action="store_true", help="leave out minimal filtering")
    parser.add_argument("--isa", choices=["avx2"], help="what the peers may use of the processor")
    parser.add_argument("--measure", choices=list(PEERS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    peers = arguments.peers.split(",")
    for name in peers:
        if name not in PEERS:
            parser.error(f"--peers: {name!r} is none of {', '.join(PEERS)}")
    for name in ("batch", "threads", "rounds", "repeats"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name} must be at least 1")

    if arguments.measure:
        size = (arguments.batch, arguments.threads, arguments.repeats)
        measure = {
            "torch": lambda: measure_torch(*size, is_tuned=False),
            "torch-tuned": lambda: measure_torch(*size, is_tuned=True),
            "torch-compile": lambda: measure_torch(*size, is_tuned=True, is_compiled=True),
            "onnxruntime": lambda: measure_onnxruntime(*size),
            "tensorflow": lambda: measure_tensorflow(*size),
            "jax": lambda: measure_jax(*size),
            "opencv": lambda: measure_opencv(*size),
        }
        print(json.dumps(measure[arguments.measure]()))
        return

    packages = [package for name in peers for package in PEERS[name][1]]
    python = make_environment(arguments.venv, list(dict.fromkeys(["numpy", *packages])))
    limits = {
        "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    } if arguments.isa else {}

    def peer(name):
        extra = {}
        command = [python, __file__, "--measure", name, "--batch", str(arguments.batch),
                   "--threads", str(arguments.threads), "--repeats", str(arguments.repeats)]
        if name.startswith("torch-"):
            extra = {
                "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "8589934592",
                "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
        if name == "jax":  # which takes as many threads as it may use cores
            command = ["taskset", "-c", f"0-{arguments.threads - 1}", *command]
        extra |= limits | {
            "OMP_NUM_THREADS": str(arguments.threads), "TF_CPP_MIN_LOG_LEVEL": "2"}
        return run(command, environment(arguments, **extra))

    contestants = {"swift-alexnet": lambda: ours(arguments)}
    for name in peers:
        contestants[PEERS[name][0]] = lambda name=name: peer(name)
    results = {name: [] for name in contestants}
    for index in range(arguments.rounds):
        for name, measure in contestants.items():
            if not arguments.json:
                print(f"round {index + 1} of {arguments.rounds}: {name}", flush=True)
            results[name].append(measure())

    def median(name, key):
        values = [result[key] for result in results[name] if key in result]
        return statistics.median(values) if values else None

    medians = {
        name: {key: median(name, key) for key in ("forward", "training")} for name in results}
    best = {
        key: max(
            (medians[name][key], name) for name in results
            if name != "swift-alexnet" and medians[name][key])
        for key in ("forward", "training") if any(
            medians[name][key] for name in results if name != "swift-alexnet")}
    own = medians["swift-alexnet"]
    ratios = {key: own[key] / best[key][0] for key in best}
    roof = median("swift-alexnet", "gigaflops") / median("swift-alexnet", "gemm")
    if arguments.json:
        print(json.dumps({
            "batch": arguments.batch, "threads": arguments.threads, "rounds": arguments.rounds,
            "imagesPerSecond": medians, "bestPeer": {key: best[key][1] for key in best},
            "ratioToBestPeer": ratios, "shareOfGemmRate": roof}))
        return
    first = results["swift-alexnet"][0]
    print(f"\n{first['processor']}, {arguments.threads} threads, batch {arguments.batch}, "
          f"{first['version']}; medians of {arguments.rounds} rounds, images a second")
    print(f"{'':16} {'version':>14} {'forward':>9} {'training':>9} {'others busy':>12}")
    for name in results:
        version = "" if name == "swift-alexnet" else results[name][0]["version"]
        training = f"{medians[name]['training']:9.1f}" if medians[name]["training"] else " " * 9
        others = median(name, "others")
        print(f"{name:16} {version:>14} {medians[name]['forward']:9.1f} {training} "
              f"{'' if others is None else f'{others:12.2f}'}")
    for key, ratio in ratios.items():
        print(f"{key}: {ratio:.2f} times as fast as the best peer, {best[key][1]}")
    print(f"training step: {100 * roof:.0f} % of the GEMM rate measured in the same runs, "
          f"peak memory {median('swift-alexnet', 'memory') / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
