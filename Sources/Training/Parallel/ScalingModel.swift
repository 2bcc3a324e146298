import Layers
import Networks

/// How many images a second some machines train on together, predicted from what one machine takes and
/// from the link between them.
///
/// A step of n images on one machine takes a + b·n seconds: a for what doesn't depend on the number of
/// images (the update, reading weights), b for an image forwards and backwards, of which the backward pass
/// is two thirds. R machines work on N = R·n images a step. Left out are reading of pictures, tests, and
/// machines that are slower than others.
public struct ScalingModel: Sendable {
  /// What a step takes on one machine.
  public struct Machine: Hashable, Sendable {
    /// Seconds of a step, whatever the number of images; a.
    public var secondsPerStep: Double
    /// Seconds more for each image; b.
    public var secondsPerImage: Double

    /// A machine of known times.
    public init(secondsPerStep: Double, secondsPerImage: Double) {
      self.secondsPerStep = secondsPerStep
      self.secondsPerImage = secondsPerImage
    }

    /// The line through two measurements; `nil` where they are of the same number of images, or where
    /// more images don't take longer. A line that begins below 0 begins at 0.
    public init?(
      seconds first: Double, forImages fewer: Int, seconds second: Double, forImages more: Int
    ) {
      guard fewer != more else { return nil }
      secondsPerImage = (second - first) / Double(more - fewer)
      secondsPerStep = max(first - secondsPerImage * Double(fewer), 0)
      guard secondsPerImage > 0, secondsPerImage.isFinite, secondsPerStep.isFinite else {
        return nil
      }
    }
  }

  /// What lies between machines.
  public struct Link: Hashable, Sendable {
    /// Bytes a second that a machine sends while it receives as many.
    public var bytesPerSecond: Double
    /// The share of that which is reached.
    public var efficiency: Double
    /// Seconds for a message without content.
    public var latency: Double

    /// A link.
    public init(bytesPerSecond: Double, efficiency: Double = 0.8, latency: Double = 20e-6) {
      self.bytesPerSecond = bytesPerSecond
      self.efficiency = efficiency
      self.latency = latency
    }
  }

  /// A way to share the work.
  public enum Method: String, CaseIterable, Sendable {
    /// Each machine has all weights and its share of the images; gradients are added behind the backward
    /// pass.
    case dataParallel
    /// The same, with gradients added while others are computed.
    case overlapped
    /// The inner products' weights are shared out, and the images' activations travel; all else as
    /// in `overlapped`. Source: A. Krizhevsky, "One weird trick for parallelizing convolutional neural
    /// networks", arXiv:1404.5997.
    case hybrid
  }

  /// The bytes of all parameters; M.
  public let parameterBytes: Double
  /// The bytes of the inner products' parameters.
  public let innerProductBytes: Double
  /// The bytes of an image that travel in `hybrid`: the inputs of the inner products and the scores
  /// forwards, the inputs' gradients backwards.
  public let activationBytes: Double

  private let innerProducts: Int

  /// The model of a network in single precision.
  ///
  /// - Complexity: O(layers).
  public init(_ plan: NetworkPlan) {
    let layers = plan.layers.filter { $0.type == "InnerProduct" }
    let inputs = layers.reduce(0) { $0 + $1.input.imageCount }
    parameterBytes = 4 * Double(plan.parameterCount)
    innerProductBytes = 4 * Double(layers.reduce(0) { $0 + $1.parameterCount })
    activationBytes = 4 * Double(2 * inputs + (layers.last?.output.imageCount ?? 0))
    innerProducts = layers.count
  }

  /// The images of a step below which `hybrid` moves fewer bytes for the inner products than the
  /// exchange of their gradients, whatever the number of machines.
  public var breakEvenImages: Double {
    activationBytes == 0 ? 0 : 2 * innerProductBytes / activationBytes
  }

  /// The bytes that each machine sends in a step to add its gradients to the others': 2·(R − 1)/R·M.
  ///
  /// - Complexity: O(1).
  public func exchangedBytes(machines: Int) -> Double {
    Self.sum(of: parameterBytes, machines)
  }

  /// The seconds of adding the gradients, if nothing else happens meanwhile.
  ///
  /// - Complexity: O(1).
  public func exchangeSeconds(machines: Int, link: Link) -> Double {
    link.seconds(bytes: exchangedBytes(machines: machines), messages: 2 * (machines - 1))
  }

  /// The seconds of a step.
  ///
  /// - Parameters:
  ///   - method: how the work is shared.
  ///   - machines: how many there are.
  ///   - images: those of all machines together.
  ///   - machine: how fast each computes.
  ///   - link: what connects them.
  /// - Complexity: O(1).
  public func stepSeconds(
    _ method: Method, machines: Int, images: Double, machine: Machine, link: Link
  ) -> Double {
    let (a, computing) = (
      machine.secondsPerStep, machine.secondsPerImage * images / Double(machines)
    )
    let (forward, backward) = (computing / 3, 2 * computing / 3)
    let exchange = exchangeSeconds(machines: machines, link: link)
    guard machines > 1 else { return a + computing }
    switch method {
    case .dataParallel: return a + computing + exchange
    case .overlapped: return a + forward + max(backward, exchange)
    case .hybrid:
      let shared = innerProductBytes / parameterBytes
      let others = link.seconds(
        bytes: Self.sum(of: parameterBytes - innerProductBytes, machines),
        messages: 2 * (machines - 1))
      let activations = link.seconds(
        bytes: Self.sum(of: images * activationBytes, machines) / 2,
        messages: 2 * innerProducts * (machines - 1))
      return a * (1 - shared + shared / Double(machines)) + forward + activations
        + max(backward, others)
    }
  }

  /// Images a second that no number of machines exceeds without overlap and with so many images a
  /// step: N·ηW/(2M), as the exchange alone takes so long.
  public func limit(images: Double, link: Link) -> Double {
    images * link.efficiency * link.bytesPerSecond / (2 * parameterBytes)
  }

  private static func sum(of bytes: Double, _ machines: Int) -> Double {
    2 * Double(machines - 1) / Double(machines) * bytes
  }
}

extension ScalingModel.Link {
  fileprivate func seconds(bytes: Double, messages: Int) -> Double {
    bytes / (efficiency * bytesPerSecond) + Double(messages) * latency
  }
}
