import Tensors
import WholeFiles

/// What happens to a record on its way into the network: crop, mirror, subtract a mean, scale.
///
/// Each number becomes (value − mean)·scale, computed in `Float` as Caffe does, so that the results
/// agree with Caffe's bit for bit. Source: Caffe's `data_transformer.cpp`. With a `normalisation` it becomes
/// what torchvision's `ToTensor` and `Normalize` make of it, likewise.
public struct DataTransformer: Sendable, Equatable {
  /// What is subtracted.
  public enum Mean: Sendable, Equatable {
    /// Nothing.
    case none
    /// A number for each channel (blue, green, red), or one for all of them.
    case perChannel([Float])
    /// An image of the uncropped size, 1×C×H×W or C×H×W; a number is taken where the pixel was
    /// before it was cropped.
    case image(Tensor<Float>)
  }

  /// The side of the square that is cut out; nil keeps the whole record.
  public var cropSize: Int?
  /// What is subtracted from each number.
  public var mean: Mean
  /// What the difference is multiplied by.
  public var scale: Float
  /// Whether records are mirrored at random, in testing too: so Caffe does.
  public var mirror: Bool
  /// What is done instead of subtracting a mean and scaling; nil for Caffe's way.
  public var normalisation: Normalisation?

  /// PyTorch's way: red before green before blue, (value/255 − mean)/deviation, rounded to `Float` after
  /// each step.
  public struct Normalisation: Sendable, Equatable {
    /// What is subtracted from red, green and blue.
    public var mean: [Float]
    /// What the difference is divided by.
    public var deviation: [Float]

    /// A normalisation by numbers for red, green and blue.
    ///
    /// - Precondition: there are three of each.
    public init(mean: [Float], deviation: [Float]) {
      precondition(mean.count == 3 && deviation.count == 3, "red, green and blue")
      self.mean = mean
      self.deviation = deviation
    }
  }

  /// A transformer; without arguments it changes nothing.
  public init(
    cropSize: Int? = nil, mean: Mean = .none, scale: Float = 1, mirror: Bool = false
  ) {
    self.cropSize = cropSize
    self.mean = mean
    self.scale = scale
    self.mirror = mirror
  }

  /// CaffeNet's: 227×227, minus 104, 117 and 123 in blue, green and red.
  public static let caffenet = DataTransformer(cropSize: 227, mean: .perChannel([104, 117, 123]))

