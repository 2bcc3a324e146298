import ONNXMessages
import TensorFiles

/// A node, its attributes looked up by name and type.
struct ONNXNode {
  let message: Onnx_NodeProto
  /// Its place in the file.
  let index: Int
  let opset: Int
  let place: FilePlace

  init(_ message: Onnx_NodeProto, index: Int, opset: Int, file: String) {
    self.message = message
    self.index = index
    self.opset = opset
    // A node need not have a name; what it makes has one.
    let name = message.name.isEmpty ? message.output.first ?? "" : message.name
    place = FilePlace(
      file: file,
      part: message.name.isEmpty
        ? "node \(index) (\(message.opType), which makes \"\(name)\")"
        : "node \(index) \"\(name)\" (\(message.opType))")
  }

  /// Its own name, or the operator's where it has none.
  var name: String { message.name.isEmpty ? message.opType : message.name }

  func error(_ problem: String, remedy: String? = nil) -> TensorFileError {
    place.error(problem, remedy: remedy)
  }

  /// The name of an input; nil where it is left out.
  func input(_ position: Int) -> String? {
    guard message.input.indices.contains(position) else { return nil }
    let name = message.input[position]
    return name.isEmpty ? nil : name
  }

  /// Refuses attributes that aren't known, as what they mean would be passed over.
  ///
  /// - Parameter since: the known ones, with the opset from which on they exist.
  func expectAttributes(_ since: [String: Int]) throws(TensorFileError) {
    var names: Set<String> = []
    for attribute in message.attribute {
      guard names.insert(attribute.name).inserted else {
        throw error("has the attribute \(attribute.name) twice")
      }
      guard let opset = since[attribute.name], opset <= self.opset else {
        throw error("the attribute \(attribute.name) is not known in opset \(self.opset)")
      }
      guard !attribute.hasRefAttrName else {
        throw error("the attribute \(attribute.name) refers to that of a function")
      }
    }
  }

  /// Refuses too few inputs and too many.
  func expectInputs(_ count: ClosedRange<Int>) throws(TensorFileError) {
    guard message.input.count <= count.upperBound,
      (0..<count.lowerBound).allSatisfy({ input($0) != nil })
    else {
      let range = count.lowerBound == count.upperBound ? "" : " to \(count.upperBound)"
      throw error(
        "has \(message.input.count) inputs",
        remedy: "\(message.opType) takes \(count.lowerBound)\(range)")
    }
  }

  /// An attribute, whose type has to be the one given.
  func attribute(
    _ name: String, _ type: Onnx_AttributeProto.AttributeType
  ) throws(TensorFileError) -> Onnx_AttributeProto? {
    guard let found = message.attribute.first(where: { $0.name == name }) else { return nil }
    // Files of the first versions don't say the type.
    guard found.type == type || found.type == .undefined else {
      throw error("\(name) is of type \(found.type)", remedy: "it must be of type \(type)")
    }
    return found
  }

  func integer(_ name: String, default value: Int) throws(TensorFileError) -> Int {
    try attribute(name, .int).map { Int($0.i) } ?? value
  }

  func float(_ name: String, default value: Float) throws(TensorFileError) -> Double {
    // As the shortest decimal says it: 0.0001 and not the float nearest to it.
    let float = try attribute(name, .float)?.f ?? value
    return Double("\(float)") ?? Double(float)
  }

  func text(_ name: String, default value: String) throws(TensorFileError) -> String {
    try attribute(name, .string).map { String(decoding: $0.s, as: UTF8.self) } ?? value
  }

  /// A list of sizes; nil where it is left out.
  ///
  /// - Parameters:
  ///   - name: that of the attribute.
  ///   - count: how many there have to be.
  ///   - minimum: the least that each may be.
  func sizes(
    _ name: String, count: Int, atLeast minimum: Int
  ) throws(TensorFileError) -> [Int]? {
    guard let sizes = try attribute(name, .ints)?.ints.map(Int.init) else { return nil }
    guard sizes.count == count, sizes.allSatisfy({ (minimum...Int(Int32.max)).contains($0) })
    else {
      throw error(
        "\(name) is \(sizes)", remedy: "it must be \(count) numbers from \(minimum) to 2^31 - 1")
    }
    return sizes
  }
}
