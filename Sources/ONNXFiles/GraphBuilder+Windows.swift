import Layers
import NumPyFiles
import TensorFiles
import Tensors

/// Where the windows of a convolution or pooling lie, by rows and columns.
private struct Windows {
  var kernel: [Int]
  var stride: [Int]
  var dilation: [Int]
  /// Padding before and after.
  var before: [Int]
  var after: [Int]
  /// How many there are.
  var counts: [Int]

  func extent(_ sizes: [Int]) -> Extent { Extent(height: sizes[0], width: sizes[1]) }
}

extension GraphBuilder {
  mutating func addConvolution(_ node: ONNXNode) throws(TensorFileError) {
    try node.expectInputs(2...3)
    try node.expectAttributes([
      "kernel_shape": 1, "strides": 1, "pads": 1, "dilations": 1, "group": 1, "auto_pad": 1,
    ])
    let input = try image(node)
    let weights = try parameter(1, of: node)  // M × C/group × kernel
    var parameters = [weights]
    guard weights.shape.rank == 4 else {
      throw node.error("its weights have the shape \(weights.shape)", remedy: "they need 4 axes")
    }
    let kernel = Array(weights.shape.dimensions[2...])
    if let given = try node.sizes("kernel_shape", count: 2, atLeast: 1), given != kernel {
      throw node.error("kernel_shape \(given) is not that of its weights, \(weights.shape)")
    }
    let group = try node.integer("group", default: 1)
    let (channels, overflow) = weights.shape[1].multipliedReportingOverflow(by: group)
    guard group >= 1, !overflow, channels == input.shape.channels else {
      throw node.error(
        "its weights \(weights.shape) in \(group) group\(group == 1 ? "" : "s") don't fit the "
          + "\(input.shape.channels) channels of its input",
        remedy: "the second extent is the number of channels of a group")
    }
    if node.input(2) != nil {
      let bias = try parameter(2, of: node)
      guard bias.shape.dimensions == [weights.shape[0]] else {
        throw node.error(
          "its biases have the shape \(bias.shape)", remedy: "there are \(weights.shape[0]) kernels"
        )
      }
      parameters.append(bias)
    }
    let windows = try windows(node, kernel: kernel, input.shape, roundsUp: false)
    let specification = ConvolutionSpecification(
      outputChannels: weights.shape[0], kernel: windows.extent(kernel),
      stride: windows.extent(windows.stride), pad: windows.extent(windows.before),
      dilation: windows.extent(windows.dilation), group: group, hasBias: parameters.count == 2)
    let shape = try output(of: specification, input, node)
    // Padding after is zeros that a window takes or not: it matters only for their number.
    guard Array(shape.dimensions[2...]) == windows.counts else { throw unevenPads(windows, node) }
    try add(node, .convolution(specification), of: input, makes: shape, parameters)
  }