  /// torchvision's for AlexNet: 224×224, by the mean and deviation of ImageNet's pictures.
  ///
  /// - Complexity: O(1).
  public static let torchvision: DataTransformer = {
    var transformer = DataTransformer(cropSize: 224)
    transformer.normalisation = Normalisation(
      mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
    return transformer
  }()

  /// Where a record is cut, and whether it is turned over.
  public struct Placement: Sendable, Equatable {
    /// The first row that is kept.
    public var top: Int
    /// The first column that is kept.
    public var left: Int
    /// Whether left and right are exchanged after cutting.
    public var isMirrored: Bool

    /// A placement.
    public init(top: Int, left: Int, isMirrored: Bool = false) {
      self.top = top
      self.left = left
      self.isMirrored = isMirrored
    }
  }

  /// The shape in which N records of a size leave, N×C×H×W.
  ///
  /// - Throws: `DatasetError` when the crop exceeds the record, or the mean does not fit it.
  /// - Complexity: O(1).
  public func outputShape(for datum: Datum, images: Int = 1) throws(DatasetError) -> Shape {
    if let cropSize {
      guard (1...min(datum.height, datum.width)).contains(cropSize) else {
        throw DatasetError(
          "a crop of \(cropSize) cannot be cut out of \(datum.height)×\(datum.width)")
      }
    }
    guard normalisation == nil || datum.channels == 3 else {
      throw DatasetError(
        "normalising by red, green and blue does not fit \(datum.channels) channels")
    }
    switch mean {
    case .none: break
    case .perChannel(let means):
      guard means.count == 1 || means.count == datum.channels else {
        throw DatasetError(
          "\(means.count) mean values do not fit \(datum.channels) channels: one, or one for each")
      }
    case .image(let image):
      let extents = [datum.channels, datum.height, datum.width]
      guard image.shape.dimensions == extents || image.shape.dimensions == [1] + extents else {
        throw DatasetError(
          "a mean image of \(image.shape) does not fit a record of "
            + "\(datum.channels)×\(datum.height)×\(datum.width)")
      }
    }
    do {
      return try Shape(checking: [
        images, datum.channels, cropSize ?? datum.height, cropSize ?? datum.width,
      ])
    } catch {
      throw DatasetError(error.description)
    }
  }

  /// The middle of a record, not mirrored: ⌊(size − crop)/2⌋ from its border. torchvision, and so a
  /// `normalisation`, rounds halves to the even number.
  ///
  /// - Complexity: O(1).
  public func centre(of datum: Datum) -> Placement {
    guard let cropSize else { return Placement(top: 0, left: 0) }
    if normalisation != nil {
      func half(_ size: Int) -> Int {
        Int((Double(size - cropSize) / 2).rounded(.toNearestOrEven))
      }
      return Placement(top: half(datum.height), left: half(datum.width))
    }
    return Placement(top: (datum.height - cropSize) / 2, left: (datum.width - cropSize) / 2)
  }

  /// A record's placement, drawn as Caffe draws it.
  ///
  /// First, if `mirror` is set, `output % 2`; then, in training and with a crop, the row and the
  /// column, `output % (size − crop + 1)`. In testing the crop is the middle.
  ///
  /// - Throws: `DatasetError` when the record does not fit; nothing is drawn then.
  /// - Complexity: O(1).
  public func placement(
    of datum: Datum, isTraining: Bool, using random: inout MersenneTwister
  ) throws(DatasetError) -> Placement {
    _ = try outputShape(for: datum)
    var placement = centre(of: datum)
    if mirror { placement.isMirrored = (random.next() as UInt32) % 2 == 1 }
    if isTraining, let cropSize {
      placement.top = Int(random.next() as UInt32) % (datum.height - cropSize + 1)
      placement.left = Int(random.next() as UInt32) % (datum.width - cropSize + 1)
    }
    return placement
  }

  /// How many random numbers `placement` draws for a record, whatever its size.
  func drawsPerRecord(isTraining: Bool) -> Int {
    (mirror ? 1 : 0) + (isTraining && cropSize != nil ? 2 : 0)
  }
}

extension DataTransformer {
  /// One record as a tensor 1×C×H×W: its middle, not mirrored, or where `placement` says.
  ///
  /// - Throws: `DatasetError` when the record does not fit.
  /// - Complexity: O(C·H·W) of the crop, allocating the tensor.
  public func tensor(_ datum: Datum, placement: Placement? = nil) throws(DatasetError)
    -> Tensor<Float>
  {
    var tensor = Tensor<Float>(try outputShape(for: datum))
    try write(datum, placement: placement ?? centre(of: datum), into: &tensor, image: 0)
    return tensor
  }

  /// Writes one record into a batch N×C×H×W that is already there.
  ///
  /// - Throws: `DatasetError` when the record does not fit this transformer or the batch, or the
  ///   placement reaches beyond the record.
  /// - Complexity: O(C·H·W) of the crop; allocates nothing.
  public func write(
    _ datum: Datum, placement: Placement, into batch: inout Tensor<Float>, image: Int
  ) throws(DatasetError) {
    let shape = try outputShape(for: datum, images: batch.shape.images)
    guard batch.shape == shape, (0..<shape.images).contains(image) else {
      throw DatasetError("a record of \(shape) cannot be image \(image) of \(batch.shape)")
    }
    guard (0...datum.height - shape.height).contains(placement.top),
      (0...datum.width - shape.width).contains(placement.left)
    else {
      throw DatasetError(
        "a crop at row \(placement.top), column \(placement.left) reaches beyond the record")
    }
    switch datum.values {
    case .bytes(let bytes):
      write(bytes, { Float($0) }, datum: datum, placement, into: &batch, image: image)
    case .floats(let floats):
      write(floats, { $0 }, datum: datum, placement, into: &batch, image: image)
    }
  }

