// Arithmetic element by element, as that of `SIMD` types in the standard library. Each operation allocates
// a tensor: fine for a layer of one's own, where ease counts more than speed. In-place forms allocate
// nothing.

extension Tensor {
  /// A tensor of the same shape with each element transformed.
  ///
  /// - Complexity: O(count), allocating the result.
  @inlinable
  public func map<Other: Scalar>(_ transform: (Element) throws -> Other) rethrows -> Tensor<Other> {
    Tensor<Other>(shape, try elements.map(transform))
  }

  /// The sum of all elements, added in order; 0 of none.
  ///
  /// - Complexity: O(count).
  @inlinable
  public func sum() -> Element {
    var sum: Element = 0
    for element in elements { sum += element }
    return sum
  }

  /// The same elements in another shape.
  ///
  /// - Precondition: the counts agree.
  /// - Complexity: O(1): the elements are shared until one of the two changes.
  @inlinable
  public func reshaped(to shape: Shape) -> Tensor {
    Tensor(shape, elements)
  }

  /// The sums of two tensors' elements.
  ///
  /// - Precondition: the shapes agree.
  /// - Complexity: O(count), allocating the result.
  @inlinable
  public static func + (a: Tensor, b: Tensor) -> Tensor { combined(a, b, +) }

  /// The differences of two tensors' elements.
  ///
  /// - Precondition: the shapes agree.
  /// - Complexity: O(count), allocating the result.
  @inlinable
  public static func - (a: Tensor, b: Tensor) -> Tensor { combined(a, b, -) }

  /// The products of two tensors' elements: no matrix product.
  ///
  /// - Precondition: the shapes agree.
  /// - Complexity: O(count), allocating the result.
  @inlinable
  public static func * (a: Tensor, b: Tensor) -> Tensor { combined(a, b, *) }

  /// The quotients of two tensors' elements.
  ///
  /// - Precondition: the shapes agree.
  /// - Complexity: O(count), allocating the result.
  @inlinable
  public static func / (a: Tensor, b: Tensor) -> Tensor { combined(a, b, /) }

  /// Each element times a number.
  ///
  /// - Complexity: O(count), allocating the result.
  @inlinable
  public static func * (a: Element, b: Tensor) -> Tensor { b.map { a * $0 } }

  /// Each element times a number.
  ///
  /// - Complexity: O(count), allocating the result.
  @inlinable
  public static func * (a: Tensor, b: Element) -> Tensor { a.map { $0 * b } }

  /// Each element divided by a number.
  ///
  /// - Complexity: O(count), allocating the result.
  @inlinable
  public static func / (a: Tensor, b: Element) -> Tensor { a.map { $0 / b } }

  /// Each element and a number added.
  ///
  /// - Complexity: O(count), allocating the result.
  @inlinable
  public static func + (a: Tensor, b: Element) -> Tensor { a.map { $0 + b } }

  /// A number subtracted from each element.
  ///
  /// - Complexity: O(count), allocating the result.
  @inlinable
  public static func - (a: Tensor, b: Element) -> Tensor { a.map { $0 - b } }

  /// Each element with the other sign.
  ///
  /// - Complexity: O(count), allocating the result.
  @inlinable
  public static prefix func - (a: Tensor) -> Tensor { a.map { -$0 } }

  /// Adds a tensor's elements in place.
  ///
  /// - Precondition: the shapes agree.
  /// - Complexity: O(count). Allocates nothing, unless another copy of the tensor shares its memory.
  @inlinable
  public static func += (a: inout Tensor, b: Tensor) {
    require(a.shape == b.shape, "shape \(b.shape) doesn't fit \(a.shape)")
    for i in a.elements.indices { a.elements[i] += b.elements[i] }
  }

  /// Subtracts a tensor's elements in place.
  ///
  /// - Precondition: the shapes agree.
  /// - Complexity: O(count). Allocates nothing, unless another copy of the tensor shares its memory.
  @inlinable
  public static func -= (a: inout Tensor, b: Tensor) {
    require(a.shape == b.shape, "shape \(b.shape) doesn't fit \(a.shape)")
    for i in a.elements.indices { a.elements[i] -= b.elements[i] }
  }

  /// Multiplies each element in place.
  ///
  /// - Complexity: O(count). Allocates nothing, unless another copy of the tensor shares its memory.
  @inlinable
  public static func *= (a: inout Tensor, b: Element) {
    for i in a.elements.indices { a.elements[i] *= b }
  }

  @inlinable
  static func combined(
    _ a: Tensor, _ b: Tensor, _ combine: (Element, Element) -> Element
  ) -> Tensor {
    require(a.shape == b.shape, "shapes \(a.shape) and \(b.shape) differ")
    var result = a
    for i in result.elements.indices { result.elements[i] = combine(a.elements[i], b.elements[i]) }
    return result
  }
}