  mutating func addPooling(_ node: ONNXNode) throws(TensorFileError) {
    try node.expectInputs(1...1)
    let input = try image(node)
    let method: PoolingSpecification.Method =
      node.message.opType.hasSuffix("MaxPool") ? .maximum : .average
    if node.message.opType.hasPrefix("Global") {
      try node.expectAttributes([:])
      let specification = PoolingSpecification(global: method)
      return try add(
        node, .pooling(specification), of: input,
        makes: try output(of: specification, input, node))
    }
    try node.expectAttributes([
      "kernel_shape": 1, "strides": 1, "pads": 1, "auto_pad": 1, "ceil_mode": 10,
      "dilations": method == .maximum ? 10 : 19,
      "storage_order": method == .maximum ? 8 : .max,
      "count_include_pad": method == .average ? 7 : .max,
    ])
    guard let kernel = try node.sizes("kernel_shape", count: 2, atLeast: 1) else {
      throw node.error("has no kernel_shape")
    }
    let roundsUp = try node.integer("ceil_mode", default: 0) != 0
    let windows = try windows(node, kernel: kernel, input.shape, roundsUp: roundsUp)
    guard windows.dilation == [1, 1] else {
      throw node.error("dilations \(windows.dilation) are not run", remedy: "[1, 1] are")
    }
    if method == .average, windows.before != [0, 0] || windows.after != [0, 0] {
      guard try node.integer("count_include_pad", default: 0) != 0 else {
        throw node.error(
          "count_include_pad is 0, so that padding doesn't count in averages",
          remedy: "with pads only 1, Caffe's rule, is run")
      }
      guard windows.before == windows.after else { throw unevenPads(windows, node) }
    }
    var specification = PoolingSpecification(
      method, kernel: windows.extent(kernel), stride: windows.extent(windows.stride),
      pad: windows.extent(windows.before), rounding: roundsUp ? .ceiling : .floor)
    var shape = try output(of: specification, input, node)
    if shape.dimensions[2...] != windows.counts[...] {
      // Padding after never wins: for a maximum it only makes more windows, as rounding up does.
      specification.rounding = .ceiling
      shape = try output(of: specification, input, node)
    }
    guard shape.dimensions[2...] == windows.counts[...] else { throw unevenPads(windows, node) }
    try add(node, .pooling(specification), of: input, makes: shape)
  }

  private func image(_ node: ONNXNode) throws(TensorFileError) -> Value {
    let input = try value(0, of: node)
    guard input.shape.rank == 4, input.shape.count > 0 else {
      throw node.error(
        "works on \(input.shape)", remedy: "only images are run: images×channels×rows×columns")
    }
    return input
  }

  private func unevenPads(_ windows: Windows, _ node: ONNXNode) -> TensorFileError {
    node.error(
      "pads before \(windows.before) and after \(windows.after) differ",
      remedy: "only pads that are the same on both sides are run, or that make no difference")
  }

  /// The windows by ONNX's rules, from the input's size and not from what the file says of the output.
  private func windows(
    _ node: ONNXNode, kernel: [Int], _ input: Shape, roundsUp: Bool
  ) throws(TensorFileError) -> Windows {
    var windows = Windows(
      kernel: kernel, stride: try node.sizes("strides", count: 2, atLeast: 1) ?? [1, 1],
      dilation: try node.sizes("dilations", count: 2, atLeast: 1) ?? [1, 1], before: [0, 0],
      after: [0, 0], counts: [])
    let pads = try node.sizes("pads", count: 4, atLeast: 0)
    let automatic = try node.text("auto_pad", default: "NOTSET")
    guard ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].contains(automatic) else {
      throw node.error("auto_pad is \"\(automatic)\", which is not known")
    }
    if let pads {
      guard automatic == "NOTSET" || pads == [0, 0, 0, 0] else {
        throw node.error("has both pads and auto_pad")
      }
      (windows.before, windows.after) = (Array(pads[..<2]), Array(pads[2...]))
    }
    for axis in 0..<2 {
      // All of these are below 2³¹, and their products below 2⁶².
      let (size, stride) = (input[axis + 2], windows.stride[axis])
      let span = windows.dilation[axis] * (kernel[axis] - 1) + 1
      if automatic.hasPrefix("SAME") {
        let total = max(((size + stride - 1) / stride - 1) * stride + span - size, 0)
        windows.before[axis] = automatic == "SAME_UPPER" ? total / 2 : total - total / 2
        windows.after[axis] = total - windows.before[axis]
      }
      let (before, after) = (windows.before[axis], windows.after[axis])
      let way = size + before + after - span
      guard way >= 0 else {
        throw node.error(
          "its kernel spans \(span) \(axis == 0 ? "rows" : "columns"), more than the "
            + "\(size + before + after) of its padded input")
      }
      var count = (roundsUp ? way + stride - 1 : way) / stride + 1
      // A last window that would begin in the padding after is dropped.
      if roundsUp, (count - 1) * stride >= size + before { count -= 1 }
      windows.counts.append(count)
    }
    return windows
  }
}
