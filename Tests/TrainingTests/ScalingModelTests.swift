import Networks
import Testing
import Training

@Suite("The model of several machines")
struct ScalingModelTests {
  private let machine = ScalingModel.Machine(secondsPerStep: 0.0787, secondsPerImage: 0.01965)

  private func speed(
    _ method: ScalingModel.Method, machines: Int, images: Double, gigabits: Double
  ) throws -> Double {
    let seconds = ScalingModel(try NetworkPlan(caffenet())).stepSeconds(
      method, machines: machines, images: images, machine: machine,
      link: .init(bytesPerSecond: gigabits * 1e9 / 8))
    return (images / seconds).rounded()
  }

  @Test("knows CaffeNet's bytes")
  func bytes() throws {
    let model = ScalingModel(try NetworkPlan(caffenet()))
    #expect(model.parameterBytes == 4 * 60_965_224)
    #expect(model.innerProductBytes == 4 * (37_752_832 + 16_781_312 + 4_097_000))
    // The inputs of fc6, fc7 and fc8, forwards and backwards, and the scores.
    #expect(model.activationBytes == 4 * (2 * (9216 + 4096 + 4096) + 1000))
    #expect(model.breakEvenImages.rounded() == 3274)
    #expect(model.exchangedBytes(machines: 1) == 0)
    #expect(model.exchangedBytes(machines: 2) == model.parameterBytes)
    #expect(model.exchangedBytes(machines: 4) == 1.5 * model.parameterBytes)
  }

  /// Worked out by another program from the same formulas.
  @Test("gives what the formulas give")
  func speeds() throws {
    for (machines, images, gigabits, expected) in [
      (1, 256.0, 10.0, [50.0, 50, 50]), (4, 256, 10, [150, 192, 196]),
      (16, 256, 1, [52, 54, 383]), (16, 256, 10, [301, 399, 714]),
      (64, 4096, 25, [2676, 3065, 2730]), (256, 16384, 100, [11744, 12261, 10741]),
    ] {
      let found = try ScalingModel.Method.allCases.map {
        try speed($0, machines: machines, images: images, gigabits: gigabits)
      }
      #expect(found == expected, "\(machines) machines, \(gigabits) Gbit/s")
    }
  }

  @Test("takes two measurements that differ, of which the larger batch takes longer")
  func measurements() {
    #expect(ScalingModel.Machine(seconds: 1, forImages: 8, seconds: 2, forImages: 8) == nil)
    #expect(ScalingModel.Machine(seconds: 2, forImages: 8, seconds: 1, forImages: 16) == nil)
    // 79 ms a step and 19.65 ms an image, to the digits shown.
    let measured = ScalingModel.Machine(
      seconds: 0.393, forImages: 16, seconds: 1.336, forImages: 64)
    #expect(abs((measured?.secondsPerStep ?? 0) - 0.0787) < 5e-5)
    #expect(abs((measured?.secondsPerImage ?? 0) - 0.01965) < 5e-6)
    // Through the origin, or below it: a step without images takes nothing.
    let line = ScalingModel.Machine(seconds: 1, forImages: 10, seconds: 3, forImages: 20)
    #expect(line?.secondsPerStep == 0 && line?.secondsPerImage == 0.2)
  }
}
