import Layers
import Reference
import Tensors

extension BrokenLayer {
  static let contracts: [BrokenLayer] = [
    BrokenLayer(
      "conv-always-accumulates", Convolution(.init(outputChannels: 2, kernel: 3)),
      Shape(2, 2, 4, 4),
      bug: "parameter gradients are added to what was there although they should be overwritten",
      code: "dw += …    without    dw = 0    before", expected: .brokenRule(.overwritesGradients)
    ) { gradients, pass in
      guard !pass.accumulating else { return }
      for (i, before) in pass.before.enumerated() { gradients.parameters[i].add(before) }
    },
    BrokenLayer(
      "inner-product-never-accumulates", InnerProduct(.init(outputs: 3)), Shape(3, 4),
      bug: "parameter gradients are overwritten although they should be added to what was there",
      code: "dw = 0; dw += …    also when accumulating",
      expected: .brokenRule(.accumulatesWhenAsked)
    ) { gradients, pass in
      guard pass.accumulating else { return }
      for (number, before) in pass.before.enumerated() {
        for i in 0..<before.count { gradients.parameters[number][i] -= before[i] }
      }
    },
    BrokenLayer(
      "inner-product-returns-early", InnerProduct(.init(outputs: 3)), Shape(3, 4),
      bug: "when nobody needs the input's gradient, the bias gradient is left out",
      code: "guard inputGradient != nil else { return }    before the bias",
      expected: .brokenRule(.workWithoutInputGradient)
    ) { gradients, pass in
      if gradients.input == nil { gradients.parameters[1] = pass.before[1] }
    },
    BrokenLayer(
      "inner-product-unordered-sum", InnerProduct(.init(outputs: 16)), Shape(9, 3),
      bug: "the bias gradient is summed in another order on every run, as racing threads do",
      code: "for n in images.shuffled()    instead of    for n in images",
      expected: .brokenRule(.backwardIsDeterministic)
    ) { gradients, pass in
      let outputs = pass.specification.outputs
      pass.replace(1, of: &gradients) { db in
        for i in (0..<pass.output.count).shuffled() { db[i % outputs] += pass.outputGradient[i] }
      }
    },
    BrokenLayer(
      "inner-product-output-accumulates", InnerProduct(.init(outputs: 3)), Shape(3, 4),
      bug: "the forward pass adds to the output's memory instead of overwriting it",
      code: "y += w · x    without    y = b    before", expected: .brokenRule(.overwritesOutput),
      forward: { right, input, parameters, context, output, saved in
        let before = output
        right.forward(
          input, parameters: parameters, context: &context, output: &output, saved: &saved)
        output.add(before)
      }),
  ]
}
