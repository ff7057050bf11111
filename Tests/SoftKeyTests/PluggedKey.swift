import CFIDO2
import Foundation
import Synchronization
import Testing

@testable import SoftKey

/// A soft key that the real libfido2 has opened.
final class PluggedKey {
  let key: SoftKey
  let device: OpaquePointer
  private let descriptor: Int32

  convenience init(_ model: SoftKey.Model = SoftKey.Model()) throws {
    try self.init(SoftKey(model))
  }

  /// Plugs in a key that has been in use before.
  init(_ key: SoftKey) throws {
    self.key = key
    fido_init(0)
    let ends = try socketPair()
    descriptor = ends.0
    let served = ends.1
    Thread.detachNewThread {
      key.serve(served)
      close(served)
    }
    device = try #require(fido_dev_new())
    var functions = fido_dev_io_t(
      // The path is the descriptor, and so is the handle.
      open: { path in path.flatMap { UnsafeMutableRawPointer(bitPattern: Int(atoi($0))) } },
      close: { _ in },
      read: { handle, buffer, count, milliseconds in
        var polled = pollfd(fd: Int32(Int(bitPattern: handle)), events: Int16(POLLIN), revents: 0)
        guard poll(&polled, 1, milliseconds) == 1 else { return -1 }
        return Int32(recv(polled.fd, buffer, count, 0))
      },
      write: { handle, buffer, count in
        Int32(send(Int32(Int(bitPattern: handle)), buffer, count, Int32(MSG_NOSIGNAL)))
      })
    try #require(fido_dev_set_io_functions(device, &functions) == FIDO_OK)
    try #require(fido_dev_open(device, "\(descriptor)") == FIDO_OK)
  }

  deinit {
    var device: OpaquePointer? = device
    fido_dev_close(device)
    fido_dev_free(&device)
    close(descriptor)
  }

  /// Makes a credential; `then` gets it with libfido2's result.
  func make<T>(
    relyingParty: String = "a.example", excluding excluded: [[UInt8]] = [], pin: String? = nil,
    verification: fido_opt_t = FIDO_OPT_OMIT, _ then: (OpaquePointer, Int32) throws -> T
  ) throws -> T {
    var credential = fido_cred_new()
    defer { fido_cred_free(&credential) }
    try #require(fido_cred_set_type(credential, COSE_ES256) == FIDO_OK)
    try #require(fido_cred_set_clientdata_hash(credential, challenge, 32) == FIDO_OK)
    try #require(fido_cred_set_rp(credential, relyingParty, nil) == FIDO_OK)
    try #require(fido_cred_set_user(credential, [1], 1, "alice", nil, nil) == FIDO_OK)
    try #require(fido_cred_set_uv(credential, verification) == FIDO_OK)
    for id in excluded { try #require(fido_cred_exclude(credential, id, id.count) == FIDO_OK) }
    let result = fido_dev_make_cred(device, credential, pin)
    return try then(try #require(credential), result)
  }

  /// A new credential's id and public key, verified.
  func credential(_ relyingParty: String = "a.example", pin: String? = nil) throws -> (id: [UInt8], publicKey: [UInt8])
  {
    try make(relyingParty: relyingParty, pin: pin) { credential, result in
      try #require(result == FIDO_OK)
      #expect(attestationResult(credential) == FIDO_OK)
      return (
        Array(UnsafeBufferPointer(start: fido_cred_id_ptr(credential), count: fido_cred_id_len(credential))),
        Array(UnsafeBufferPointer(start: fido_cred_pubkey_ptr(credential), count: fido_cred_pubkey_len(credential)))
      )
    }
  }

  /// Asks for an assertion; `then` gets it with libfido2's result.
  func assert<T>(
    _ ids: [[UInt8]], relyingParty: String = "a.example", pin: String? = nil, presence: fido_opt_t = FIDO_OPT_OMIT,
    verification: fido_opt_t = FIDO_OPT_OMIT, _ then: (OpaquePointer, Int32) throws -> T
  ) throws -> T {
    var assertion = fido_assert_new()
    defer { fido_assert_free(&assertion) }
    try #require(fido_assert_set_clientdata_hash(assertion, challenge, 32) == FIDO_OK)
    try #require(fido_assert_set_rp(assertion, relyingParty) == FIDO_OK)
    try #require(fido_assert_set_up(assertion, presence) == FIDO_OK)
    try #require(fido_assert_set_uv(assertion, verification) == FIDO_OK)
    for id in ids { try #require(fido_assert_allow_cred(assertion, id, id.count) == FIDO_OK) }
    let result = fido_dev_get_assert(device, assertion, pin)
    return try then(try #require(assertion), result)
  }

  /// What libfido2 says to an assertion and its signature.
  func verify(
    _ id: [UInt8], _ publicKey: [UInt8], pin: String? = nil, verification: fido_opt_t = FIDO_OPT_OMIT
  ) throws -> Int32 {
    try assert([id], pin: pin, verification: verification) { assertion, result in
      result == FIDO_OK ? try assertionResult(assertion, publicKey) : result
    }
  }
}

let challenge = sha256(Array("challenge".utf8))

/// What libfido2 says to the attestation of a credential, be it by a certificate or its own.
func attestationResult(_ credential: OpaquePointer) -> Int32 {
  fido_cred_x5c_ptr(credential) == nil ? fido_cred_verify_self(credential) : fido_cred_verify(credential)
}

/// What libfido2 says to the signature of an assertion.
func assertionResult(_ assertion: OpaquePointer, _ publicKey: [UInt8]) throws -> Int32 {
  var point = es256_pk_new()
  defer { es256_pk_free(&point) }
  try #require(es256_pk_from_ptr(point, publicKey, publicKey.count) == FIDO_OK)
  return fido_assert_verify(assertion, 0, COSE_ES256, UnsafeRawPointer(point))
}

func socketPair() throws -> (Int32, Int32) {
  var pair: [Int32] = [-1, -1]
  try #require(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &pair) == 0)
  return (pair[0], pair[1])
}

/// Waits for a condition, at most a minute.
func waitUntil(_ what: String, _ condition: () -> Bool) throws {
  let deadline = Date().addingTimeInterval(60)
  while !condition() {
    try #require(Date() < deadline, "waited in vain until \(what)")
    Thread.sleep(forTimeInterval: 0.002)
  }
}
