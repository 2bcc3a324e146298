import RealModule
import Tensors

extension Diagnosis {
  /// analytic is numeric with its elements in another order.
  var rearranged: String? {
    guard isComplete, shape.rank >= 2 else { return nil }
    let (height, width) = (shape.dimensions[shape.rank - 2], shape.dimensions[shape.rank - 1])
    if height == width, height > 1, agrees(reading: { y, x in (x, y) }) {
      return shape.rank == 2
        ? "transposed: rows and columns are exchanged"
        : "transposed: rows and columns of the last two axes are exchanged"
    }
    if height * width > 1, agrees(reading: { y, x in (height - 1 - y, width - 1 - x) }) {
      return "rotated by 180°: convolution and correlation are mixed up"
    }
    guard shape.rank > 2 else { return nil }
    for dy in -2...2 {
      for dx in -2...2 where (dy, dx) != (0, 0) && abs(dy) < height && abs(dx) < width {
        if agrees(reading: { y, x in (y + dy, x + dx) }) {
          return "shifted by \(dy) rows and \(dx) columns: an offset, of the padding perhaps"
        }
      }
    }
    return nil
  }

  /// Whether analytic[y, x] is numeric at another place of the last two axes, wherever that exists.
  private func agrees(reading source: (Int, Int) -> (Int, Int)) -> Bool {
    let (height, width) = (shape.dimensions[shape.rank - 2], shape.dimensions[shape.rank - 1])
    var compared = 0
    for check in judged {
      guard let position = check.position else { continue }
      let (y, x) = (position / width % height, position % width)
      let (sourceY, sourceX) = source(y, x)
      guard (0..<height).contains(sourceY), (0..<width).contains(sourceX) else { continue }
      let other = judged[position + (sourceY - y) * width + sourceX - x]
      if abs(check.analytic - other.numeric) > 1e-6 * scale { return false }
      compared += 1
    }
    return compared >= 4
  }

  /// Where the wrong elements lie, if not everywhere.
  var place: String? {
    let right = judged.filter(\.passed)
    guard !right.isEmpty else { return nil }
    if shape.rank == 4, isInput {
      let (h, w) = (shape.height, shape.width)
      func border(_ check: ElementCheck) -> Int {
        min(check.index[2], check.index[3], h - 1 - check.index[2], w - 1 - check.index[3])
      }
      let depth = wrong.map(border).max() ?? 0
      if depth < right.map(border).max() ?? 0, depth < min(h, w) / 2 {
        return "wrong only within \(depth + 1) of the border: a contribution of the windows there "
          + "is missing or misplaced"
      }
    }
    for (axis, what) in ["image", "channel", "row", "column"].enumerated()
    where axis < shape.rank && isInput || axis == 0 {
      let label = isInput ? what : "output channel"
      let wrongIndices = Set(wrong.compactMap { $0.index.count > axis ? $0.index[axis] : nil })
      let rightIndices = Set(right.compactMap { $0.index.count > axis ? $0.index[axis] : nil })
      guard wrongIndices.isDisjoint(with: rightIndices), let first = wrongIndices.min() else {
        continue
      }
      if label.hasSuffix("channel"), facts.groups > 1,
        first >= shape[axis] / facts.groups
      {
        return "right in the first group of channels and wrong in the others: a group's offset"
      }
      return
        "wrong only in \(label)s \(wrongIndices.sorted().map(String.init).joined(separator: ", "))"
    }
    if shape.rank == 4, name == "weights", shape.spatialCount > 1,
      judged.allSatisfy({ check in
        check.passed == (check.index[2] == 0 && check.index[3] == 0)
      })
    {
      return "right only at the kernel's first position: the others are read at the wrong distance "
        + "from it, by the dilation or the input's row length"
    }
    let moving = judged.filter { $0.numeric != 0 || $0.analytic != 0 }
    let wrongSigns = Set(wrong.map { $0.value > 0 })
    if wrongSigns.count == 1, let sign = wrongSigns.first,
      moving.filter({ ($0.value > 0) == sign }).count == wrong.count,
      moving.contains(where: { ($0.value > 0) != sign })
    {
      return "wrong exactly at the \(sign ? "positive" : "negative") elements"
    }
    return "wrong at \(wrong.count) of \(judged.count) elements"
  }

  /// What the experiments show.
  var experimentResult: String? {
    guard let experiments else { return nil }
    if !experiments.isLinear {
      return "not linear in the output's gradient: it decides by the gradient where it should "
        + "decide by the input"
    }
    for (change, gradient) in experiments.rearranged where isNumeric(gradient) {
      return "the gradient is what \(change) would give"
    }
    return nil
  }

  /// Which outputs are overlooked.
  var silence: String? {
    guard let experiments, !experiments.silentOutputs.isEmpty else { return nil }
    let silent = experiments.silentOutputs
    if facts.images > 1, experiments.upstream.count.isMultiple(of: facts.images) {
      let share = experiments.upstream.count / facts.images
      let images = Set(silent.map { $0 / share })
      if silent.count == images.count * share {
        let list = images.sorted().map(String.init).joined(separator: ", ")
        return "nothing comes from the outputs of images \(list): the sum over images is missing"
      }
    }
    return "nothing comes from \(silent.count) of the \(experiments.upstream.count) outputs: their "
      + "contributions are skipped, or overwritten by others"
  }

  private func isNumeric(_ gradient: Tensor<Double>) -> Bool {
    judged.allSatisfy { check in
      check.position.map { abs(gradient[$0] - check.numeric) <= 1e-6 * scale } ?? true
    }
  }

  /// 0 where it shouldn't be, or the other way round.
  var zeros: String? {
    let missing = wrong.count { $0.analytic == 0 }
    let extra = wrong.count { abs($0.numeric) <= 1e-9 * scale }
    if missing == wrong.count { return "missing: 0 where the output does depend on the element" }
    if extra == wrong.count {
      return "too much: not 0 where the output doesn't depend on the element"
    }
    if missing + extra == wrong.count {
      return "0 where the output depends on the element, and not 0 where it doesn't: another mask "
        + "or other positions than those of the forward pass"
    }
    return nil
  }

  /// analytic = numeric + c wherever it is wrong.
  var constantOffset: String? {
    guard wrong.count >= 3, let first = wrong.first else { return nil }
    let offset = first.analytic - first.numeric
    let fits = wrong.allSatisfy { abs($0.analytic - $0.numeric - offset) <= 1e-6 * scale }
    return fits ? "off by the same amount, \(short(offset)), wherever it is wrong" : nil
  }

  /// The sums over the planes are right.
  var redistributed: String? {
    guard isComplete, shape.rank == 4, shape.spatialCount > 1 else { return nil }
    for plane in 0..<shape.count / shape.spatialCount {
      let part = judged[plane * shape.spatialCount..<(plane + 1) * shape.spatialCount]
      let difference = part.reduce(0) { $0 + $1.analytic - $1.numeric }
      if abs(difference) > 1e-6 * scale { return nil }
    }
    return "the sum over each channel is right, its distribution is wrong: given to the wrong "
      + "elements of the windows"
  }
}
