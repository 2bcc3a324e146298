#!/usr/bin/env python3
"""Holds the optimized version against PyTorch and ONNX Runtime on the same network and batch.

    python3 Benchmarks/peers.py --batch 64 --threads 2

Makes a virtual environment with torch, onnxruntime, onnx and numpy (Benchmarks/.venv, a download
of some gigabytes the first time), then measures in rounds: each round runs `walkthrough compare`,
PyTorch and ONNX Runtime one after the other, each in a process of its own, so that a drifting clock
meets all of them. Prints the medians over the rounds and the ratios of medians; above 1, this
project is faster. Nothing else should run meanwhile: the last column says how many cores something
else kept busy.

PyTorch runs as it comes and in the fastest way known to us: channels last, LRN as a 1×1 convolution
with a banded matrix (its own goes through a slow three-dimensional pooling), fused SGD, and a
malloc that keeps freed pages and asks for large ones, as script/walkthrough does. The best of the two
counts.

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
PACKAGES = ["torch", "onnxruntime", "onnx", "numpy"]

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


def measure_torch(batch, threads, repeats, is_tuned):
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    network = torch_network(torch, is_tuned)
    images, labels = (torch.from_numpy(array) for array in random_batch(batch))
    if is_tuned:
        network = network.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)

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


def onnx_model():
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

    images = helper.make_tensor_value_info("data", TensorProto.FLOAT, ["n", 3, 227, 227])
    probabilities = helper.make_tensor_value_info("prob", TensorProto.FLOAT, ["n", 1000])
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


def make_environment(folder):
    python = folder / "bin" / "python"
    complete = folder / "complete"  # else an earlier run was interrupted
    if not complete.exists():
        print(f"Making {folder} with {', '.join(PACKAGES)}; this downloads much.", flush=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        complete.touch()
    return python


def ours(arguments):
    command = [
        HERE.parent / "script" / "walkthrough", "compare", "--version", "tuned", "--json",
        "--batch", str(arguments.batch), "--threads", str(arguments.threads),
        "--repeats", str(arguments.repeats)]
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
    parser.add_argument("--measure", choices=["torch", "torch-tuned", "onnxruntime"],
                        help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    for name in ("batch", "threads", "rounds", "repeats"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name} must be at least 1")

    if arguments.measure:
        size = (arguments.batch, arguments.threads, arguments.repeats)
        result = (
            measure_onnxruntime(*size) if arguments.measure == "onnxruntime"
            else measure_torch(*size, is_tuned=arguments.measure == "torch-tuned"))
        print(json.dumps(result))
        return

    python = make_environment(arguments.venv)

    def peer(name, **extra):
        command = [python, __file__, "--measure", name, "--batch", str(arguments.batch),
                   "--threads", str(arguments.threads), "--repeats", str(arguments.repeats)]
        return run(command, environment(arguments, OMP_NUM_THREADS=str(arguments.threads), **extra))

    contestants = {
        "swift-alexnet": lambda: ours(arguments),
        "PyTorch": lambda: peer("torch"),
        "PyTorch, tuned": lambda: peer(
            "torch-tuned", MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_="8589934592",
            GLIBC_TUNABLES="glibc.malloc.hugetlb=1"),
        "ONNX Runtime": lambda: peer("onnxruntime"),
    }
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
        key: max(medians[name][key] for name in ("PyTorch", "PyTorch, tuned"))
        for key in ("forward", "training")}
    own = medians["swift-alexnet"]
    ratios = {key: own[key] / best[key] for key in best}
    roof = median("swift-alexnet", "gigaflops") / median("swift-alexnet", "gemm")
    if arguments.json:
        print(json.dumps({
            "batch": arguments.batch, "threads": arguments.threads, "rounds": arguments.rounds,
            "imagesPerSecond": medians, "ratioToBestPyTorch": ratios, "shareOfGemmRate": roof}))
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
    print(f"to the faster PyTorch: forward {ratios['forward']:.2f}, training {ratios['training']:.2f}")
    print(f"training step: {100 * roof:.0f} % of the GEMM rate measured in the same runs, "
          f"peak memory {median('swift-alexnet', 'memory') / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
