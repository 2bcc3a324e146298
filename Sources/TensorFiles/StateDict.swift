import NumPyFiles
import Tensors

/// The named tensors among what a pickle made.
struct StateDict {
  /// The name under which they lie in a checkpoint; empty where they are the whole.
  private(set) var name = ""
  private(set) var entries: [(name: String, tensor: PickleTensor)] = []

  /// What checkpoints call their state dict.
  private static let usualNames = ["state_dict", "model_state_dict", "model", "net"]

  /// Finds the state dict: the value itself, or in it a dictionary under one of the usual names, or the
  /// only one that holds nothing but tensors.
  ///
  /// - Throws: `TensorFileError` where there is none, or a value in it is no tensor.
  init(
    of value: PickleValue, in heap: PickleHeap, place: FilePlace
  ) throws(TensorFileError) {
    guard case .dictionary(let whole) = value else {
      throw place.error(
        "holds \(value.kind), not a dictionary of tensors",
        remedy: "torch.save(model.state_dict(), file) writes one")
    }
    var inner: [(name: String, index: Int)] = []
    for item in heap.dictionaries[whole].items {
      if case .text(let name) = item.key, case .dictionary(let index) = item.value {
        inner.append((name, index))
      }
    }
    let usual = Self.usualNames.lazy.compactMap { name in inner.last { $0.name == name } }.first
    // Each dictionary is looked through once, however often the file refers to it.
    var isPure: [Int: Bool] = [:]
    for (_, index) in inner where isPure[index] == nil {
      let items = heap.dictionaries[index].items
      isPure[index] = !items.isEmpty && items.allSatisfy { $0.value.isTensor }
    }
    let pure = inner.filter { isPure[$0.index] == true }
    let found = usual ?? (pure.count == 1 ? pure[0] : nil)
    name = found?.name ?? ""
    var names: Set<String> = []
    for item in heap.dictionaries[found?.index ?? whole].items {
      guard case .text(let name) = item.key else {
        throw place.error("a tensor's name is \(item.key.kind), not a text")
      }
      let part = FilePlace(file: place.file, part: "value \"\(name)\"")
      guard case .tensor(let index) = item.value else {
        throw part.error(
          "is \(item.value.kind), not a tensor", remedy: "a state dict holds tensors only")
      }
      guard names.insert(name).inserted else { throw part.error("the name occurs twice") }
      entries.append((name, heap.tensors[index]))
    }
  }

  /// The tensors with their numbers.
  ///
  /// - Throws: `TensorFileError` when a storage can't be read, or when the tensors take far more
  ///   memory than the file has bytes: a stride of 0 makes any number of values of one.
  /// - Complexity: O(numbers) of the tensors and their storages.
  func arrays(
    from source: any StorageSource, fileSize: Int, place: FilePlace
  ) throws(TensorFileError) -> NumPyArchive {
    // What views may repeat: far more than real files do, and little for small hostile ones.
    let allowance = 1 << 22
    var uses: [String: Int] = [:]
    var (stored, claimed) = (0, 0)
    for (name, tensor) in entries {
      let storage = tensor.storage
      if uses[storage.key] == nil { stored += storage.count * storage.format.size }
      uses[storage.key, default: 0] += 1
      let (size, overflow) = tensor.shape.count.multipliedReportingOverflow(
        by: storage.format.size)
      let (sum, overflow2) = claimed.addingReportingOverflow(size)
      guard !overflow, !overflow2, sum <= 4 * max(stored, fileSize) + allowance else {
        throw place.part("tensor \"\(name)\"").error(
          "shape \(tensor.shape) makes more bytes of the storages' \(stored) than are allowed",
          remedy:
            "store it without strides of 0: tensor.clone(memory_format=torch.contiguous_format)")
      }
      claimed = sum
    }
    var arrays = NumPyArchive()
    var contents: [String: ArraySlice<UInt8>] = [:]
    for (name, tensor) in entries {
      let storage = tensor.storage
      let content =
        if let kept = contents[storage.key] { kept } else { try source.content(of: storage) }
      uses[storage.key, default: 1] -= 1
      // Kept as long as another tensor needs it.
      contents[storage.key] = uses[storage.key] == 0 ? nil : content
      arrays[name] = storage.format.array(tensor.shape, tensor.numbers(in: content))
    }
    return arrays
  }
}

extension PickleValue {
  fileprivate var isTensor: Bool {
    if case .tensor = self { true } else { false }
  }
}

extension PickleTensor {
  /// The tensor's numbers in row-major order, out of all those of its storage.
  ///
  /// - Complexity: O(count).
  fileprivate func numbers(in content: ArraySlice<UInt8>) -> [UInt8] {
    let size = storage.format.size
    guard shape.count > 0 else { return [] }
    let start = content.startIndex + offset * size
    if isTight { return Array(content[start..<start + shape.count * size]) }
    var result: [UInt8] = []
    result.reserveCapacity(shape.count * size)
    var index = [Int](repeating: 0, count: shape.rank)
    var position = start
    for _ in 0..<shape.count {
      result += content[position..<position + size]
      // Counts up like a clock, the last axis fastest.
      for axis in index.indices.reversed() {
        index[axis] += 1
        position += strides[axis] * size
        if index[axis] < shape[axis] { break }
        position -= strides[axis] * size * shape[axis]
        index[axis] = 0
      }
    }
    return result
  }

  /// Whether the numbers lie one behind the other in the order of the shape.
  private var isTight: Bool {
    var expected = 1
    for axis in strides.indices.reversed() where shape[axis] != 1 {
      if strides[axis] != expected { return false }
      expected *= shape[axis]
    }
    return true
  }
}
