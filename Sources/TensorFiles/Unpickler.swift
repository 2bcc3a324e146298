import Tensors

/// Runs the instructions of a pickle that make a state dict, and no others.
///
/// A pickle is a program for a stack machine: it can name any function of Python and have it called.
/// Here a name is looked up in a table of fifteen, and what they make are values of this file. Every
/// other name is refused, whether or not it would be called.
struct Unpickler {
  /// The most instructions that a pickle may have: a state dict takes about forty for a tensor. The
  /// limit keeps what a long file of nothing else would take within some 100 MB.
  static let operationLimit = 1 << 20

  private(set) var heap = PickleHeap()
  private var stack: [PickleValue] = []
  /// The heights of the stack at which MARK was executed.
  private var marks: [Int] = []
  /// A dictionary, since a file may choose any number below 2³².
  private var memo: [Int: PickleValue] = [:]
  private var reader: PickleReader
  private let place: FilePlace
  /// Where the instruction that is executed stands.
  private var offset = 0

  init(_ bytes: [UInt8], from start: Int = 0, place: FilePlace) {
    self.place = place
    reader = PickleReader(bytes, from: start, place: place)
  }

  /// Where the pickle ended.
  var position: Int { reader.position }

  /// Runs to the end.
  ///
  /// - Returns: the value that the pickle is of.
  /// - Throws: `TensorFileError` for whatever no state dict needs.
  mutating func run() throws(TensorFileError) -> PickleValue {
    for _ in 0..<Self.operationLimit {
      let operation = try reader.next()
      offset = operation.offset
      if operation.code == .stop {
        let value = try pop()
        guard stack.isEmpty, marks.isEmpty else { throw error("the pickle leaves values over") }
        return value
      }
      try execute(operation)
    }
    throw place.error("the pickle has more than \(Self.operationLimit) instructions")
  }

  private func error(_ problem: String, remedy: String? = nil) -> TensorFileError {
    place.error(problem, at: offset, remedy: remedy)
  }

  private mutating func execute(_ operation: PickleOperation) throws(TensorFileError) {
    if operation.code == .instance, case .global(let module, let name) = operation.argument {
      throw refusal(of: "\(module).\(name)")
    }
    if let name = operation.code.refusedName {
      throw error("the instruction \(name) is none of those that a state dict needs")
    }
    switch operation.code {
    case .protocolVersion, .frame: break
    case .mark: marks.append(stack.count)
    case .newTrue: stack.append(.bool(true))
    case .newFalse: stack.append(.bool(false))
    case .emptyTuple: make([], PickleValue.tuple)
    case .tuple: make(try popToMark(), PickleValue.tuple)
    case .tuple1: make(try pop(1), PickleValue.tuple)
    case .tuple2: make(try pop(2), PickleValue.tuple)
    case .tuple3: make(try pop(3), PickleValue.tuple)
    case .emptyList: make([], PickleValue.list)
    case .append: try append(try pop(1))
    case .appends: try append(try popToMark())
    case .emptyDictionary: makeDictionary(isOrdered: false)
    case .setItem: try set(try pop(2))
    case .setItems: try set(try popToMark())
    case .memoize: memo[memo.count] = try top()
    case .put1, .put4, .get1, .get4: try remember(operation)
    case .global, .stackGlobal: try pushGlobal(operation)
    case .reduce: try reduce()
    case .build: try build()
    case .persistentID: try pushStorage()
    default: try push(operation.argument)
    }
  }

  /// Pushes what stands behind the instruction.
  private mutating func push(_ argument: PickleOperation.Argument) throws(TensorFileError) {
    switch argument {
    case .integer(let number): stack.append(.integer(number))
    case .wideInteger: stack.append(.wideInteger)
    case .real(let number): stack.append(.real(number))
    case .text(let text): stack.append(.text(text))
    case .none, .bytes, .global: stack.append(.none)
    }
  }

  private mutating func remember(_ operation: PickleOperation) throws(TensorFileError) {
    guard case .integer(let slot) = operation.argument else { return }
    if operation.code == .put1 || operation.code == .put4 {
      memo[slot] = try top()
    } else {
      guard let value = memo[slot] else {
        throw error("the pickle asks for value \(slot), which it never stored")
      }
      stack.append(value)
    }
  }

  // MARK: - The stack

  private func top() throws(TensorFileError) -> PickleValue {
    guard let value = stack.last, stack.count > (marks.last ?? 0) else {
      throw error("the pickle takes a value where there is none")
    }
    return value
  }

