import Foundation
import OnlineWire
import Testing

/// A real FreeRADIUS on loopback, which asks the real privacyIDEA about users whose names begin with "pi".
///
/// Others: `yes` is let in with the password "right"; `asks` is asked for "blue" after "right"; `bare` is let in by a
/// reply without a Message-Authenticator, as Debian's FreeRADIUS sends it by default; `empty` is let in by nothing.
enum FreeRADIUSServer {
  private static let folder = "/run/test-radius"
  static let port = 18120
  static let secret = "of two machines"

  private nonisolated(unsafe) static let started = Result { () throws -> PromptDialogue in
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Machine.write(try configuration(), to: "\(folder)/radiusd.conf", mode: 0o600)
    let server = try PromptDialogue(["freeradius", "-f", "-d", folder, "-l", "\(folder)/log"])
    try waitUntil("FreeRADIUS is ready: \((try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? "")") {
      ((try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? "").contains("Ready to process requests")
    }
    return server
  }

  static func settings() throws -> AuthoritySettings {
    _ = try started.get()
    var settings = AuthoritySettings(kind: .radius)
    settings.servers = "127.0.0.1:\(port)"
    settings.secret = Array(secret.utf8)
    settings.trigger = false
    return settings
  }

  private static func configuration() throws -> String {
    """
    name = test
    prefix = /usr
    libdir = /usr/lib/freeradius
    logdir = \(folder)
    run_dir = \(folder)
    max_request_time = 10
    log {
      destination = files
      file = \(folder)/log
    }
    security {
      status_server = yes
    }
    thread pool {
      start_servers = 4
      max_servers = 8
    }
    client test {
      ipaddr = 127.0.0.1
      secret = "\(secret)"
      require_message_authenticator = yes
    }
    modules {
      rest {
        tls {
          ca_info_file = "\(OnlinePKI.folder)/ca.pem"
        }
        connect_uri = "https://localhost:\(try PrivacyIDEAServer.port())"
        authorize {
          uri = "${..connect_uri}/validate/radiuscheck"
          method = "post"
          body = "post"
          data = "user=%{urlquote:%{User-Name}}&pass=%{urlquote:%{User-Password}}"
          tls = ${..tls}
        }
        pool {
          start = 0
          min = 0
          max = 8
          spare = 0
        }
      }
      expr {
      }
      always reject {
        rcode = reject
      }
      always handled {
        rcode = handled
      }
      always ok {
        rcode = ok
      }
    }
    server default {
      listen {
        type = auth
        ipaddr = 127.0.0.1
        port = \(port)
      }
      authorize {
        Autz-Type Status-Server {
          update reply {
            &Message-Authenticator := 0x00
          }
          ok
        }
        if (&User-Name != "bare") {
          update reply {
            &Message-Authenticator := 0x00
          }
        }
        if (&User-Name == "yes" || &User-Name == "bare") {
          if (&User-Password == "right") {
            update control {
              &Auth-Type := Accept
            }
            update reply {
              &Reply-Message := "Welcome, %{NAS-Identifier} %{Calling-Station-Id}"
            }
          }
          else {
            reject
          }
        }
        elsif (&User-Name == "empty") {
          update control {
            &Auth-Type := Accept
          }
        }
        elsif (&User-Name == "asks") {
          if (!&State && &User-Password == "right") {
            update reply {
              &State := 0x010203
              &Reply-Message := "Which colour?"
            }
            update control {
              &Response-Packet-Type := Access-Challenge
            }
            handled
          }
          elsif (&State == 0x010203 && &User-Password == "blue") {
            update control {
              &Auth-Type := Accept
            }
          }
          else {
            reject
          }
        }
        elsif (&User-Name =~ /^pi/) {
          rest
          if (ok || updated) {
            update control {
              &Auth-Type := Accept
            }
          }
          else {
            reject
          }
        }
        else {
          reject
        }
      }
    }
    """
  }
}
