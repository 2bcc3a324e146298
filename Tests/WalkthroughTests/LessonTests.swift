import Fast
import Layers
import Networks
import Tensors
import Testing
import Training

@testable import walkthrough

@Suite("What lessons find")
struct LessonTests {
  /// Those that compare training runs. The one on sharpness takes its steps itself.
  static let lessons = Lesson.allCases.filter { $0 != .sharpness }

  /// A run whose loss falls in a straight line, tested at its end.
  private func outcome(
    _ label: String, from first: Double = 2.3, to last: Double, iterations: Int = 100,
    accuracy: Double = 0.5
  ) -> LessonOutcome {
    var outcome = LessonOutcome(label: label)
    outcome.log.losses = (0..<iterations).map {
      first + (last - first) * Double($0) / Double(iterations - 1)
    }
    outcome.log.tests = [.init(iteration: iterations, loss: last, accuracy: accuracy)]
    return outcome
  }

  private func verdicts(_ lesson: Lesson, _ outcomes: [LessonOutcome]) -> [Bool?] {
    lesson.findings(outcomes).map(\.isExpected)
  }

  @Test(
    "a run whose loss is no number has nothing to compare",
    arguments: lessons.filter { $0 != .reluOrTanh })
  func diverged(lesson: Lesson) throws {
    var outcomes = lesson.runs(seed: 1).map { outcome($0.label, to: 1) }
    outcomes[0].divergence = ("NaN", 7)
    let findings = lesson.findings(outcomes)
    #expect(findings.map(\.isExpected) == [false])
    #expect(findings[0].measurement.contains("NaN in iteration 7"))
  }

  @Test("a rate at which ReLU or tanh diverges counts as one that never gets there")
  func divergedRate() {
    var outcomes = Lesson.reluOrTanh.runs(seed: 1).map { outcome($0.label, to: 0.1) }
    outcomes[1].log.losses.removeLast(50)
    outcomes[1].divergence = ("NaN", 51)
    let findings = Lesson.reluOrTanh.findings(outcomes)
    #expect(findings.count == 2)
    // Of the second rate, one more than the hundred iterations of the other runs.
    #expect(findings[0].measurement.contains("0.01: 101, "), "\(findings[0].measurement)")
  }

  @Test("a lesson finds something in every run that came to an end", arguments: lessons)
  func complete(lesson: Lesson) {
    let outcomes = lesson.runs(seed: 1).map { run in
      var outcome = outcome(run.label, to: 1)
      outcome.ownPictures = .init(loss: 0.5, accuracy: 0.9)
      return outcome
    }
    #expect(!lesson.findings(outcomes).isEmpty)
    #expect(lesson.findings([]).isEmpty)
  }

  @Test("the runs of a lesson differ in what their label says, and start from the seed given")
  func runs() {
    for lesson in Self.lessons {
      let runs = lesson.runs(seed: 5)
      let seeds = Set(lesson == .reluOrTanh ? 5..<5 + UInt32(Lesson.seeds) : 5..<6)
      #expect(Set(runs.map(\.settings.seed)) == seeds)
      #expect(Set(runs.map(\.label)).count == runs.count)
      for (first, second) in zip(runs, runs.dropFirst()) {
        #expect(first.settings != second.settings, "\(lesson): \(second.label)")
      }
    }
  }

  @Test("zero weights: the first loss is ln C, and only the last parameter moves")
  func zeroWeights() {
    var run = outcome("zeros", from: 6.9077554, to: 6.8)
    run.classes = 1000
    run.parameters = [("conv1's weights", false), ("fc8's weights", false), ("fc8's bias", true)]
    #expect(verdicts(.zeroWeights, [run]) == [true, true])
    run.parameters[0].hasMoved = true
    #expect(verdicts(.zeroWeights, [run]) == [true, false])
    run.parameters = run.parameters.map { ($0.name, false) }
    #expect(Lesson.zeroWeights.findings([run])[1].measurement.contains("nothing; 3 of 3"))
    run.log.losses[0] = 7.1
    #expect(verdicts(.zeroWeights, [run]) == [false, false])
  }