  private mutating func pop() throws(TensorFileError) -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func pop(_ count: Int) throws(TensorFileError) -> [PickleValue] {
    guard stack.count - count >= (marks.last ?? 0) else {
      throw error("the pickle takes \(count) values where there are fewer")
    }
    let values = Array(stack.suffix(count))
    stack.removeLast(count)
    return values
  }

  private mutating func popToMark() throws(TensorFileError) -> [PickleValue] {
    guard let mark = marks.popLast() else {
      throw error("the pickle takes values up to a MARK, and has set none")
    }
    let values = Array(stack[mark...])
    stack.removeLast(values.count)
    return values
  }

  // MARK: - Containers

  private mutating func make(_ items: [PickleValue], _ kind: (Int) -> PickleValue) {
    heap.sequences.append(items)
    stack.append(kind(heap.sequences.count - 1))
  }

  private mutating func makeDictionary(isOrdered: Bool) {
    heap.dictionaries.append(PickleDictionary(isOrdered: isOrdered))
    stack.append(.dictionary(heap.dictionaries.count - 1))
  }

  private mutating func append(_ items: [PickleValue]) throws(TensorFileError) {
    guard case .list(let index) = try top() else { throw error("only a list takes items") }
    heap.sequences[index] += items
  }

  private mutating func set(_ items: [PickleValue]) throws(TensorFileError) {
    guard case .dictionary(let index) = try top() else {
      throw error("only a dictionary takes names and values")
    }
    guard items.count.isMultiple(of: 2) else { throw error("a name has no value") }
    for i in stride(from: 0, to: items.count, by: 2) {
      heap.dictionaries[index].items.append((items[i], items[i + 1]))
    }
  }

  // MARK: - Names of Python

  private mutating func pushGlobal(_ operation: PickleOperation) throws(TensorFileError) {
    let name: String
    if case .global(let module, let member) = operation.argument {
      name = "\(module).\(member)"
    } else {
      let parts = try pop(2)
      guard case .text(let module) = parts[0], case .text(let member) = parts[1] else {
        throw error("STACK_GLOBAL takes two texts, not \(parts[0].kind) and \(parts[1].kind)")
      }
      name = "\(module).\(member)"
    }
    guard let value = PickleFunction.value(of: name) else { throw refusal(of: name) }
    stack.append(value)
  }

  /// Says what a pickle asks for that is refused: this name, and those that follow.
  private func refusal(of name: String) -> TensorFileError {
    var names = [name]
    var texts: [String] = []
    var rest = reader
    for _ in 0..<Self.operationLimit {
      guard let operation = try? rest.next(), operation.code != .stop else { break }
      var other: String?
      switch (operation.code, operation.argument) {
      case (_, .global(let module, let member)): other = "\(module).\(member)"
      case (_, .text(let text)): texts = texts.suffix(1) + [text]
      case (.stackGlobal, _): other = texts.joined(separator: ".")
      default: break
      }
      if let other, PickleFunction.value(of: other) == nil, !names.contains(other) {
        names.append(other)
        if names.count == 8 { break }
      }
    }
    let list = names.joined(separator: ", ")
    if names.contains(where: { $0.hasPrefix("torch.nn.") || $0.hasPrefix("torchvision.models.") }) {
      return error(
        "is a whole pickled model, a program that asks for \(list); nothing of it is executed",
        remedy: "if you trust it, save its weights alone, in Python: "
          + "torch.save(torch.load(file, weights_only=False).state_dict(), new_file)")
    }
    if names.contains(where: { $0.contains("qtensor") || $0.hasPrefix("torch.Q") }) {
      return error(
        "has quantised tensors (\(list)), which are not read",
        remedy: "save the network as it was before it was quantised, or dequantize() its tensors")
    }
    return error(
      "the pickle asks for \(list), which no state dict needs; nothing of it is executed",
      remedy: "if you trust the file, save its state dict alone, in Python: "
        + "torch.save(torch.load(file, weights_only=False)[\"state_dict\"], new_file)")
  }

  // MARK: - Calls

  private mutating func reduce() throws(TensorFileError) {
    let parts = try pop(2)
    guard case .function(let function) = parts[0], case .tuple(let index) = parts[1] else {
      throw error("REDUCE calls \(parts[0].kind) with \(parts[1].kind)")
    }
    let arguments = heap.sequences[index]
    switch function {
    case .orderedDictionary:
      guard arguments.isEmpty else {
        throw error("an OrderedDict is made with \(arguments.count) arguments, not empty")
      }
      makeDictionary(isOrdered: true)
    case .size:
      guard arguments.count == 1, case .tuple = arguments[0] else {
        throw error("torch.Size is made of something else than one tuple")
      }
      stack.append(arguments[0])
    case .rebuildTensor, .rebuildTensor2:
      heap.tensors.append(try tensor(arguments, isSecondVersion: function == .rebuildTensor2))
      stack.append(.tensor(heap.tensors.count - 1))
    case .rebuildParameter:
      guard arguments.count == 3, case .tensor = arguments[0], case .dictionary = arguments[2]
      else {
        throw error("a parameter is made of something else than a tensor, a truth value and hooks")
      }
      stack.append(arguments[0])
    }
  }

