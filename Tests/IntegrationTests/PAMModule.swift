import Foundation
import Testing

extension IntegrationTests {
  @Suite("The PAM module as a library: its other entry points, its messages, what it is linked to")
  struct PAMModule {
    let user: String
    let phone: Phone

    init() throws {
      try Machine.reset()
      try PAMHost.install()
      user = try Machine.newUser()
      phone = try Phone.activated(user)
    }

    private static let kinds = ["auth", "account", "session", "password"]

    private func pamtester(_ service: String, _ operations: String..., typing lines: [String] = []) throws
      -> PromptDialogue.Ending
    {
      try PromptDialogue.run(["pamtester", service, user] + operations, typing: lines)
    }

    @Test("accounts, sessions and passwords: beside other modules it changes nothing, alone it is no yes")
    func otherServices() throws {
      try Machine.write(
        Self.kinds.map { "\($0) required \(PAMHost.module)\n" }.joined(), to: "/etc/pam.d/test-alone")
      try Machine.write(
        Self.kinds.map { "\($0) required pam_permit.so\n\($0) required \(PAMHost.module)\n" }.joined(),
        to: "/etc/pam.d/test-beside")
      try Machine.write(
        Self.kinds.map { "\($0) required pam_deny.so\n\($0) required \(PAMHost.module)\n" }.joined(),
        to: "/etc/pam.d/test-denied")
      for operation in ["acct_mgmt", "open_session", "close_session", "chauthtok"] {
        expectIn(try pamtester("test-beside", operation))
        expectOut(try pamtester("test-alone", operation))
        expectOut(try pamtester("test-denied", operation))
      }
      #expect(try Factor.root.allowance(user)["remaining"] == "10")
    }

    @Test("credentials: setting them succeeds behind a login and asks nothing")
    func credentials() throws {
      let credentials = ["ESTABLISH", "REINITIALIZE", "REFRESH"].map { "setcred(PAM_\($0)_CRED)" }
      let ending = try PromptDialogue.run(
        ["pamtester", PAMHost.login, user, "authenticate"] + credentials + ["open_session", "close_session"],
        typing: [Machine.password, phone.nextCode()])
      expectIn(ending, saying: "9 offline logins remaining.")
      #expect(ending.text.components(separatedBy: "Offline passcode").count == 2)
      #expect(try Factor.root.allowance(user)["remaining"] == "9")
    }

    /// A host that counts the messages of each call of its conversation: SERVICE USER ANSWER...
    private static let host = """
      #include <security/pam_appl.h>
      #include <stdio.h>
      #include <stdlib.h>
      #include <string.h>
      static char **answers;
      static int converse(int count, const struct pam_message **messages, struct pam_response **responses, void *data) {
        printf("call: %d\\n", count);
        *responses = calloc(count, sizeof **responses);
        for (int i = 0; i < count; i++) {
          int style = messages[i]->msg_style;
          printf("style %d: %s\\n", style, messages[i]->msg);
          if (style == PAM_PROMPT_ECHO_ON || style == PAM_PROMPT_ECHO_OFF) {
            if (!*answers) return PAM_CONV_ERR;
            (*responses)[i].resp = strdup(*answers++);
          }
        }
        return PAM_SUCCESS;
      }
      int main(int count, char **arguments) {
        struct pam_conv conversation = {converse, 0};
        pam_handle_t *handle;
        if (pam_start(arguments[1], arguments[2], &conversation, &handle)) return 2;
        pam_set_item(handle, PAM_TTY, "/dev/tty1");
        answers = arguments + 3;
        int code = pam_authenticate(handle, 0);
        printf("code: %d\\n", code);
        return pam_end(handle, code) || code;
      }
      """

    @Test("each call of the conversation carries one message, with or without a set-up")
    func oneMessage() throws {
      try Machine.configure("[Activation]\nstanding-alone=first-login\n")
      try Machine.write(Self.host, to: "/run/host.c")
      try run("cc", "-Wall", "-Werror", "-o", "/run/host", "/run/host.c", "-lpam").expectSuccess()
      try Machine.pamService("test-one", "auth required \(PAMHost.module)")
      let code = try phone.nextCode()
      let newcomer = try Machine.newUser()
      for (name, answers, calls, status) in [
        (user, [code], 2, 0), (user, [code], 2, 1), (user, [""], 2, 1),
        (newcomer, ["yes", "000000", "000000", "000000"], 6, 1),
      ] {
        let answer = try run(["/run/host", "test-one", name] + answers)
        #expect((answer.status == 0) == (status == 0), "\(answer)")
        let counts = answer.output.split(separator: "\n").filter { $0.hasPrefix("call: ") }
        #expect(counts.count >= calls && counts.allSatisfy { $0 == "call: 1" }, "\(answer.output)")
        // Set-up draws a QR code: what is shown are lines of their own all the same.
        if name == newcomer { #expect(answer.output.contains("authenticator")) }
      }
    }

    @Test("module and helper need libc and libpam: no library for the bus, no GLib, no Swift runtime")
    func libraries() throws {
      let module = trimmed(try run("sh", "-c", "ls /usr/lib/*/security/\(PAMHost.module)").expectSuccess().output)
      let expected = [
        module: ["libc.so.6", "libpam.so.0"], HelperProgram.path: ["libc.so.6"],
      ]
      for (program, libraries) in expected {
        let needed = try run("readelf", "-d", program).expectSuccess().output.split(separator: "\n").filter {
          $0.contains("(NEEDED)")
        }.compactMap { $0.firstMatch(of: /\[(.+)\]/).map { String($0.1) } }
        // The dynamic linker is in every process.
        #expect(needed.filter { !$0.hasPrefix("ld-linux") }.sorted() == libraries, "\(program)")
      }
      // And none of those brings them along.
      let all = try run("ldd", module).expectSuccess().output
      #expect(!all.contains("libdbus") && !all.contains("libglib") && !all.contains("libswift"), "\(all)")
    }
  }
}
