"""Writes the files beside it: python3 generate.py. Made with numpy 2.4.6; kept in the repository so
that the tests need no Python."""

import numpy as np

# Twelve numbers a type, in a 2×3×2 array: element i is i % 2, 20·i, 9·i − 50, or 0.25·(9·i − 50).
i = np.arange(12).reshape(2, 3, 2)
for name in "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8".split():
    kind = np.dtype(name).kind
    numbers = {"b": i % 2, "u": i * 20, "i": i * 9 - 50, "f": (i * 9 - 50) * 0.25}[kind]
    numbers = numbers.astype(name)
    np.save(f"{name}_little_c.npy", numbers.astype("<" + name))
    np.save(f"{name}_big_fortran.npy", np.asfortranarray(numbers.astype(">" + name)))

for version in (2, 3):
    with open(f"version{version}.npy", "wb") as file:
        np.lib.format.write_array(file, np.arange(6, dtype="<i4").reshape(2, 3), (version, 0))

np.save("scalar.npy", np.float64(2.5))
np.save("empty.npy", np.zeros((0, 3), "<f4"))
np.save("rank5_fortran.npy", np.asfortranarray(np.arange(120).reshape(1, 2, 3, 4, 5)))
np.save("half_special.npy", np.array([np.inf, -np.inf, np.nan, 2**-24, 2**-14, 65504, -0.0], "<f2"))
np.save("not_whole.npy", np.array([1, 0.5]))
np.save("beyond_int.npy", np.array([2**64 - 1], "<u8"))

# What is refused.
np.save("complex.npy", np.zeros(2, "<c8"))
np.save("structured.npy", np.zeros(2, [("a", "<f4"), ("b", "<i4")]))
np.save("objects.npy", np.array([{}, []], dtype=object), allow_pickle=True)

arrays = {
    "weights": np.linspace(-1, 1, 24, dtype="<f4").reshape(2, 3, 4),
    "labels": np.array([3, 1, 4, 1, 5], "<i8"),
    "top/00_data/größe": np.zeros((64, 64), "<f4"),
}
np.savez("stored.npz", **arrays)
np.savez_compressed("deflated.npz", **arrays)
