/// How far a check has come.
public struct CheckProgress: Sendable {
  /// The tensor that is being checked, for example `weights`; of a network, `conv1 weights`.
  public var tensor: String
  /// How many of its elements and directions are done.
  public var linesDone: Int
  /// How many there are.
  public var lines: Int
  /// How many tensors are done.
  public var tensorsDone: Int
  /// How many tensors there are.
  public var tensors: Int

  /// A moment of a check.
  public init(tensor: String, linesDone: Int, lines: Int, tensorsDone: Int, tensors: Int) {
    self.tensor = tensor
    self.linesDone = linesDone
    self.lines = lines
    self.tensorsDone = tensorsDone
    self.tensors = tensors
  }
}
