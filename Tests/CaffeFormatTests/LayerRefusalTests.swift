import CaffeMessages
import Testing

@testable import CaffeFormats

/// A text with an error, whose place is marked by `▸`, and what is said of it.
struct Refused: Sendable, CustomTestStringConvertible {
  private var marked: String
  var problem: String

  init(_ marked: String, _ problem: String) {
    self.marked = marked
    self.problem = problem
  }

  var testDescription: String { problem }
  var text: String { marked.replacing("▸", with: "") }
  var place: TextPosition {
    let before = marked.prefix { $0 != "▸" }.split(
      separator: "\n", omittingEmptySubsequences: false)
    return TextPosition(line: before.count, column: (before.last?.count ?? 0) + 1)
  }

  /// A layer of a type that reads the pictures.
  static func layer(_ type: String, _ fields: String, _ problem: String) -> Refused {
    let start = fields.contains("▸") ? "" : "▸"
    return Refused(
      """
      layer { name: "data" type: "Input" top: "data" input_param {
        shape { dim: 2 dim: 3 dim: 9 dim: 9 } } }
      \(start)layer { name: "x" type: "\(type)" bottom: "data" top: "x"
        \(fields) }
      """, "layer \"x\": " + problem)
  }

  /// What feeds a network.
  static func input(_ type: String, _ fields: String, _ problem: String) -> Refused {
    let start = fields.contains("▸") ? "" : "▸"
    return Refused(
      "\(start)layer { name: \"in\" type: \"\(type)\" \(fields) }", "layer \"in\": " + problem)
  }
}

