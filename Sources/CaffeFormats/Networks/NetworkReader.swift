import CaffeMessages
import Layers
import Networks
import Tensors

/// Makes a network of what a `.prototxt` says, layer by layer.
struct NetworkReader {
  let net: NetPrototxt
  let state: Caffe_NetState
  let recordExtents: NetPrototxt.RecordExtents?

  /// The shape of each blob written so far.
  private var shapes: [String: Shape] = [:]
  private var inputs: [CaffeInput] = []
  private var layers: [LayerDefinition] = []
  private var numbers: [Int] = []

  init(net: NetPrototxt, state: Caffe_NetState, recordExtents: NetPrototxt.RecordExtents?) {
    self.net = net
    self.state = state
    self.recordExtents = recordExtents
  }

  /// The network, its shapes checked.
  mutating func read(phase: Phase) throws -> CaffeNetwork {
    let indices = net.layers(in: state)
    var names: [String: Int] = [:]
    for (number, index) in indices.enumerated() {
      let layer = net.message.layer[index]
      do throws(LayerProblem) {
        if let earlier = names.updateValue(index, forKey: layer.name) {
          let line = net.position(ofLayer: earlier).map { " (line \($0.line))" } ?? ""
          throw LayerProblem("an earlier layer\(line) has the same name", field: "name")
        }
        try check(layer)
        if Caffe_LayerParameter.operationTypes.contains(layer.type) {
          try addOperation(layer, later: indices.dropFirst(number + 1))
          numbers.append(number)
          continue
        }
      } catch {
        throw net.error(error.problem, layer: index, field: error.field)
      }
      if Caffe_LayerParameter.inputTypes.contains(layer.type) {
        try addInputs(layer, number: number, index: index)
      } else if !Caffe_LayerParameter.idleTypes.contains(layer.type) {
        let unknown = layer.unknownType()
        throw net.error(unknown.problem, layer: index, field: unknown.field)
      }
    }
    return try finished(indices, phase)
  }

  /// What no layer of this project can do.
  private func check(_ layer: Caffe_LayerParameter) throws(LayerProblem) {
    guard layer.propagateDown.allSatisfy({ $0 }) else {
      throw LayerProblem("not propagating down is not possible here", field: "propagate_down")
    }
    guard layer.type == "SoftmaxWithLoss" || layer.lossWeight.allSatisfy({ $0 == 0 }),
      layer.lossWeight.dropFirst().allSatisfy({ $0 == 0 })
    else {
      throw LayerProblem(
        "only the first top of a SoftmaxWithLoss layer can have a loss weight here",
        field: "loss_weight")
    }
  }

  private mutating func addOperation(
    _ layer: Caffe_LayerParameter, later: ArraySlice<Int>
  ) throws(LayerProblem) {
    guard let bottom = layer.bottom.first else {
      throw LayerProblem("a \"bottom\" is missing: the blob to read")
    }
    for bottom in layer.bottom where shapes[bottom] == nil {
      throw unknownBlob(bottom, later: later)
    }
    guard let shape = shapes[bottom] else { throw unknownBlob(bottom, later: later) }
    let operation = try layer.operation(on: shape)
    let bottoms = operation.takesLabels ? 2 : 1
    guard layer.bottom.count == bottoms else {
      throw LayerProblem(
        "has \(layer.bottom.count) bottoms; a \(layer.type) layer reads \(bottoms)",
        field: "bottom")
    }
    // Caffe names the top of a loss or metric itself when the file doesn't.
    let tops = layer.top.isEmpty && operation.takesLabels ? [layer.name] : layer.top
    let mayShowProbabilities = layer.type == "SoftmaxWithLoss"
    guard tops.count == 1 || (tops.count == 2 && mayShowProbabilities) else {
      throw LayerProblem(
        "has \(tops.count) tops; a \(layer.type) layer writes "
          + (mayShowProbabilities ? "1, or 2 with the probabilities" : "1"),
        field: tops.isEmpty ? nil : "top")
    }
    do {
      shapes[tops[0]] = try write(tops[0], inPlaceOf: bottom) { () throws(LayerError) in
        try operation.specification.outputShape(for: shape)
      }
      if tops.count == 2 { shapes[tops[1]] = try write(tops[1]) { shape } }
    } catch let error as LayerError {
      throw LayerProblem("\(error.value) \(error.rule)", field: nil)
    } catch let error as LayerProblem {
      throw error
    } catch {
      throw LayerProblem("\(error)")
    }
    layers.append(
      LayerDefinition(
        name: layer.name, operation: operation, bottoms: layer.bottom, top: tops[0],
        probabilities: tops.dropFirst().first, parameters: try layer.parameterDefinitions()))
  }

