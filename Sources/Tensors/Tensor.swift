/// A shape and the numbers in it: row-major, the last axis contiguous.
///
/// A tensor is a value. A layer that is handed one `inout` writes into the memory that is already
/// there, so a network that keeps its tensors never allocates one again.
public struct Tensor<Element: Scalar>: Sendable, Equatable {
  /// The extents.
  public let shape: Shape

  /// The numbers in row-major order.
  ///
  /// - Invariant: as many as `shape.count`. Change them, but not their number.
  public var elements: [Element]

  /// A tensor with the same number everywhere.
  ///
  /// - Complexity: O(count), allocating the elements.
  public init(_ shape: Shape, repeating value: Element = 0) {
    self.shape = shape
    self.elements = [Element](repeating: value, count: shape.count)
  }

  /// A tensor over given numbers.
  ///
  /// - Precondition: there are `shape.count` of them.
  /// - Complexity: O(1): the array is taken over, not copied.
  @inlinable
  public init(_ shape: Shape, _ elements: [Element]) {
    require(elements.count == shape.count, "\(elements.count) elements for shape \(shape)")
    self.shape = shape
    self.elements = elements
  }

  /// The number of elements.
  @inlinable
  public var count: Int { shape.count }

  /// The element at a row-major position.
  @inlinable
  public subscript(position: Int) -> Element {
    get { elements[position] }
    set { elements[position] = newValue }
  }

  /// The element of image n, channel c, row y, column x.
  @inlinable
  public subscript(n: Int, c: Int, y: Int, x: Int) -> Element {
    get { elements[((n * shape.channels + c) * shape.height + y) * shape.width + x] }
    set { elements[((n * shape.channels + c) * shape.height + y) * shape.width + x] = newValue }
  }

  /// The same numbers in another precision. In their own, the tensor itself: nothing is copied.
  ///
  /// - Complexity: O(count), allocating a tensor; O(1) in the same precision.
  @specialized(where Element == Float, Other == Double)
  @specialized(where Element == Double, Other == Float)
  @specialized(where Element == Double, Other == Dual<Double>)
  public func converted<Other: Scalar>(to type: Other.Type = Other.self) -> Tensor<Other> {
    if let same = self as? Tensor<Other> { return same }
    return Tensor<Other>(shape, elements.map { Other($0.doubleValue) })
  }

  /// Sets every element, keeping the memory.
  ///
  /// - Complexity: O(count). Allocates nothing, unless another copy of the tensor shares its
  ///   memory.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public mutating func fill(with value: Element) {
    for i in elements.indices { elements[i] = value }
  }
}

extension Tensor {
  /// Copies the numbers of a tensor of the same count into this one's memory.
  ///
  /// - Precondition: the counts agree.
  /// - Complexity: O(count). Allocates nothing, unless another copy of this tensor shares its
  ///   memory.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public mutating func copyElements(from other: Tensor) {
    require(count == other.count, "shape \(other.shape) does not fit \(shape)")
    for i in elements.indices { elements[i] = other.elements[i] }
  }

  /// Adds the numbers of a tensor of the same count.
  ///
  /// - Precondition: the counts agree.
  /// - Complexity: O(count). Allocates nothing, unless another copy of this tensor shares its
  ///   memory.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public mutating func add(_ other: Tensor) {
    require(count == other.count, "shape \(other.shape) does not fit \(shape)")
    for i in elements.indices { elements[i] += other.elements[i] }
  }
}

extension Tensor {
  /// The largest magnitude in the tensor, 0 when it is empty; NaN when an element is NaN.
  ///
  /// - Complexity: O(count).
  public var largestMagnitude: Double {
    @specialized(where Element == Float)
    @specialized(where Element == Double)
    get {
      var largest = 0.0
      for element in elements {
        let magnitude = Swift.abs(element.doubleValue)
        if magnitude.isNaN { return .nan }
        largest = Swift.max(largest, magnitude)
      }
      return largest
    }
  }

  /// The sum of the squares, added in order.
  ///
  /// - Complexity: O(count).
  public var squaredNorm: Double {
    @specialized(where Element == Float)
    @specialized(where Element == Double)
    get {
      var sum = 0.0
      for element in elements { sum += element.doubleValue * element.doubleValue }
      return sum
    }
  }

  /// The largest difference to a tensor of the same shape; NaN where only one of the two is NaN.
  ///
  /// Two NaN count as equal, and so do two infinities of one sign.
  ///
  /// - Precondition: the counts agree.
  /// - Complexity: O(count).
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func largestDifference(to other: Tensor) -> Double {
    require(count == other.count, "shape \(other.shape) does not fit \(shape)")
    var largest = 0.0
    for i in elements.indices {
      let (a, b) = (elements[i].doubleValue, other.elements[i].doubleValue)
      if a == b || (a.isNaN && b.isNaN) { continue }
      let difference = Swift.abs(a - b)
      if difference.isNaN { return .nan }
      largest = Swift.max(largest, difference)
    }
    return largest
  }
}
