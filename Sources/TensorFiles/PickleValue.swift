import NumPyFiles
import Tensors

/// What a pickle makes. Containers are numbers of places in a `PickleHeap`: so values that hold one
/// another, or hold one value many times, take no more room than the instructions that made them, and
/// nothing recurses through them.
enum PickleValue: Equatable {
  case none
  case bool(Bool)
  case integer(Int)
  case wideInteger
  case real(Double)
  case text(String)
  case tuple(Int)
  case list(Int)
  case dictionary(Int)
  case function(PickleFunction)
  case storageType(NumberFormat)
  case storage(Int)
  case tensor(Int)

  /// What it is, in a message.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a truth value"
    case .integer, .wideInteger: "a whole number"
    case .real: "a number"
    case .text: "a text"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dictionary: "a dictionary"
    case .function, .storageType: "a name of Python"
    case .storage: "a storage without a tensor"
    case .tensor: "a tensor"
    }
  }
}

/// Python's functions of which a reader knows what they would do.
enum PickleFunction {
  case orderedDictionary, size, rebuildTensor, rebuildTensor2, rebuildParameter

  /// Everything that a state dict may ask for by name, as Python calls it.
  static func value(of name: String) -> PickleValue? {
    switch name {
    case "collections.OrderedDict": .function(.orderedDictionary)
    case "torch.Size": .function(.size)
    case "torch._utils._rebuild_tensor": .function(.rebuildTensor)
    case "torch._utils._rebuild_tensor_v2": .function(.rebuildTensor2)
    case "torch._utils._rebuild_parameter": .function(.rebuildParameter)
    case "torch.FloatStorage": .storageType(.numpy(.float32))
    case "torch.DoubleStorage": .storageType(.numpy(.float64))
    case "torch.HalfStorage": .storageType(.numpy(.float16))
    case "torch.BFloat16Storage": .storageType(.bfloat16)
    case "torch.LongStorage": .storageType(.numpy(.int64))
    case "torch.IntStorage": .storageType(.numpy(.int32))
    case "torch.ShortStorage": .storageType(.numpy(.int16))
    case "torch.CharStorage": .storageType(.numpy(.int8))
    case "torch.ByteStorage": .storageType(.numpy(.uint8))
    case "torch.BoolStorage": .storageType(.numpy(.bool))
    default: nil
    }
  }
}

/// A dictionary of Python.
struct PickleDictionary {
  /// Whether it is an OrderedDict.
  var isOrdered: Bool
  /// Names and values in the order in which they were set.
  var items: [(key: PickleValue, value: PickleValue)] = []
}

/// Numbers in a row, elsewhere in the file.
struct PickleStorage: Equatable {
  /// The name under which the file has them.
  var key: String
  var format: NumberFormat
  /// How many numbers the file has under that name.
  var count: Int
  /// The part of them that this is.
  var part: Range<Int>
}

/// A tensor: a view of a storage, in which the number at index (i₀, i₁, …) is that at
/// offset + Σ iₐ·strideₐ.
struct PickleTensor: Equatable {
  var storage: PickleStorage
  /// Counted from the beginning of the whole storage.
  var offset: Int
  var shape: Shape
  var strides: [Int]
}

/// What the values of a pickle refer to.
struct PickleHeap {
  /// The items of tuples and lists.
  var sequences: [[PickleValue]] = []
  var dictionaries: [PickleDictionary] = []
  var storages: [PickleStorage] = []
  var tensors: [PickleTensor] = []
}
