"""What PyTorch's gradcheck says of functions with right and wrong gradients.

    pip install torch==2.13.0+cpu && python3 gradcheck.py > verdicts.json

`torch.autograd.gradcheck` is called with its own settings, in double precision. GradcheckTests.swift has
the same functions under the same names, at the same point.
"""

import json
import math

import torch

x = torch.tensor([1.5 * math.sin(1.7 * i + 0.3) for i in range(20)], dtype=torch.float64)


def claimed(f, derivative):
    """f, element by element, with a claimed derivative."""

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(context, x):
            context.save_for_backward(x)
            return f(x)

        @staticmethod
        def backward(context, upstream):
            (x,) = context.saved_tensors
            return upstream * derivative(x)

    return Function.apply


def one(x):
    return torch.ones_like(x)


def rounded(steps):
    return claimed(lambda x: torch.round(steps * x) / steps, one)


def wave(k, derivative):
    """x + sin(kπx)"""
    return claimed(lambda x: x + torch.sin(k * math.pi * x), derivative)


def fake_int8(deviation):
    """Rounded to 1/32 and cut off at ±4, of inputs of some deviation."""

    def f(x):
        return torch.clamp(torch.round(32 * deviation * x), -128, 127) / 32

    return claimed(f, lambda x: deviation * one(x))


def normalised(x):
    """Over 20 elements, after a bias in front."""
    return (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + 1e-5)


def attention(bias):
    """Softmax of scores q·(k + b) of 4 keys in 5 dimensions: the same for each key, b cancels."""
    q, k = x[:5], torch.stack([x[i:i + 5] for i in (3, 7, 11, 15)])
    return torch.softmax((k + bias) @ q, 0)


elementwise = {
    "square": claimed(lambda x: x * x, lambda x: 2 * x),
    "exponential": claimed(torch.exp, torch.exp),
    "hyperbolic tangent": claimed(torch.tanh, lambda x: 1 - torch.tanh(x) ** 2),
    "floor": claimed(torch.floor, torch.zeros_like),
    "sawtooth": claimed(lambda x: x - torch.floor(x), one),
    "cube, a hundredth too much": claimed(lambda x: x ** 3, lambda x: 3.03 * x * x),
    "square, half": claimed(lambda x: x * x, lambda x: x),
    "sine, negative": claimed(torch.sin, lambda x: -torch.cos(x)),
    "fake int8, deviation 0.5": fake_int8(0.5),
    "fake int8, deviation 2": fake_int8(2),
}
for k in (8, 16, 32, 64):
    elementwise[f"wave {k}"] = wave(k, lambda x, k=k: 1 + k * math.pi * torch.cos(k * math.pi * x))
    elementwise[f"wave {k}, left out"] = wave(k, one)
for steps in [2 ** k for k in range(1, 13)] + [7, 10, 100, 127, 255]:
    elementwise[f"rounded to 1/{steps}"] = rounded(steps)

functions = {name: (f, x) for name, f in elementwise.items()}
functions["bias before a normalisation"] = (lambda b: normalised(x + b), torch.zeros(1).double())
functions["bias of the keys in attention"] = (attention, torch.zeros(5).double())


def verdict(f, point):
    return torch.autograd.gradcheck(f, point.clone().requires_grad_(), raise_exception=False)


print(json.dumps(
    {"torch": torch.__version__, "right": {name: verdict(*entry) for name, entry in functions.items()}},
    indent=1))
