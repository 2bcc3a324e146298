import Foundation
import Tensors
import Testing

@testable import NumPyFiles

@Suite struct NumPyArrayTests {
  /// What `generate.py` puts into the files of a type.
  static func expected(_ type: NumPyElementType) -> [Double] {
    (0..<12).map { i in
      switch type.rawValue.first {
      case "b": Double(i % 2)
      case "u": Double(20 * i)
      case "i": Double(9 * i - 50)
      default: 0.25 * Double(9 * i - 50)
      }
    }
  }

  @Test(arguments: NumPyElementType.allCases, ["little_c", "big_fortran"])
  func everyTypeAndOrderIsRead(type: NumPyElementType, order: String) throws {
    let array = try NumPyArray(contentsOf: fixture("numpy/\(type.rawValue)_\(order).npy"))
    #expect(array.shape == Shape(2, 3, 2))
    #expect(array.elementType == type)
    // All of these numbers are exact in every type, half precision included.
    #expect(array.tensor(as: Double.self).elements == Self.expected(type))
    #expect(array.tensor(as: Float.self).elements == Self.expected(type).map { Float($0) })
    if type.rawValue.first != "f" {
      #expect(try array.integers() == Self.expected(type).map { Int($0) })
    }
    #expect(try NumPyArray(decoding: array.encoded()) == array)
  }

  @Test(arguments: [2, 3])
  func laterVersionsAreRead(version: Int) throws {
    let array = try NumPyArray(contentsOf: fixture("numpy/version\(version).npy"))
    #expect(array.shape == Shape(2, 3))
    #expect(try array.integers() == [0, 1, 2, 3, 4, 5])
  }

  @Test func scalarsAndEmptyArraysHaveTheirShapes() throws {
    let scalar = try NumPyArray(contentsOf: fixture("numpy/scalar.npy"))
    #expect(scalar.shape.rank == 0)
    #expect(scalar.tensor(as: Double.self).elements == [2.5])
    let empty = try NumPyArray(contentsOf: fixture("numpy/empty.npy"))
    #expect(empty.shape == Shape(0, 3))
    #expect(empty.tensor(as: Float.self).elements == [])
    #expect(try NumPyArray(decoding: empty.encoded()) == empty)
  }

  @Test func fortranOrderOfManyAxesIsTurned() throws {
    let array = try NumPyArray(contentsOf: fixture("numpy/rank5_fortran.npy"))
    #expect(array.shape == Shape(1, 2, 3, 4, 5))
    #expect(try array.integers() == Array(0..<120))
  }

  @Test func halfPrecisionHasItsSpecialNumbers() throws {
    let numbers = try NumPyArray(contentsOf: fixture("numpy/half_special.npy"))
      .tensor(as: Double.self).elements
    #expect(numbers[0] == .infinity)
    #expect(numbers[1] == -.infinity)
    #expect(numbers[2].isNaN)
    #expect(numbers[3...] == [0x1p-24, 0x1p-14, 65504, 0])
    #expect(numbers[6].sign == .minus)
  }

  @Test func numbersKeepTheirBits() throws {
    let floats = Tensor(Shape(2, 2), [Float.nan, -0.0, .leastNonzeroMagnitude, .pi])
    let read = try NumPyArray(decoding: NumPyArray(floats).encoded()).tensor(as: Float.self)
    #expect(read.elements.map(\.bitPattern) == floats.elements.map(\.bitPattern))
    let doubles = Tensor(Shape(3), [Double.infinity, 1.0.nextUp, -.pi])
    #expect(try NumPyArray(decoding: NumPyArray(doubles).encoded()).tensor() == doubles)
    let labels = [0, -1, .max, .min]
    #expect(try NumPyArray(decoding: NumPyArray(labels).encoded()).integers() == labels)
    #expect(NumPyArray([1, 2, 255] as [UInt8]).tensor(as: Float.self).elements == [1, 2, 255])
  }

  @Test func numbersBeginAtMultiplesOf64() throws {
    for rank in 0..<20 {
      let shape = try Shape(checking: [Int](repeating: 1, count: rank))
      let bytes = try NumPyArray(Tensor<Float>(shape)).encoded()
      #expect((bytes.count - 4) % 64 == 0)
      #expect(try NumPyArray(decoding: bytes).shape == shape)
    }
  }

  @Test func numbersThatAreNoIntegersAreNamed() throws {
    let halves = try NumPyArray(contentsOf: fixture("numpy/not_whole.npy"))
    #expect(throws: NumPyValueError(position: 1, value: "0.5")) { try halves.integers() }
    let huge = try NumPyArray(contentsOf: fixture("numpy/beyond_int.npy"))
    #expect(throws: NumPyValueError(position: 0, value: "18446744073709551615")) {
      try huge.integers()
    }
  }
}