  /// The attributes of an OrderedDict (its `_metadata`), which say nothing about numbers.
  private mutating func build() throws(TensorFileError) {
    _ = try pop()
    guard case .dictionary(let index) = try top(), heap.dictionaries[index].isOrdered else {
      throw error("BUILD changes \(try top().kind), which no state dict needs")
    }
  }

  /// Arguments: storage, offset, size, strides, and in the second version whether there is a
  /// gradient, hooks, and perhaps metadata.
  private func tensor(
    _ arguments: [PickleValue], isSecondVersion: Bool
  ) throws(TensorFileError) -> PickleTensor {
    guard (isSecondVersion ? 6...7 : 4...4).contains(arguments.count),
      case .storage(let index) = arguments[0], case .integer(let offset) = arguments[1],
      let extents = integers(arguments[2]), let strides = integers(arguments[3])
    else {
      throw error("a tensor is made of other values than a storage, an offset, a size and strides")
    }
    if isSecondVersion {
      guard case .dictionary(let hooks) = arguments[5], heap.dictionaries[hooks].items.isEmpty
      else {
        throw error("a tensor has hooks, which are code")
      }
    }
    let storage = heap.storages[index]
    let shape: Shape
    do {
      shape = try Shape(checking: extents)
    } catch {
      throw self.error("\(error)")
    }
    guard extents.count == strides.count else {
      throw error("a tensor has \(extents.count) extents and \(strides.count) strides")
    }
    guard offset >= 0, strides.allSatisfy({ $0 >= 0 }) else {
      throw error("a tensor has a negative offset or stride: \(offset), \(strides)")
    }
    // The last number of all, counted from the beginning of the storage.
    var last = offset
    var isTooLarge = false
    for (extent, stride) in zip(extents, strides) {
      let (way, overflow) = stride.multipliedReportingOverflow(by: max(extent - 1, 0))
      let (sum, overflow2) = last.addingReportingOverflow(way)
      isTooLarge = isTooLarge || overflow || overflow2
      last = sum
    }
    guard shape.count == 0 || (!isTooLarge && last < storage.part.count) else {
      throw error(
        "a tensor of shape \(shape), offset \(offset) and strides \(strides) reaches beyond the "
          + "\(storage.part.count) numbers of its storage")
    }
    return PickleTensor(
      storage: storage, offset: shape.count == 0 ? 0 : storage.part.lowerBound + offset,
      shape: shape, strides: strides)
  }

  /// The whole numbers in a tuple; nil for other values, and for more than any shape has.
  private func integers(_ value: PickleValue) -> [Int]? {
    guard case .tuple(let index) = value, heap.sequences[index].count <= 64 else { return nil }
    var integers: [Int] = []
    for item in heap.sequences[index] {
      guard case .integer(let number) = item else { return nil }
      integers.append(number)
    }
    return integers
  }

  /// The identifier: 'storage', type, key, device, number of numbers, and in the form before 1.6
  /// perhaps a part of them: key, offset, count.
  private mutating func pushStorage() throws(TensorFileError) {
    guard case .tuple(let index) = try pop() else {
      throw error("a storage is named by something else than a tuple")
    }
    let parts = heap.sequences[index]
    guard (5...6).contains(parts.count), parts[0] == .text("storage"),
      case .storageType(let format) = parts[1], case .text(let key) = parts[2],
      case .integer(let count) = parts[4], count >= 0
    else {
      throw error(
        "a storage is named by other values than 'storage', its type, key, device and count")
    }
    var part = 0..<count
    if parts.count == 6, case .tuple(let view) = parts[5] {
      let values = heap.sequences[view]
      guard values.count == 3, case .integer(let start) = values[1],
        case .integer(let length) = values[2], start >= 0, length >= 0, start <= count,
        length <= count - start
      else {
        throw error("a part of storage \(key) does not lie in its \(count) numbers")
      }
      part = start..<start + length
    }
    heap.storages.append(PickleStorage(key: key, format: format, count: count, part: part))
    stack.append(.storage(heap.storages.count - 1))
  }
}
