import Fast
import GradientChecking
import LayerCases
import Layers
import Reference
import Tensors
import Testing
import Tuned

/// Every case of the table, each version: the gradients by each input and each parameter.
@Suite struct LayerGradients {
  static let tables: [(layer: String, cases: [LayerCase])] = [
    ("Convolution", LayerCase.convolution), ("Pooling", LayerCase.pooling), ("LRN", LayerCase.lrn),
    ("InnerProduct", LayerCase.innerProduct), ("ReLU", LayerCase.relu),
    ("Dropout", LayerCase.dropout), ("Softmax", LayerCase.softmax),
    ("SoftmaxWithLoss", LayerCase.softmaxWithLoss), ("Sigmoid", LayerCase.sigmoid),
    ("TanH", LayerCase.tanh), ("Concat", LayerCase.concat), ("Eltwise", LayerCase.eltwise),
    ("AdaptiveAveragePooling", LayerCase.adaptiveAveragePooling),
  ]

  /// Reference and Fast in Double. 1e-7 is the goal of the project for any layer; smooth layers reach
  /// 1e-9 against extrapolated quotients.
  @Test(arguments: tables.indices)
  func areRight(_ table: Int) throws {
    for backend in versions {
      var summary = Summary(version: backend.name)
      for entry in Self.tables[table].cases where entry.inputs[0].count > 0 {
        let report = try entry.report(on: backend)
        let passed = report.passed
        #expect(passed, "\(entry.testDescription):\n\(report.explanation)")
        for tensor in report.tensors {
          #expect(tensor.worstRelativeError <= 1e-9, "\(entry.testDescription) \(tensor.tensor)")
          // Exact derivatives and a backward pass in Double differ by rounding only.
          #expect(
            tensor.dualRelativeError ?? 0 <= 1e-12, "\(entry.testDescription) \(tensor.tensor)")
          #expect(tensor.undecided == 0, "\(entry.testDescription) \(tensor.tensor)")
          summary.add(tensor)
        }
      }
      print(summary.line)
    }
  }

  /// The layers that Tuned has of its own, in Float. The report's bars are as wide as Float's rounding
  /// demands, so that some elements stay undecided: of these nothing is claimed. None may be wrong.
  @Test(arguments: tables.indices.prefix(4))
  func areRightInFloat(_ table: Int) throws {
    let backend = TunedBackend()
    var decided = 0
    for entry in Self.tables[table].cases where entry.inputs[0].count > 0 {
      let report = try entry.report(on: backend, elements: 40)
      #expect(report.violations.isEmpty, "\(entry.testDescription):\n\(report.explanation)")
      for tensor in report.tensors {
        #expect(
          tensor.failed == 0 && tensor.failedDirections == 0,
          "\(entry.testDescription) \(tensor.tensor):\n\(report.explanation)")
        decided += tensor.checked - tensor.undecided
      }
    }
    // Were all undecided, nothing would have been shown.
    #expect(decided > 500)
  }

  /// The kinks of equal maxima are found where they are, and only there.
  @Test func tiesAreCounted() throws {
    for backend in versions {
      for entry in LayerCase.pooling {
        let kinks = try entry.report(on: backend).tensors.map(\.kinks).reduce(0, +)
        if entry.title.contains("ties") {
          #expect(kinks > 0, "\(entry.title)")
        } else {
          #expect(kinks == 0, "\(entry.title)")
        }
      }
    }
  }
}

extension LayerCase {
  /// The check of this case on one version: every element of a small case, some of a large one.
  func report<Scalar: Tensors.Scalar>(
    on backend: any Backend<Scalar>, elements: Int? = nil, seed: UInt64 = 1
  ) throws -> GradientReport {
    let count = try elementCount()
    let isSmall = count <= 1000
    let sampled = elements ?? (isSmall ? count : 12)
    let layer = try specification.layer(on: backend)
    return try check(
      layer, inputs: inputs, labels: labels, at: point(seed: seed),
      exact: specification.layer(on: exactVersion), version: backend.name,
      options: CheckOptions(
        mode: .sampled(sampled), exactElements: isSmall ? 256 : 12, seed: seed, phase: phase))
  }
}
