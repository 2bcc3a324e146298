import Fast
import FoundationEssentials
import Layers
import Reference
import Testing
import Tuned

/// A layer that exists in one version only doesn't compile, as both backends list every layer;
/// and its file in one folder only fails here.
@Suite("Every layer has its twin")
struct CompletenessTests {
  @Test func files() throws {
    let reference = try layers(in: "Reference")
    let fast = try layers(in: "Fast")
    #expect(reference == fast)
    #expect(reference.count == 14)
  }

  /// The files of a module that define a layer.
  private func layers(in module: String) throws -> Set<String> {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let folder = "/\(root)/Sources/\(module)"
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
    return Set(
      files.filter { file in
        guard let data = FileManager.default.contents(atPath: "\(folder)/\(file)") else {
          return false
        }
        let text = String(decoding: data, as: UTF8.self)
        let name = file.prefix { $0 != "." }
        let kinds = ["Layer", "SingleInputLayer", "InPlaceLayer"]
        return kinds.contains { kind in
          text.contains("public struct \(name)<Scalar: Tensors.Scalar>: \(kind) {")
            || text.contains("public struct \(name)<Scalar: BLASScalar>: \(kind) {")
        }
      })
  }

  @Test("The backends hand out the layers of their module")
  func backends() {
    let names = [
      (ReferenceBackend<Float>() as any Backend<Float>, "reference", "Reference."),
      (FastBackend<Float>(), "fast", "Fast."),
    ]
    for (backend, name, module) in names {
      #expect(backend.name == name)
      let types = [
        String(reflecting: type(of: backend.convolution(.init(outputChannels: 1, kernel: 1)))),
        String(reflecting: type(of: backend.relu(.init()))),
        String(reflecting: type(of: backend.pooling(.init(global: .maximum)))),
        String(reflecting: type(of: backend.lrn(.init()))),
        String(reflecting: type(of: backend.innerProduct(.init(outputs: 1)))),
        String(reflecting: type(of: backend.dropout(.init()))),
        String(reflecting: type(of: backend.sigmoid(.init()))),
        String(reflecting: type(of: backend.tanh(.init()))),
        String(reflecting: type(of: backend.concat(.init()))),
        String(reflecting: type(of: backend.eltwise(.init()))),
        String(reflecting: type(of: backend.adaptiveAveragePooling(.init(output: 1)))),
        String(reflecting: type(of: backend.softmax(.init()))),
        String(reflecting: type(of: backend.softmaxWithLoss(.init()))),
        String(reflecting: type(of: backend.accuracy(.init()))),
      ]
      #expect(types.allSatisfy { $0.hasPrefix(module) }, "\(types)")
    }
  }

  /// What Tuned has no better version of is inherited: this is the list of what it has.
  @Test("Tuned overrides four layers and inherits the others from Fast")
  func overrides() throws {
    let backend = TunedBackend()
    #expect(backend.name == "tuned")
    let types = [
      String(reflecting: type(of: backend.convolution(.init(outputChannels: 1, kernel: 1)))),
      String(reflecting: type(of: backend.pooling(.init(global: .maximum)))),
      String(reflecting: type(of: backend.lrn(.init()))),
      String(reflecting: type(of: backend.innerProduct(.init(outputs: 1)))),
      String(reflecting: type(of: backend.relu(.init()))),
      String(reflecting: type(of: backend.dropout(.init()))),
      String(reflecting: type(of: backend.sigmoid(.init()))),
      String(reflecting: type(of: backend.tanh(.init()))),
      String(reflecting: type(of: backend.concat(.init()))),
      String(reflecting: type(of: backend.eltwise(.init()))),
      String(reflecting: type(of: backend.adaptiveAveragePooling(.init(output: 1)))),
      String(reflecting: type(of: backend.softmax(.init()))),
      String(reflecting: type(of: backend.softmaxWithLoss(.init()))),
      String(reflecting: type(of: backend.accuracy(.init()))),
    ]
    let modules = types.map { String($0.prefix { $0 != "." }) }
    #expect(
      modules == [String](repeating: "Tuned", count: 4) + [String](repeating: "Fast", count: 10))
  }
}