  @Test("learning rates: the middle one has to end lowest; what diverges ended highest")
  func learningRates() {
    let (small, right, large) = (
      outcome("small", to: 2.2), outcome("right", to: 0.5), outcome("large", to: 3)
    )
    #expect(verdicts(.learningRate, [small, right, large, large]) == [true])
    #expect(verdicts(.learningRate, [right, small, large, large]) == [false])
    #expect(
      verdicts(.learningRate, [large, outcome("right", to: 2.8), large, large]) == [false])
    var lost = large
    lost.divergence = ("NaN", 12)
    let findings = Lesson.learningRate.findings([small, right, large, lost])
    #expect(findings.map(\.isExpected) == [true])
    #expect(findings[0].measurement.contains("at NaN in iteration 12 with large"))
    #expect(verdicts(.learningRate, [small, lost, right, large]) == [false])
  }

  @Test("momentum: a lower loss, reached sooner, which a larger rate makes up for")
  func momentum() {
    let (fast, slow) = (outcome("with", to: 0.3), outcome("without", to: 2))
    #expect(verdicts(.noMomentum, [fast, slow, outcome("raised", to: 0.5)]) == [true, true, true])
    // slow's last mean is 2.029; fast falls by 2/99 an iteration, and its mean of 20 is there after
    // (2.3 − 2.029) / (2/99) + 10.5 = 23.9.
    let findings = Lesson.noMomentum.findings([fast, slow, fast])
    #expect(findings[1].measurement.contains("without momentum took 24"))
    #expect(verdicts(.noMomentum, [slow, fast, slow]) == [false, true])
    let raised = outcome("raised", to: 1.9)
    #expect(verdicts(.noMomentum, [fast, slow, raised]) == [true, true, false])
  }

  @Test("LRN: accuracies count as equal within twice the error of counting")
  func normalisation() {
    func run(_ accuracy: Double, divisor: Float) -> LessonOutcome {
      var run = outcome("run", to: 0.5, accuracy: accuracy)
      let input = Tensor<Float>(Shape(1, 1, 1, 2), [2, 0])
      let output = Tensor<Float>(Shape(1, 1, 1, 2), [2 / divisor, 0])
      run.normalisations = [NormalisationEffect(layer: "norm1", input: input, output: output)]
      return run
    }
    let strong = run(0.7, divisor: 2)
    // √(2·0.8·0.2/500) = 0.025.
    #expect(
      verdicts(.noLRN, [run(0.8, divisor: 1), run(0.84, divisor: 1), strong])
        == [true, true, true, nil])
    #expect(
      verdicts(.noLRN, [strong, run(0.86, divisor: 1), run(0.7, divisor: 1)])
        == [false, false, false, nil])
    let measured = Lesson.noLRN.findings([strong, strong, strong])
    #expect(measured[0].measurement.contains("norm1 divided values of size 1.414"))
    #expect(measured[0].measurement.contains("by 2.000 in the mean"))
  }

  @Test("LRN's effect is measured in a network that has run")
  func normalisationInNetwork() throws {
    let network = try Network(mini(), backend: FastBackend<Float>(), gradients: .none)
    var random = SplitMix64(seed: 1)
    try network.load(images: .normal(network.input.shape, using: &random), labels: [3])
    try network.forward()
    let effects = NormalisationEffect.all(in: network)
    #expect(effects.map(\.layer) == ["norm1", "norm2"])
    #expect(effects.allSatisfy { $0.meanDivisor >= 1 && $0.meanDivisor <= $0.greatestDivisor })
    #expect(effects.allSatisfy { $0.size > 0 && $0.greatestDivisor < 1.01 })
  }

  @Test("dropout: the gap between own and unseen pictures has to be there, and to shrink")
  func dropout() {
    func run(own: Double, unseen: Double) -> LessonOutcome {
      var run = outcome("run", to: unseen)
      run.ownPictures = .init(loss: own, accuracy: 0.9)
      return run
    }
    let (small, wide) = (run(own: 0.3, unseen: 0.8), run(own: 0.1, unseen: 0.9))
    #expect(verdicts(.noDropout, [small, wide]) == [true, true])
    #expect(verdicts(.noDropout, [wide, small]) == [true, false])
    #expect(verdicts(.noDropout, [small, run(own: 1, unseen: 0.9)]) == [false, false])
  }

  @Test("one batch: it has to be known by heart")
  func oneBatch() {
    var run = outcome("one batch", to: 0, iterations: 200, accuracy: 0.3)
    run.ownPictures = .init(loss: 0, accuracy: 1)
    #expect(verdicts(.overfitOneBatch, [run]) == [false, true])
    run.log.losses += [Double](repeating: 0.01, count: 20)
    #expect(verdicts(.overfitOneBatch, [run]) == [true, true])
    run.ownPictures?.accuracy = 0.2
    #expect(verdicts(.overfitOneBatch, [run]) == [false, false])
  }

  @Test("groups: fewer parameters; what the halves are is measured, not expected")
  func groups() {
    var (split, whole) = (outcome("2 groups", to: 0.5), outcome("1 group", to: 0.5))
    (split.parameterCount, whole.parameterCount) = (10, 20)
    split.filters = Tensor(Shape(4, 3, 2, 2), repeating: 1)
    #expect(verdicts(.groupTwo, [split, whole]) == [true, nil, nil, nil])
    #expect(verdicts(.groupTwo, [whole, split])[0] == false)
  }
}

