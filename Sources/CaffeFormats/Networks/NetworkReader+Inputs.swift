import CaffeMessages
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
        if recordExtents != nil { try layer.requireReadableDatabase() }
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
  ) throws(CaffeFileError) -> [(dimensions: [Int64], source: CaffeInput.Source)] {
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
      do {
        extents = try recordExtents(data, transform).map { Int64($0) }
      } catch {
        throw net.error("\(error)", layer: index, field: "source")
      }
      if crop > 0, extents.count == 3 { extents = [extents[0], crop, crop] }
    } else {
      guard crop > 0 else {
        throw net.error(
          "the size of its images is known only from the database: give a \"crop_size\"",
          layer: index, field: "transform_param")
      }
      extents = [transform.forceGray ? 1 : 3, crop, crop]
    }
    let batch = Int64(data.batchSize)
    let source = CaffeInput.Source.database(data, transform)
    return [([batch] + extents, source), ([batch], source)]
  }
}

extension Caffe_LayerParameter {
  /// What a Data layer can't do here, or what Caffe itself refuses.
  fileprivate func requireReadableDatabase() throws(LayerProblem) {
    guard dataParam.backend == .lmdb else {
      throw LayerProblem(
        "LevelDB, Caffe's default, is not read here: a Data layer needs \"backend: LMDB\"",
        field: dataParam.hasBackend ? "backend" : "data_param")
    }
    guard dataParam.randSkip == 0 else {
      throw LayerProblem("skipping records at random is not possible here", field: "rand_skip")
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
