import CaffeMessages
import Layers
import Networks
import Tensors

extension NetworkReader {
  mutating func addInputs(
    _ layer: Caffe_LayerParameter, number: Int, index: Int
  ) throws(CaffeFileError) {
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
        try layer.requireRecords(isRead: recordExtents != nil)
        contents = []
      }
    } catch {
      throw fail(error.problem, field: error.field)
    }
    let all = contents.isEmpty ? try recordInputs(layer, index: index) : contents
    for (top, content) in zip(layer.top, all) {
      guard !inputs.contains(where: { $0.name == top }) else {
        throw fail("blob \"\(top)\" is written by an earlier layer already", field: "top")
      }
      do {
        let shape = try Shape(checking: content.dimensions.map { Int(clamping: $0) })
        inputs.append(
          CaffeInput(
            name: top, shape: shape, source: content.source, layer: number,
            phase: layer.hasPhase ? Phase(layer.phase) : phase))
      } catch {
        throw fail("top \"\(top)\" is impossible: \(error)", field: "shape")
      }
    }
  }

  /// What a Data or ImageData layer writes.
  private func recordInputs(
    _ layer: Caffe_LayerParameter, index: Int
  ) throws(CaffeFileError) -> [(dimensions: [Int64], source: CaffeInput.Source)] {
    let transform = layer.transformParam
    let isDatabase = layer.type == "Data"
    let source: CaffeInput.Source =
      isDatabase
      ? .database(layer.dataParam, transform) : .pictures(layer.imageDataParam, transform)
    let crop = Int64(transform.cropSize)
    var extents: [Int64]
    if let recordExtents {
      do {
        extents = try recordExtents(source).map { Int64($0) }
      } catch {
        throw net.error("\(error)", layer: index, field: "source")
      }
    } else if let fed = fedExtents[layer.top[0]] ?? (inputs.isEmpty ? fedExtents[""] : nil) {
      extents = fed.map { Int64($0) }
    } else {
      let isGray = isDatabase ? transform.forceGray : !layer.imageDataParam.isColor
      let (height, width) = (layer.imageDataParam.newHeight, layer.imageDataParam.newWidth)
      guard crop > 0 || height > 0 else {
        throw net.error(
          "the size of its images is known only from the \(isDatabase ? "database" : "pictures"): give "
            + "a \"crop_size\"\(isDatabase ? "" : ", or new_height and new_width")",
          layer: index, field: "transform_param")
      }
      extents = [isGray ? 1 : 3, Int64(height), Int64(width)]
    }
    if crop > 0, extents.count == 3 { extents = [extents[0], crop, crop] }
    let batch = Int64(isDatabase ? layer.dataParam.batchSize : layer.imageDataParam.batchSize)
    return [([batch] + extents, source), ([batch], source)]
  }
}

extension Caffe_LayerParameter {
  /// What a Data or ImageData layer can't do here, or what Caffe itself refuses. `rand_skip` of a Data
  /// layer is no longer read by Caffe either.
  ///
  /// - Parameter isRead: whether the records will be read, and not just their blobs be filled by somebody.
  fileprivate func requireRecords(isRead: Bool) throws(LayerProblem) {
    let isDatabase = type == "Data"
    guard top.count == 2 || isDatabase && top.count == 1 else {
      throw LayerProblem(
        "\(isDatabase ? "a Data layer writes 1 blob, or 2 with labels" : "an ImageData layer writes 2 blobs, pictures and labels")",
        field: "top")
    }
    guard (isDatabase ? dataParam.batchSize : imageDataParam.batchSize) > 0 else {
      throw LayerProblem("\"batch_size\" must be at least 1", field: "batch_size")
    }
    guard (imageDataParam.newHeight > 0) == (imageDataParam.newWidth > 0) else {
      throw LayerProblem(
        "new_height and new_width go together: give both, or none", field: "image_data_param")
    }
    guard isRead else { return }
    guard !isDatabase || dataParam.backend == .lmdb else {
      throw LayerProblem(
        "LevelDB, Caffe's default, is not read here: a Data layer needs \"backend: LMDB\"",
        field: dataParam.hasBackend ? "backend" : "data_param")
    }
    guard !(transformParam.forceColor && transformParam.forceGray) else {
      throw LayerProblem("force_color and force_gray exclude each other", field: "force_gray")
    }
    guard !transformParam.hasMeanFile || transformParam.meanValue.isEmpty else {
      throw LayerProblem("mean_file and mean_value exclude each other", field: "mean_value")
    }
  }

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