/// What Caffe may be able to do, but this project can't, and what neither can: each is refused where it
/// is written, instead of being overlooked.
@Suite("What a layer of a prototxt can't be")
struct LayerRefusalTests {
  private func check(_ refused: Refused) {
    let error = #expect(throws: CaffeFileError.self) {
      _ = try NetPrototxt(parsing: refused.text, file: "net").network(phase: .training)
    }
    #expect(error?.problem == refused.problem)
    #expect(error?.place == .text(refused.place))
  }

  @Test(
    "in its hyper-parameters",
    arguments: [
      .layer(
        "ReLU", "▸propagate_down: false propagate_down: true",
        "has 2 \"propagate_down\" for 1 bottoms; each has its own, or there are none"),
      .layer(
        "ReLU", "▸loss_weight: 1 loss_weight: 0",
        "has 2 \"loss_weight\" for 1 tops; each has its own, or there are none"),
      .layer("ReLU", "▸loss_weight: inf", "loss_weight inf must be finite"),
      .layer("ReLU", "▸param { lr_mult: 1 }", "has 1 \"param\" but only 0 parameters"),
      .layer(
        "Softmax", "softmax_param { ▸axis: 2 }", "axis 2 must be 1, that of the classes"),
      .layer(
        "Convolution", "convolution_param { num_output: 1 kernel_size: 1 ▸axis: 2 }",
        "axis 2 must be 1, that of the channels"),
      .layer(
        "Convolution",
        "convolution_param { num_output: 1 ▸kernel_size: 3 kernel_h: 3 kernel_w: 2 }",
        "\"kernel_size\" is given twice: in one field and in two"),
      .layer(
        "Convolution", "convolution_param { num_output: 1 }", "\"kernel_size\" is missing"),
      .layer(
        "Convolution",
        "convolution_param { num_output: 1 kernel_size: 1 ▸stride: 1 stride: 1 stride: 1 }",
        "\"stride\" has 3 values; 1 or 2 fit the rows and columns of an image"),
      .layer(
        "InnerProduct", "inner_product_param { num_output: 1 ▸transpose: true }",
        "transposed weights are not possible here"),
      .layer("InnerProduct", "", "\"num_output\" is missing"),
      .layer(
        "Pooling", "pooling_param { kernel_size: 2 ▸pool: STOCHASTIC }",
        "stochastic pooling is not possible here"),
      .layer(
        "Pooling", "pooling_param { ▸global_pooling: true kernel_size: 2 }",
        "global pooling takes no kernel size"),
      .layer(
        "Pooling", "pooling_param { ▸global_pooling: true stride: 2 }",
        "global pooling takes no stride and no pad"),
      .layer(
        "Pooling", "pooling_param { kernel_size: 3 stride: 2 ▸pad: 1 pad_h: 2 pad_w: 2 }",
        "\"pad\" is given twice: in one field and in two"),
      .layer(
        "Pooling", "pooling_param { kernel_size: 3 ▸stride: 2 stride_h: 3 stride_w: 3 }",
        "\"stride\" is given twice: in one field and in two"),
      .layer(
        "Pooling", "pooling_param { kernel_size: 3 ▸pad_h: 1 }",
        "needs both \"pad_h\" and \"pad_w\", or \"pad\" for both"),
      .layer(
        "Pooling", "pooling_param { kernel_size: 3 ▸stride_w: 2 }",
        "needs both \"stride_h\" and \"stride_w\", or \"stride\" for both"),
      .layer(
        "Pooling", "pooling_param { kernel_size: 2 ▸stride: 9 }",
        "stride 9×9 must not leave the last window outside the input 9×9, as it does with kernel 2×2"
      ),
      .layer(
        "Concat", "concat_param { axis: 1 ▸concat_dim: 1 }",
        "\"axis\" and its old name \"concat_dim\" exclude each other"),
      .layer(
        "Concat", "concat_param { ▸axis: 4 }", "axis 4 must be an axis of the first input 2×3×9×9"),
      .layer(
        "Concat", "concat_param { ▸axis: -5 }",
        "axis -1 must be an axis of the first input 2×3×9×9"),
      .layer("Eltwise", "", "1 inputs must be at least 2"),
      .layer(
        "Eltwise", "bottom: \"data\" eltwise_param { operation: PROD coeff: 1 coeff: 2 }",
        "2 coefficients are possible for a sum only"),
      .layer(
        "Eltwise", "bottom: \"data\" eltwise_param { ▸coeff: 1 }",
        "has 1 \"coeff\" for 2 bottoms; each has its own, or there are none"),
      .layer(
        "Pooling", "pooling_param { kernel_h: 2 }",
        "needs either \"kernel_size\" or both \"kernel_h\" and \"kernel_w\""),
      .layer(
        "Eltwise", "eltwise_param { operation: MAX ▸coeff: 1 coeff: 2 }",
        "has 2 \"coeff\" for 1 bottoms; each has its own, or there are none"),
      .layer(
        "InnerProduct",
        """
        inner_product_param { num_output: 1
          ▸bias_filler { type: "uniform" min: 1 max: 0.5 } }
        """, "a uniform filler's min 1.0 exceeds its max 0.5"),
    ] as [Refused])
  func hyperParameters(refused: Refused) { check(refused) }

  @Test(
    "where it feeds the network",
    arguments: [
      .input("Input", "▸bottom: \"x\" top: \"a\"", "a Input layer reads no blob"),
      .input("Input", "", "a \"top\" is missing: the blob to write"),
      .input(
        "Input",
        "top: \"a\" top: \"b\" top: \"c\" ▸input_param { shape { dim: 1 } shape { dim: 2 } }",
        "has 2 shapes for 3 tops; one shape serves all, or each has its own"),
      .input(
        "Input", "▸top: \"a\" top: \"a\" input_param { shape { dim: 1 } }",
        "blob \"a\" is written by an earlier layer already"),
      .input(
        "Input", "top: \"a\" input_param { ▸shape { dim: -1 } }",
        "top \"a\" is impossible: shape -1: no extent may be negative"),
      .input(
        "DummyData", "top: \"a\" ▸dummy_data_param { num: 1 num: 2 }",
        "has 2 shapes for 1 tops; one shape serves all, or each has its own"),
      .input(
        "DummyData",
        """
        top: "a" dummy_data_param { shape { dim: 1 }
          ▸data_filler { type: "constant" } data_filler { type: "constant" } }
        """, "has 2 fillers for 1 tops; one serves all, or each has its own"),
      .input(
        "Data", "▸top: \"a\" top: \"b\" top: \"c\" data_param { batch_size: 1 }",
        "a Data layer writes 1 blob, or 2 with labels"),
      .input(
        "Data", "top: \"a\" data_param { ▸batch_size: 0 }", "\"batch_size\" must be at least 1"),
      .input(
        "Data", "top: \"a\" data_param { batch_size: 1 } ▸transform_param { scale: 2 }",
        "the size of its images is known only from the database: give a \"crop_size\""),
    ] as [Refused])
  func inputs(refused: Refused) { check(refused) }

  @Test("where its database can't be opened, with what is said of that")
  func database() throws {
    struct Unreadable: Error, CustomStringConvertible { let description = "db: is torn" }
    let refused = Refused.input(
      "Data", "top: \"a\" data_param { ▸source: \"db\" batch_size: 1 backend: LMDB }", "db: is torn"
    )
    let net = try NetPrototxt(parsing: refused.text, file: "net")
    let error = #expect(throws: CaffeFileError.self) {
      try net.network(phase: .training) { _ in throw Unreadable() }
    }
    #expect(error?.problem == refused.problem)
    #expect(error?.place == .text(refused.place))
  }

  @Test(
    "in a form that can't be upgraded",
    arguments: [
      Refused(
        "layer { name: \"a\" }\n▸layers { name: \"b\" }",
        "has both \"layers\" (the form of 2014) and \"layer\"; only one can be meant"),
      Refused(
        "▸layers { layer { name: \"a\" type: \"convolution\" } }",
        "layer \"a\", in the form of 2013: type \"convolution\" is none that Caffe had"),
      Refused(
        """
        ▸layers { layer { name: "pad" type: "padding" pad: 1 } bottom: "x" top: "p" }
        layers { layer { name: "a" type: "relu" } bottom: "p" top: "y" }
        """,
        "layer \"a\", in the form of 2013: layer \"pad\" pads for it, but padding goes from one blob to "
          + "one convolution or pooling"),
      Refused(
        "▸input: \"data\" input_dim: 1 input_dim: 3",
        "has 1 \"input\", 0 \"input_shape\" and 2 \"input_dim\"; each input needs one shape or 4 "
          + "dims, and not both"),
    ])
  func upgrading(refused: Refused) { check(refused) }
}
