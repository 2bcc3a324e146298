import Testing

@testable import CaffeFormats

@Suite("The linter")
struct LintTests {
  /// Rule, line and start of the message of each finding.
  private func lint(_ text: String) throws -> [String] {
    try NetPrototxt(parsing: text, file: "net").lint().map { finding in
      "\(finding.position?.line ?? 0) \(finding.rule.rawValue) \(finding.message)"
    }
  }

  @Test("finds what is wrong with caffenet.py's nets")
  func caffenetPy() throws {
    let test = try NetPrototxt(contentsOf: Fixture.url("caffenet/test.upb.prototxt")).lint()
    #expect(test.filter { $0.rule == .noFiller }.count == 8)
    #expect(test.filter { $0.rule == .biasLearning }.count == 8)
    #expect(test.filter { $0.rule == .automaticName }.count == 8)
    #expect(test.filter { $0.rule == .mirrorInTest }.map(\.position?.line) == [7])
    #expect(test.filter { $0.rule > .biasLearning } == [])
    #expect(test.count == 25)
    #expect(
      test.first { $0.rule == .noFiller }?.description.hasPrefix(
        "\(Fixture.url("caffenet/test.upb.prototxt").relativePath):19:1: "
          + "layer \"Convolution1\" has no weight_filler [no-filler]\n    All its weights start at")
        == true)