  /// The shape of a blob that is about to be written, for the first time unless in place.
  private func write(
    _ top: String, inPlaceOf bottom: String? = nil, _ shape: () throws(LayerError) -> Shape
  ) throws -> Shape {
    guard top == bottom || shapes[top] == nil else {
      throw LayerProblem("blob \"\(top)\" is written by an earlier layer already", field: "top")
    }
    return try shape()
  }

  private func unknownBlob(_ name: String, later: ArraySlice<Int>) -> LayerProblem {
    if let writer = later.first(where: { net.message.layer[$0].top.contains(name) }) {
      let line = net.position(ofLayer: writer).map { " (line \($0.line))" } ?? ""
      return LayerProblem(
        "blob \"\(name)\" is written only later, by layer \"\(net.message.layer[writer].name)\""
          + "\(line): layers run in the order of the file, and there are no cycles",
        field: "bottom")
    }
    return LayerProblem(
      "no layer in this phase writes blob \"\(name)\""
        + suggestion(for: name, among: shapes.keys.sorted()), field: "bottom")
  }
}

// MARK: - Inputs

extension NetworkReader {
  private mutating func addInputs(
    _ layer: Caffe_LayerParameter, number: Int, index: Int
  ) throws {
    func fail(_ problem: String, field: String? = nil) -> CaffeFileError {
      net.error(problem, layer: index, field: field)
    }
    guard layer.bottom.isEmpty else {
      throw fail("a \(layer.type) layer reads no blob", field: "bottom")
    }
    guard !layer.top.isEmpty else { throw fail("a \"top\" is missing: the blob to write") }
    let contents: [(dimensions: [Int64], source: CaffeInput.Source)]
    do throws(LayerProblem) {
      switch layer.type {
      case "Input": contents = try layer.fedInputs()
      case "DummyData": contents = try layer.filledInputs()
      default:
        contents = []
      }
    } catch {
      throw fail(error.problem, field: error.field)
    }
    let all = layer.type == "Data" ? try databaseInputs(layer, index: index) : contents
    for (top, content) in zip(layer.top, all) {
      guard shapes[top] == nil else {
        throw fail("blob \"\(top)\" is written by an earlier layer already", field: "top")
      }
      do {
        let shape = try Shape(checking: content.dimensions.map { Int(clamping: $0) })
        shapes[top] = shape
        inputs.append(
          CaffeInput(name: top, shape: shape, source: content.source, layer: number))
      } catch {
        throw fail("top \"\(top)\" is impossible: \(error)", field: "shape")
      }
    }
  }

  private func databaseInputs(
    _ layer: Caffe_LayerParameter, index: Int
  ) throws -> [(dimensions: [Int64], source: CaffeInput.Source)] {
    let (data, transform) = (layer.dataParam, layer.transformParam)
    guard layer.top.count <= 2 else {
      throw net.error("a Data layer writes 1 blob, or 2 with labels", layer: index, field: "top")
    }
    guard data.batchSize > 0 else {
      throw net.error("\"batch_size\" must be at least 1", layer: index, field: "batch_size")
    }
    let crop = Int64(transform.cropSize)
    var extents: [Int64]
    if let recordExtents {
      extents = try recordExtents(data).map { Int64($0) }
      if crop > 0, extents.count == 3 { extents = [extents[0], crop, crop] }
    } else {
      guard crop > 0 else {
        throw net.error(
          "the size of its images is known only from the database: give a \"crop_size\"",
          layer: index, field: "transform_param")
      }
      extents = [3, crop, crop]
    }
    let batch = Int64(data.batchSize)
    let source = CaffeInput.Source.database(data, transform)
    return [([batch] + extents, source), ([batch], source)]
  }

