import Foundation
import Testing

extension IntegrationTests {
  /// The soft keys are what other tests believe in, so programs that know nothing of this project judge them first.
  @Suite("Soft keys before foreign referees")
  struct SoftKeyReferees {
    private let keys: SoftKeyHost
    private let root = "/run/soft-key-root.pem"

    init() throws {
      keys = try SoftKeyHost()
      try keys.tell("root \(root)")
    }

    private func seeing(_ command: String..., as user: String? = nil) throws -> CommandResult {
      try run(command, as: user, environment: keys.environment)
    }

    // MARK: python3-fido2

    private func referee(_ node: String, pin: String...) throws -> String {
      let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("referee.py").path
      let result = try run(["/usr/bin/python3", script, node, root] + pin, environment: keys.environment)
      return trimmed(result.expectSuccess().output)
    }

    @Test("A relying party of python3-fido2 registers each kind of key, checks its attestation, and logs in with it")
    func relyingParty() throws {
      #expect(
        try referee(keys.plug("both"))
          == "attestation=BASIC elsewhere=ClientError format=packed versions=U2F_V2,FIDO_2_0")
      #expect(
        try referee(keys.plug("u2f", "kind=u2f"))
          == "attestation=BASIC elsewhere=ClientError format=fido-u2f versions=U2F_V2")
      #expect(
        try referee(keys.plug("own", "kind=fido2 attestation=own"))
          == "attestation=SELF elsewhere=ClientError format=packed versions=FIDO_2_0")
      #expect(try referee(keys.plug("pin", "pin=1234"), pin: "1234").contains("format=packed"))
      try keys.plug("slow")
      try keys.tell("set slow touch=300")
      #expect(try referee("/dev/hidraw4").contains("format=packed"))
      let status = try keys.status("both")
      #expect(status["counter"] == "4" && status["touches"] == "4" && status["blinking"] == "no")
    }

    // MARK: fido2-tools

    @Test("fido2-token lists keys with their ids and names, and no keyboards")
    func list() throws {
      try keys.plug("token", "vendor=1050 product=0407 name=YubiKey manufacturer=Yubico")
      try keys.plug("keyboard", "kind=otp")
      try keys.plug("other", "vendor=18d1 product=5026 name=Titan_Key")
      let list = try seeing("fido2-token", "-L").expectSuccess().output.split(separator: "\n").sorted()
      #expect(
        list == [
          "/dev/hidraw0: vendor=0x1050, product=0x0407 (Yubico YubiKey)",
          "/dev/hidraw2: vendor=0x18d1, product=0x5026 (Soft Titan Key)",
        ])
      // For everybody, without privileges.
      #expect(try seeing("fido2-token", "-L", as: "alice").expectSuccess().output.split(separator: "\n").count == 2)
    }

    @Test("fido2-token tells what a key is and can")
    func information() throws {
      let node = try keys.plug(
        "key", "aaguid=42b4fb4a-2866-43b2-9bf7-6c6669c2e5d3 pin=123456 uv=yes always-uv=yes minimum-pin=6")
      let text = try seeing("fido2-token", "-I", node).expectSuccess().output
      for line in [
        "aaguid: 42b4fb4a286643b29bf76c6669c2e5d3", "caps: 0x0d (wink, cbor, nomsg)",
        "version strings: FIDO_2_0, FIDO_2_1", "minpinlen: 6", "pin retries: 8",
      ] { #expect(text.contains(line), "\(text)") }
    }

    @Test(
      "fido2-cred and fido2-assert make and verify credentials and assertions", arguments: ["both", "u2f", "fido2"])
    func tools(_ kind: String) throws {
      let node = try keys.plug("key", "kind=\(kind)")
      let folder = "/run/soft-key-tools"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let hash = Data(repeating: 7, count: 32).base64EncodedString()
      try Machine.write("\(hash)\nrelying.example\nalice\n\(hash)\n", to: "\(folder)/wanted")
      try seeing("fido2-cred", "-M", "-i", "\(folder)/wanted", "-o", "\(folder)/made", node).expectSuccess()
      try seeing("fido2-cred", "-V", "-i", "\(folder)/made", "-o", "\(folder)/verified").expectSuccess()

      // The attestation's certificate comes last.
      let made = try String(contentsOfFile: "\(folder)/made", encoding: .utf8).split(separator: "\n")
      try Machine.write(
        "-----BEGIN CERTIFICATE-----\n\(made[made.count - 1])\n-----END CERTIFICATE-----\n", to: "\(folder)/leaf")
      try run("openssl", "verify", "-CAfile", root, "\(folder)/leaf").expectSuccess()
      let text = try run("openssl", "x509", "-in", "\(folder)/leaf", "-noout", "-text").expectSuccess().output
      #expect(text.contains("OU = Authenticator Attestation") && text.contains("CA:FALSE"))
      #expect(text.contains("1.3.6.1.4.1.45724.1.1.4") == (kind != "u2f"))

      let lines = try String(contentsOfFile: "\(folder)/verified", encoding: .utf8).split(separator: "\n")
      try Machine.write("\(hash)\nrelying.example\n\(lines[0])\n", to: "\(folder)/wanted")
      try Machine.write(lines.dropFirst().joined(separator: "\n") + "\n", to: "\(folder)/public-key")
      try seeing("fido2-assert", "-G", "-i", "\(folder)/wanted", "-o", "\(folder)/signed", node).expectSuccess()
      try seeing("fido2-assert", "-V", "-i", "\(folder)/signed", "\(folder)/public-key").expectSuccess()
    }

    // MARK: pam_u2f

    @Test("pamu2fcfg registers a key, also one that is touched later", arguments: ["both", "u2f"])
    func pamU2F(_ kind: String) throws {
      try keys.plug("key", "kind=\(kind)")
      try keys.tell("set key touch=by-command")
      let program = try PromptDialogue(
        ["pamu2fcfg", "-u", "alice", "-o", "pam://box"], environment: keys.environment)
      try keys.touchWhenBlinking("key")
      let ending = try program.finish()
      #expect(ending.status == 0)
      #expect(ending.text.contains(",es256,+presence"))
    }

    // MARK: Life with a cable

    @Test("A key that is unplugged while it is asked for a touch ends the call; plugged in again it is the same key")
    func unplugged() throws {
      let node = try keys.plug("key")
      let before = try referee(node)
      try keys.tell("set key touch=never")
      let program = try PromptDialogue(["pamu2fcfg", "-u", "alice"], environment: keys.environment)
      try keys.tell("wait key blinking")
      try keys.unplug("key")
      #expect(try program.finish().status == 1)
      #expect(try seeing("fido2-token", "-L").expectSuccess().output == "")
      #expect(try seeing("fido2-token", "-I", node).status == 1)

      try keys.tell("set key touch=at-once")
      #expect(try keys.plug("key") == node)
      #expect(try keys.status("key")["counter"] == "4")
      #expect(try referee(node) == before)
      #expect(try keys.status("key")["counter"] == "8")
    }

    @Test("A program that looks for keys all the time lives through a hundred that come and go")
    func comingAndGoing() throws {
      let script = """
        import sys, threading
        from fido2.hid import list_descriptors
        ended, seen, failed = threading.Event(), set(), 0
        threading.Thread(target=lambda: (sys.stdin.read(), ended.set())).start()
        print("looking", flush=True)
        while not ended.is_set() or failed < 100:
            seen.add(len(list_descriptors()))
            try:
                open("/dev/hidraw7")
            except FileNotFoundError:
                failed += 1
        print(sorted(seen))
        """
      try keys.plug("there")
      try keys.plug("key")
      let program = try PromptDialogue(["/usr/bin/python3", "-c", script], environment: keys.environment)
      try program.wait(for: "looking")
      for _ in 0..<100 {
        try keys.unplug("key")
        try keys.plug("key")
      }
      let ending = try program.finish()
      #expect(ending.status == 0)
      #expect(ending.lines.last == "[1, 2]", "\(ending.text)")
    }

    @Test("The service runs where it sees the keys, under the movable clock as well")
    func service() throws {
      try Machine.reset()
      try keys.plug("key")
      try keys.underService {
        expectYes(try Factor.root.allowance("alice"))
        let pid = try #require(try Machine.servicePID())
        let libraries = try run("cat", "/proc/\(pid)/maps").expectSuccess().output
        let clock = try #require(try Clock.environment()["LD_PRELOAD"])
        #expect(["libumockdev-preload", clock, "/run/soft-keys.so"].allSatisfy(libraries.contains))
        #expect(try run("cat", "/proc/\(pid)/environ").output.contains(keys.folder))
      }
    }

    @Test("A fault is seen by a foreign library as well, and is over when it is taken away")
    func faults() throws {
      let node = try keys.plug("key")
      for fault in ["badSignature", "presenceClear", "wrongRelyingParty", "garbageReply", "errorReply"] {
        try keys.tell("fault key \(fault)")
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("referee.py")
        #expect(try seeing("/usr/bin/python3", script.path, node, root).status != 0, "\(fault)")
      }
      try keys.tell("fault key none")
      #expect(try referee(node).contains("format=packed"))
    }
  }
}