@Suite("ReLU and tanh")
struct BendTests {
  @Test("each at its best rate, seed by seed, and how often chance does as much")
  func comparison() {
    let clear = BendComparison(
      fast: [[90, 60], [90, 50], [80, 40], [90, 60], [90, 50]],
      slow: [[90, 201], [100, 201], [100, 150], [120, 201], [75, 190]])
    #expect(BendComparison.best(clear.fast) == 1)
    #expect(BendComparison.best(clear.slow) == 0)
    #expect(clear.ratios == [1.5, 2, 2.5, 2, 1.5])
    #expect(clear.median == 2)
    // No other deal makes all five as large.
    #expect(clear.chance == 1.0 / 32)
    let findings = clear.findings(("ReLU", "tanh"), rates: [0.005, 0.01], goal: 1.15)
    #expect(findings.map(\.isExpected) == [nil, true])
    #expect(findings[0].measurement.contains("ReLU took 0.005: 90, 90, 80, 90, 90; 0.01: 60, "))
    #expect(findings[1].measurement.contains("2.00 times as many"))

    let reversed = BendComparison(fast: clear.slow, slow: clear.fast)
    #expect(reversed.chance == 1)
    #expect(reversed.findings(("a", "b"), rates: [1, 2], goal: 1)[1].isExpected == false)
    // One seed of five the other way: as much or more in 2 of 32 deals, which isn't rare enough.
    let doubtful = BendComparison(
      fast: [[50], [50], [50], [50], [60]], slow: [[100], [100], [100], [100], [50]])
    #expect(doubtful.chance == 2.0 / 32)
    #expect(doubtful.findings(("a", "b"), rates: [1], goal: 1)[1].isExpected == false)
  }

  @Test("the network with tanh has no ReLU, no dropout, and weights that suit it")
  func network() throws {
    let network = NetworkChange.tanhWithoutDropout.applied(to: mini())
    #expect(!network.layers.contains { $0.specification is ReLUSpecification })
    #expect(!network.layers.contains { $0.specification is DropoutSpecification })
    #expect(network.layers.count { $0.specification is TanHSpecification } == 7)
    #expect(network.layers.flatMap(\.parameters).count { $0.filler == .xavier() } == 6)
    _ = try NetworkPlan(network)
  }
}

@Suite("Halves of filters")
struct FilterHalvesTests {
  /// Filters of 3×3×3: grey ones that change from left to right, then colourful ones that change
  /// from top to bottom.
  private func filters(_ kinds: [Bool]) -> Tensor<Float> {
    var tensor = Tensor<Float>(Shape(kinds.count, 3, 3, 3))
    for (kernel, isFirst) in kinds.enumerated() {
      for channel in 0..<3 {
        for y in 0..<3 {
          for x in 0..<3 {
            let position = ((kernel * 3 + channel) * 3 + y) * 3 + x
            tensor[position] = isFirst ? Float(x - 1) : Float(y - 1) * Float(channel)
          }
        }
      }
    }
    return tensor
  }

  @Test("their shares are those of the formula")
  func shares() {
    let halves = FilterHalves(filters([true, true, false, false]))
    #expect(halves.colour.first == 0)
    // Of 0, 1 and 4 in the squares, (−1)² + 0 + 1² are distance from the mean.
    #expect(abs(halves.colour.second - 2.0 / 5) < 1e-12)
    #expect(halves.uprightness.first == 1)
    #expect(halves.uprightness.second == 0)
  }

  @Test("halves of two kinds are hardly chance, mixed ones may be")
  func chance() {
    let sorted = FilterHalves(filters((0..<16).map { $0 < 8 }))
    // Two of the 16 over 8 = 12,870 ways to deal are as different.
    #expect(sorted.colour.permutationTest().p < 0.002)
    let mixed = FilterHalves(filters((0..<16).map { $0.isMultiple(of: 2) }))
    #expect(mixed.colour.permutationTest().p == 1)
    #expect(mixed.uprightness.permutationTest().p == 1)
  }

  /// 0.0125 is the level of each comparison, decided before the runs: 1.0 % of the deals is below it.
  @Test(
    "the verdict follows from the deals by the level that was decided beforehand",
    arguments: [(0, true), (101, true), (124, true), (125, false), (5000, false)])
  func verdict(extreme: Int, isBeyondChance: Bool) {
    let test = PermutationTest(deals: 10_000, extreme: extreme)
    #expect((test.p <= Lesson.level / Double(Lesson.comparisons)) == isBeyondChance)
    let text = Lesson.verdict(test)
    #expect(text.contains("10,000 deals") && text.contains("p = \(Format.value(test.p))"))
    #expect(text.contains(": more than chance makes") == isBeyondChance)
    #expect(text.contains(": no more than chance makes") == !isBeyondChance)
    #expect(Lesson.groupTwo.explanation.contains("p ≤ 0.0125"))
  }