  private func finished(_ indices: [Int], _ phase: Phase) throws -> CaffeNetwork {
    let compared = Set(layers.filter(\.operation.takesLabels).map { $0.bottoms[1] })
    let read = Set(layers.map { $0.bottoms[0] })
    let images = inputs.first { !compared.contains($0.name) || read.contains($0.name) }
    guard let images, images.shape.rank > 0 else {
      let what = state.phase == .train ? "training" : "testing"
      throw CaffeFileError(
        file: net.file,
        problem: "the network has no input for images when \(what): it needs a layer of type "
          + "Input, Data or DummyData")
    }
    let labels = inputs.first { compared.contains($0.name) && !read.contains($0.name) }

    var definition = NetworkDefinition(
      name: net.message.name, imageShape: Array(images.shape.dimensions.dropFirst()),
      layers: layers)
    definition.data = images.name
    // Where nothing compares with labels, a name that no blob has.
    definition.label = labels?.name ?? shapes.keys.reduce("label") { $0 == $1 ? $0 + "_" : $0 }
    definition.otherInputs = inputs.filter { $0.name != images.name && $0.name != labels?.name }
      .map { InputDefinition(name: $0.name, dimensions: $0.shape.dimensions) }
    // What is left to be checked needs the whole network.
    do {
      _ = try definition.summary(batch: images.shape.images)
    } catch {
      throw CaffeFileError(file: net.file, problem: "\(error)")
    }
    var message = net.message
    message.layer = indices.map { net.message.layer[$0] }
    return CaffeNetwork(
      definition: definition, batch: images.shape.images, phase: phase, inputs: inputs,
      message: message, numbers: numbers)
  }
}

extension Caffe_LayerParameter {
  /// One shape for all tops, or one for each.
  fileprivate func fedInputs() throws(LayerProblem)
    -> [(dimensions: [Int64], source: CaffeInput.Source)]
  {
    let shapes = inputParam.shape
    guard shapes.count == 1 || shapes.count == top.count else {
      throw LayerProblem(
        "has \(shapes.count) shapes for \(top.count) tops; one shape serves all, or each has its own",
        field: "input_param")
    }
    return top.indices.map { (shapes[shapes.count == 1 ? 0 : $0].dim, .caller) }
  }

  /// One shape and filler for all tops, or one for each (Caffe's `dummy_data_layer.cpp`).
  fileprivate func filledInputs() throws(LayerProblem)
    -> [(dimensions: [Int64], source: CaffeInput.Source)]
  {
    let legacy = dummyDataParam.num.indices.map { index -> [Int64] in
      [dummyDataParam.num, dummyDataParam.channels, dummyDataParam.height, dummyDataParam.width]
        .map { $0.indices.contains(index) ? Int64($0[index]) : Int64($0.first ?? 0) }
    }
    let shapes = dummyDataParam.shape.isEmpty ? legacy : dummyDataParam.shape.map(\.dim)
    guard shapes.count == 1 || shapes.count == top.count else {
      throw LayerProblem(
        "has \(shapes.count) shapes for \(top.count) tops; one shape serves all, or each has its own",
        field: "dummy_data_param")
    }
    let fillers = dummyDataParam.dataFiller
    guard fillers.count <= 1 || fillers.count == top.count else {
      throw LayerProblem(
        "has \(fillers.count) fillers for \(top.count) tops; one serves all, or each has its own",
        field: "data_filler")
    }
    var contents: [(dimensions: [Int64], source: CaffeInput.Source)] = []
    for index in top.indices {
      let filler =
        fillers.isEmpty
        ? .constant(0)
        : try fillers[
          fillers.count == 1 ? 0 : index
        ].filler("data_filler")
      contents.append((shapes[shapes.count == 1 ? 0 : index], .filler(filler)))
    }
    return contents
  }
}
