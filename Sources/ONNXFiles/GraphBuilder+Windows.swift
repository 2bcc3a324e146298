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

  private func axis(_ axis: Int, of input: Shape) -> WindowAxis {
    WindowAxis(
      size: input[axis + 2], kernel: kernel[axis], stride: stride[axis], dilation: dilation[axis],
      before: before[axis], after: after[axis])
  }

  /// How many there are, rounded down.
  func counts(of input: Shape) -> [Int] { [0, 1].map { axis($0, of: input).count(false) } }

  /// How many rows or columns are missing for a single one.
  func missing(in input: Shape) -> [Int] {
    [0, 1].map { axis($0, of: input).span - axis($0, of: input).padded }
  }

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
    let windows = try windows(node, kernel: kernel, input.shape)
    var specification = ConvolutionSpecification(
      outputChannels: weights.shape[0], kernel: windows.extent(kernel),
      stride: windows.extent(windows.stride), pad: windows.extent(windows.before),
      dilation: windows.extent(windows.dilation), group: group, hasBias: parameters.count == 2)
    // Padding after is zeros that a window takes or not: what matters is their number.
    let counts = (try? specification.outputShape(for: input.shape))?.dimensions[2...]
    if windows.before != windows.after, counts != windows.counts(of: input.shape)[...] {
      let border = BorderSpecification(
        before: windows.extent(windows.before), after: windows.extent(windows.after))
      specification.pad = 0
      let padded = try addPart(node, border, of: input)
      return try add(node, specification, of: padded, parameters: parameters)
    }
    try add(node, specification, of: input, parameters: parameters)
  }

  mutating func addPooling(_ node: ONNXNode) throws(TensorFileError) {
    try node.expectInputs(1...1)
    let input = try image(node)
    let method: PoolingSpecification.Method =
      node.message.opType.hasSuffix("MaxPool") ? .maximum : .average
    if node.message.opType.hasPrefix("Global") {
      try node.expectAttributes([:])
      return try add(node, PoolingSpecification(global: method), of: input)
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
    let windows = try windows(node, kernel: kernel, input.shape)
    let general = WindowPoolingSpecification(
      method: method, kernel: windows.extent(kernel), stride: windows.extent(windows.stride),
      dilation: windows.extent(windows.dilation), before: windows.extent(windows.before),
      after: windows.extent(windows.after),
      roundsUp: try node.integer("ceil_mode", default: 0) != 0,
      countsPadding: try node.integer("count_include_pad", default: 0) != 0)
    let plain: PoolingSpecification?
    do {
      plain = try general.plain(for: input.shape)
    } catch {
      throw node.error("\(error.value) \(error.rule)")
    }
    try add(node, plain ?? general, of: input)
  }

  private func image(_ node: ONNXNode) throws(TensorFileError) -> Value {
    let input = try value(0, of: node)
    guard input.shape.rank == 4, input.shape.count > 0 else {
      throw node.error(
        "works on \(input.shape)", remedy: "only images are run: images×channels×rows×columns")
    }
    return input
  }

  /// Zeros around images.
  mutating func addBorder(_ node: ONNXNode) throws(TensorFileError) {
    try node.expectInputs(1...(node.opset < 11 ? 1 : 3))
    try node.expectAttributes(
      node.opset < 11 ? ["mode": 1, "pads": 2, "paddings": 1, "value": 1] : ["mode": 11])
    let input = try image(node)
    let pads =
      node.opset < 11
      ? try node.sizes("pads", count: 8, atLeast: 0) ?? [] : try integers(1, of: node)
    let value =
      node.opset < 11 || node.input(2) == nil
      ? try node.float("value", default: 0)
      : try parameter(2, of: node).tensor(as: Double.self).elements.first ?? 0
    guard try node.text("mode", default: "constant") == "constant", value == 0, pads.count == 8,
      pads[0] == 0, pads[1] == 0, pads[4] == 0, pads[5] == 0
    else {
      throw node.error(
        "pads by \(pads) with \(value) or with values of the input",
        remedy: "zeros around rows and columns of images are run")
    }
    let border = BorderSpecification(
      before: Extent(height: pads[2], width: pads[3]),
      after: Extent(height: pads[6], width: pads[7]))
    try add(node, border, of: input)
  }

  /// The windows by ONNX's rules, from the input's size and not from what the file says of the output.
  private func windows(
    _ node: ONNXNode, kernel: [Int], _ input: Shape
  ) throws(TensorFileError) -> Windows {
    var windows = Windows(
      kernel: kernel, stride: try node.sizes("strides", count: 2, atLeast: 1) ?? [1, 1],
      dilation: try node.sizes("dilations", count: 2, atLeast: 1) ?? [1, 1], before: [0, 0],
      after: [0, 0])
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
    }
    for (name, missing) in zip(["rows", "columns"], windows.missing(in: input)) where missing > 0 {
      throw node.error("its kernel spans \(missing) \(name) more than its padded input has")
    }
    return windows
  }
}
