import BusInterface
import GLibBus
import OfflineAccess

/// The arguments of a call, checked. GDBus has compared the types with the contract already.
struct CallArguments {
  private let call: MethodCall
  init(_ call: MethodCall) { self.call = call }

  private static let longestUser = 256
  private static let longestText = 1024

  /// A user name at `index`; "" is the caller.
  func user(_ index: Int) throws(Refusal) -> String { try text(index, "user", longest: Self.longestUser) }

  /// A response at `index`. Longer than any passcode or PIN it is a mistake, not a try.
  func response(_ index: Int) throws(Refusal) -> String { try text(index, "response", longest: Self.longestText) }

  func method(_ index: Int) throws(Refusal) -> FactorMethod {
    let name = try text(index, "method", longest: Self.longestText)
    guard let method = FactorMethod(rawValue: name) else {
      throw Refusal(.invalidArguments, "method must be passcode or security-key, not “\(name)”.")
    }
    return method
  }

  /// The options at `index`: only keys of `allowed`, each once and a string.
  func options(_ index: Int, allowed: Set<OptionKey>) throws(Refusal) -> [OptionKey: String] {
    guard call.arguments.indices.contains(index), case .dictionary(let entries) = call.arguments[index] else {
      throw Refusal(.invalidArguments, "options are missing.")
    }
    var options: [OptionKey: String] = [:]
    for (name, value) in entries {
      guard let key = OptionKey(rawValue: name), allowed.contains(key) else {
        throw Refusal(.invalidArguments, "\(call.member) knows no option “\(name.prefix(64))”.")
      }
      guard case .string(let text) = value else {
        throw Refusal(.invalidArguments, "The option \(name) must be a string.")
      }
      guard text.utf8.count <= Self.longestText else {
        throw Refusal(.invalidArguments, "The option \(name) is longer than \(Self.longestText) bytes.")
      }
      guard options.updateValue(text, forKey: key) == nil else {
        throw Refusal(.invalidArguments, "The option \(name) is given twice.")
      }
    }
    return options
  }

  private func text(_ index: Int, _ name: String, longest: Int) throws(Refusal) -> String {
    guard call.arguments.indices.contains(index), case .string(let text) = call.arguments[index] else {
      throw Refusal(.invalidArguments, "\(name) is missing.")
    }
    guard text.utf8.count <= longest else {
      throw Refusal(.invalidArguments, "\(name) is longer than \(longest) bytes.")
    }
    return text
  }
}

extension [OptionKey: String] {
  /// The purpose; login where none is given.
  func purpose() throws(Refusal) -> Purpose {
    guard let name = self[.purpose] else { return .login }
    guard let purpose = Purpose(rawValue: name) else {
      throw Refusal(.invalidArguments, "purpose must be login, unlock or elevation, not “\(name.prefix(64))”.")
    }
    return purpose
  }

  /// Whether nothing is to be stored.
  func isTrial() throws(Refusal) -> Bool {
    guard let word = self[.trial] else { return false }
    guard word == optionYes else {
      throw Refusal(.invalidArguments, "trial must be \(optionYes), or not there.")
    }
    return true
  }
}