  @inline(__always)
  private func write<Value>(
    _ values: [Value], _ number: (Value) -> Float, datum: Datum, _ placement: Placement,
    into batch: inout Tensor<Float>, image: Int
  ) {
    let (height, width) = (batch.shape.height, batch.shape.width)
    for channel in 0..<datum.channels {
      for y in 0..<height {
        // The first number of this row: in the record (and the mean image), and in the batch.
        let source = (channel * datum.height + placement.top + y) * datum.width + placement.left
        var target = ((image * datum.channels + channel) * height + y) * width
        if let normalisation {
          // Records hold blue first.
          let colour = 2 - channel
          target = ((image * 3 + colour) * height + y) * width
          let (mean, deviation) = (normalisation.mean[colour], normalisation.deviation[colour])
          for x in 0..<width {
            let place = placement.isMirrored ? target + width - 1 - x : target + x
            batch.elements[place] = (number(values[source + x]) / 255 - mean) / deviation
          }
          continue
        }
        let last = target + width - 1
        switch mean {
        case .none:
          for x in 0..<width {
            let place = placement.isMirrored ? last - x : target + x
            batch.elements[place] = number(values[source + x]) * scale
          }
        case .perChannel(let means):
          let mean = means.count == 1 ? means[0] : means[channel]
          for x in 0..<width {
            let place = placement.isMirrored ? last - x : target + x
            batch.elements[place] = (number(values[source + x]) - mean) * scale
          }
        case .image(let image):
          for x in 0..<width {
            let place = placement.isMirrored ? last - x : target + x
            batch.elements[place] =
              (number(values[source + x]) - image.elements[source + x]) * scale
          }
        }
      }
    }
  }
}

extension DataTransformer {
  /// The pixels, 0 to 255 and blue before green before red, that a batch was made of: what subtracting,
  /// scaling and normalising did is undone, but for rounding. A mean image is not added again.
  ///
  /// - Complexity: O(count), allocating the tensor.
  public func pixels(of batch: Tensor<Float>) -> Tensor<Float> {
    var pixels = batch
    let (channels, area) = (batch.shape.channels, batch.shape.spatialCount)
    for plane in 0..<batch.shape.images * channels {
      let channel = plane % channels
      for i in plane * area..<(plane + 1) * area {
        if let normalisation, channels == 3 {
          // Blue is the last of the planes.
          let value = batch.elements[i + (2 - 2 * channel) * area]
          pixels.elements[i] =
            (value * normalisation.deviation[2 - channel] + normalisation.mean[2 - channel]) * 255
        } else if case .perChannel(let means) = mean {
          pixels.elements[i] =
            batch.elements[i] / scale + (means.count == 1 ? means[0] : means[channel])
        } else {
          pixels.elements[i] = batch.elements[i] / scale
        }
      }
    }
    return pixels
  }
}

extension DataTransformer {
  /// The side that a picture is resized to before its middle is cut out: 256 for Caffe's crop of 227 and for
  /// torchvision's of 224, and in that proportion for others.
  public var recordSide: Int {
    let crop = min(max(cropSize ?? 1, 1), Int(Int32.max))
    return normalisation == nil ? (crop * 256 + 113) / 227 : (crop * 256 + 112) / 224
  }

  /// A picture at the size that it is cut from: for Caffe squeezed to a square, as its tools do it; for a
  /// `normalisation` with its shape kept, the shorter side at that size.
  ///
  /// - Parameters:
  ///   - picture: the picture.
  ///   - side: the size; `recordSide` if left out.
  /// - Throws: `FileError` for a size that is impossible.
  /// - Complexity: O(pixels) of both.
  public func resized(_ picture: Picture, to side: Int? = nil) throws(FileError) -> Picture {
    let side = side ?? recordSide
    return normalisation == nil
      ? try picture.resized(height: side, width: side)
      : try picture.antialiased(shorterSide: side)
  }
}