  @Test("no filters, and filters of zeros, have no shares")
  func empty() {
    for filters in [Tensor<Float>(Shape(0, 3, 3, 3)), Tensor<Float>(Shape(2, 3, 3, 3))] {
      let halves = FilterHalves(filters)
      #expect(halves.colour.first == 0 && halves.colour.second == 0)
      #expect(halves.colour.permutationTest(deals: 10).p == 1)
    }
  }
}

@Suite("Sharpness")
struct SharpnessTests {
  /// On ½·λ·w², gradient descent rises from 2/λ on.
  @Test("a bracket finds where a quadratic loss begins to rise, to within 5 %")
  func bracket() {
    let curvature = 7.0
    for guess in [0.1, 2 / curvature, 0.9] {
      let bracket = SharpnessLesson.Bracket(around: guess) { rate in
        var (w, losses) = (1.0, [Double]())
        for _ in 0..<20 {
          losses.append(curvature * w * w / 2)
          w -= rate * curvature * w
        }
        return SharpnessLesson.rises(losses)
      }
      #expect(bracket.below <= 2 / curvature && 2 / curvature <= bracket.above)
      #expect(bracket.above <= 1.05 * bracket.below)
    }
  }

  @Test("a loss that is no number has risen")
  func rises() {
    #expect(!SharpnessLesson.rises([3, 2, 2, 1]))
    #expect(SharpnessLesson.rises([3, 2, 2.1, 1]))
    #expect(SharpnessLesson.rises([3, .nan]))
    #expect(!SharpnessLesson.rises([3]))
  }

  @Test("the verdict follows from the ratios by the factor that was decided beforehand")
  func verdict() {
    func lesson(_ ratios: [Double]) -> SharpnessLesson {
      var lesson = SharpnessLesson()
      lesson.rate = 0.1
      lesson.places = ratios.enumerated().map { number, ratio in
        .init(
          step: 100 * number, loss: 1, curvature: 10, uncertainty: number == 0 ? 0.5 : 0.01,
          step1: .init(around: 0.2 * ratio) { $0 > 0.2 * ratio },
          step10: .init(around: 0.2) { $0 > 0.2 }, rising: .init(around: 0.2) { $0 > 0.2 })
      }
      lesson.beyond = [.init(multiple: 1.5, end: 0.5, rose: true)]
      lesson.curvatureBeyond = 4
      lesson.momentum = .init(around: 0.4) { $0 > 0.4 }
      return lesson
    }
    // At the first place, λ isn't known.
    let near = lesson([3, 0.95, 1.05]).findings
    #expect(near.map(\.isExpected) == [true, nil, nil, nil, nil])
    #expect(near[3].measurement.contains("at 1.5 times it ended at 0.5 after rising"))
    #expect(lesson([1, 1, 1.4]).findings.first?.isExpected == false)
    #expect(lesson([1, 0.7, 1]).findings.first?.isExpected == false)
    #expect(lesson([1]).findings.first?.isExpected == false)
    #expect(SharpnessLesson().findings.isEmpty)
    #expect(lesson([1, 1, 1]).table.rows.count == 3)
  }

  @Test("the curvature of the loss is that of its second differences along the eigenvector")
  func curvature() throws {
    let lab = try Sharpness(seed: 3)
    let start = lab.parameters
    let first = try lab.trial(steps: 2, rate: 1e-4)
    #expect(first.count == 3 && !SharpnessLesson.rises(first))
    #expect(lab.parameters == start)
    let largest = try lab.largestCurvature()
    #expect(largest.value > 0)
    // In one step, a push along an eigenvector is multiplied by 1 − η·λ = −0.5. uᵀHu is λ exactly, so that the
    // other eigenvectors in u change nothing of it.
    let growth = try lab.growth(along: largest.vector, steps: 1, rate: 1.5 / largest.value)
    #expect(abs(growth - 0.5) <= 1e-3)
    // Along u, of length 1, L(w + h·u) + L(w − h·u) − 2·L(w) is λ·h². A step of 2e-6 takes one or two of some
    // 10⁵ ReLUs to their other side, each of which would add hundreds to the quotient; one of 2e-7 takes none.
    // The loss, near 2, is off by some 10⁻¹⁵, and the quotient, near 8, by some hundredths.
    let (step, centre) = (2e-7, try lab.loss())
    var sum = 0.0
    for sign in [1.0, -1] {
      var moved = start
      var number = 0
      for layer in moved.indices {
        for parameter in moved[layer].indices {
          moved[layer][parameter] = moved[layer][parameter] + sign * step * largest.vector[number]
          number += 1
        }
      }
      lab.parameters = moved
      sum += try lab.loss()
    }
    let measured = (sum - 2 * centre) / (step * step)
    #expect(abs(measured - largest.value) <= 0.02 * abs(largest.value))
  }
}