    // The train net doesn't measure, so that it may mirror.
    let train = try NetPrototxt(contentsOf: Fixture.url("caffenet/train.upb.prototxt")).lint()
    #expect(train.filter { $0.rule == .mirrorInTest } == [])
  }

  @Test("finds pools that round up behind layers in place and gaps, and a network without a layer")
  func places() throws {
    let data = """
      layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }

      """
    // TanH writes over what Sigmoid needs backwards, but without a loss nothing goes backwards.
    let layers = """
      layer { name: "p" type: "Pooling" bottom: "data" top: "p"
        pooling_param { kernel_size: 3 stride: 2 } }
      layer { name: "s" type: "Sigmoid" bottom: "p" top: "p" }
      layer { name: "t" type: "TanH" bottom: "p" top: "p" }
      """
    let rounding = "pool-rounding layer \"p\" pools 8×8 to 4×4, rounding up"
    #expect(try lint(data + layers) == ["4 \(rounding)"])
    // A layer that can't be built is left out; the others keep their places.
    let gap = "layer { name: \"b\" type: \"Frob\" bottom: \"data\" top: \"b\" }\n"
    #expect(try lint(data + gap + layers).last == "5 \(rounding)")
    #expect(try lint("name: \"nothing\"") == ["0 shape the network has no layer"])
  }

  @Test("finds blobs that nobody reads, shapes that don't fit, and pools that round up")
  func blobs() throws {
    let head = """
      layer { name: "data" type: "Input" top: "data" top: "label"
        input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } shape { dim: 1 } } }

      """
    #expect(
      try lint(
        head + """
          layer { name: "p" type: "Pooling" bottom: "data" top: "p"
            pooling_param { kernel_size: 3 stride: 2 } }
          layer { name: "s" type: "Softmax" bottom: "data" top: "s" }
          """) == [
          "1 unread-blob layer \"data\" writes blob \"label\", which nobody reads",
          "3 unread-blob layer \"p\" writes blob \"p\", which nobody reads",
          "4 pool-rounding layer \"p\" pools 8×8 to 4×4, rounding up",
        ])
    #expect(
      try lint(
        head + """
          layer { name: "c" type: "Convolution" bottom: "data" top: "c"
            convolution_param { num_output: 4 kernel_size: 9 } }
          layer { name: "quiet" type: "Silence" bottom: "label" bottom: "c" }
          """) == [
          "3 shape layer \"c\": kernel 9×9 must not be larger than the padded input 8×8"
        ])
  }

  @Test("leaves alone what is right: a layer in place at the end, a frozen layer, another phase")
  func nothing() throws {
    #expect(
      try lint(
        """
        layer { name: "data" type: "Input" top: "data"
          input_param { shape { dim: 1 dim: 3 dim: 9 dim: 9 } } }
        layer { name: "p" type: "Pooling" bottom: "data" top: "p"
          pooling_param { kernel_size: 3 stride: 2 } }
        layer { name: "r" type: "ReLU" bottom: "p" top: "p" }
        """) == [])
    #expect(
      try lint(
        """
        layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
          transform_param { mirror: true } data_param { source: "db" batch_size: 2 } }
        layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
          param { lr_mult: 0 } param { lr_mult: 0 }
          inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" }
        """) == [
          "2 not-seen layer \"data\" has images of a size that is known only where they lie"
        ])
  }

  private func situation(_ name: String) throws -> [String] {
    try lint(Fixture.text("situations/lint/\(name).prototxt"))
  }

  @Test("compares a bias with the weights of its own layer")
  func biases() throws {
    #expect(try situation("flickr_bias") == [])
    #expect(
      try lint(
        """
        layer { name: "data" type: "Input" top: "data" top: "label"
          input_param { shape { dim: 1 dim: 3 } shape { dim: 1 } } }
        layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" param { lr_mult: 10 }
          param { lr_mult: 2 decay_mult: 0 }
          inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" }
        """) == [
          "3 bias-learning layer \"fc\" has a bias with lr_mult 2 and decay_mult 0 beside weights with "
            + "lr_mult 10"
        ])
  }

  @Test(
    "finds misspelt types and blobs whatever the size of the images, and says what it hasn't seen")
  func uncropped() throws {
    let found = try situation("unsupported_beside_uncropped_data")
    #expect(found.count == 3, "\(found)")
    #expect(
      found[0] == "1 not-seen layer \"data\" has images of a size that is known only where they lie"
    )
    #expect(found[1].hasPrefix("3 type layer \"s\": type \"Sigmiod\" is none of this project's: "))
    #expect(
      found[2]
        == "4 shape layer \"loss\": no layer in this phase writes blob \"lable\"; did you mean \"label\"?"
    )

    let pictures = try situation("unsupported_input")
    #expect(pictures.allSatisfy { $0.contains(" not-seen ") } && pictures.count == 2, "\(pictures)")

    // A pooling too large for one size of image, and fitting into another, is nobody's mistake.
    let large = try lint(
      """
      layer { name: "data" type: "Data" top: "data" data_param { source: "db" batch_size: 2 } }
      layer { name: "p" type: "Pooling" bottom: "data" top: "p"
        pooling_param { kernel_size: 230 stride: 2 } }
      """)
    #expect(large.count == 1 && large[0].contains("not-seen"), "\(large)")
  }

  @Test("goes on behind a layer that can't be built, and names those that need it")
  func behindAnObstacle() throws {
    let found = try lint(
      """
      layer { name: "h5" type: "HDF5Data" top: "data" top: "label" include { phase: TRAIN } }
      layer { name: "h5" type: "HDF5Data" top: "data" top: "label" include { phase: TEST } }
      layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 4 } }
      """)
    #expect(found.count == 3, "\(found)")
    #expect(
      found[0].hasPrefix("1 type layer \"h5\": HDF5 files are not read here. Python's h5py makes"))
    #expect(found[1].hasPrefix("2 type "))
    #expect(found[2] == "3 not-seen layer \"fc\" could not be looked into")
    // What can be built keeps its name and line.
    let pooled = try lint(
      """
      layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
      layer { name: "odd" type: "Odd" bottom: "data" top: "odd" }
      layer { name: "r" type: "ReLU" bottom: "data" top: "data" }
      layer { name: "p" type: "Pooling" bottom: "data" top: "p"
        pooling_param { kernel_size: 3 stride: 2 } }
      """)
    #expect(pooled.last == "5 pool-rounding layer \"p\" pools 8×8 to 4×4, rounding up", "\(pooled)")
    #expect(try lint("") == ["0 shape the network has no layer"])
  }

  @Test("leaves the tops of losses, and of types that aren't this project's, unjudged")
  func losses() throws {
    let found = try situation("autoencoder_loss")
    #expect(!found.contains { $0.contains("unread-blob") }, "\(found)")
    #expect(found.allSatisfy { $0.contains(" type layer ") } && found.count == 2, "\(found)")
  }
}
