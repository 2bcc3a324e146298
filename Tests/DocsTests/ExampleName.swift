/// The worked examples of Docs. Each is checked because it is here, and one that isn't here fails.
enum ExampleName: String, CaseIterable, Sendable {
  case transformer
  case placement
  case convolution
  case convolutionWithPadding = "convolution with padding"
  case groups
  case relu
  case sigmoid
  case tanh
  case maxPooling = "max pooling"
  case maxPoolingOverTheBorder = "max pooling over the border"
  case averagePoolingOverTheBorder = "average pooling over the border"
  case adaptiveAveragePooling = "adaptive average pooling"
  case lrn
  case runningSum = "running sum"
  case innerProduct = "inner product"
  case dropout
  case softmaxLoss = "softmax loss"
  case accuracy
  case network
  case dual
  case columns
  case stepPolicy = "step policy"
  case momentum
  case fillers
  case concat
  case product
  case maximum
}
