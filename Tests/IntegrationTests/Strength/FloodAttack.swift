/// What an ordinary user does to the service, in Python: KIND SECONDS and more. Each says "ready" when it begins and
/// at the end how much it sent.
enum FloodAttack {
  private static let messages = """
    import hashlib, hmac, os, pwd, re, select, socket, struct, sys, time, base64
    kind, seconds, user = sys.argv[1], float(sys.argv[2]), pwd.getpwuid(os.getuid())
    align = lambda data, size: data + bytes(-len(data) % size)
    text = lambda value: struct.pack("<I", len(value)) + value.encode() + b"\\0"
    signature = lambda value: bytes([len(value)]) + value.encode() + b"\\0"
    def words(*values):
        body = b""
        for value in values: body = align(body, 4) + text(value)
        return body
    options = lambda body: align(align(body, 4) + struct.pack("<I", 0), 8)
    def call(serial, destination, path, interface, member, types="", body=b""):
        fields = b""
        for code, kind, value in ((1, "o", path), (2, "s", interface), (3, "s", member), (6, "s", destination)):
            fields = align(align(fields, 8) + bytes([code]) + signature(kind), 4) + text(value)
        if types: fields = align(fields, 8) + bytes([8]) + signature("g") + signature(types)
        return align(struct.pack("<BBBBIII", 108, 1, 0, 1, len(body), serial, len(fields)) + fields, 8) + body
    name, path, bus = "org.offlineaccess.Factor1", "/org/offlineaccess/Factor1", "org.freedesktop.DBus"
    def connected():
        one = socket.socket(socket.AF_UNIX)
        one.connect("/run/dbus/system_bus_socket")
        one.send(b"\\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\\r\\nBEGIN\\r\\n"
            + call(1, bus, "/org/freedesktop/DBus", bus, "Hello"))
        answer = b""
        while b"NameAcquired" not in answer: answer += one.recv(4096)
        one.setblocking(False)
        return one

    """

  /// 200 connections call everything: all at once, or on and on.
  static let allMethods =
    messages + """
      methods = [
          (path, name, "Authenticate", "ssa{sv}", options(words("", "000000"))),
          (path, name, "Authenticate", "ssa{sv}", options(words("root", "000000"))),
          (path, name, "RemainingAllowance", "s", words("")),
          (path, name, "Activate", "ssa{sv}", options(words("", "passcode"))),
          (path, name, "Reactivate", "ssa{sv}", options(words("", "passcode"))),
          (path, name, "Renew", "s", words("root")), (path, name, "Deactivate", "s", words("")),
          (path + "/activation/1", name + ".Activation", "Confirm", "sa{sv}", options(words("000000"))),
          (path + "/activation/1", name + ".Activation", "Cancel", "", b""),
          (path, bus + ".Properties", "GetAll", "s", words(name)),
          (path, bus + ".Introspectable", "Introspect", "", b""), (path, bus + ".Peer", "Ping", "", b"")]
      calls = b"".join(call(10 + n, name, *methods[n % len(methods)]) for n in range(100))
      connections = {one.fileno(): one for one in (connected() for _ in range(200))}
      unsent = dict.fromkeys(connections, calls)
      poller = select.poll()
      for number in connections: poller.register(number, select.POLLIN | select.POLLOUT)
      print("ready", flush=True)
      end, sent = time.monotonic() + seconds, 0
      while time.monotonic() < end:
          for number, events in poller.poll(50):
              try:
                  if events & select.POLLIN: connections[number].recv(262144)
                  if events & select.POLLOUT:
                      count = connections[number].send(unsent[number][:65536])
                      sent += count
                      unsent[number] = unsent[number][count:]
                      if not unsent[number]:
                          if kind == "hammer": unsent[number] = calls
                          else: poller.modify(number, select.POLLIN)
              except BlockingIOError: pass
      print("sent", sent * 100 // len(calls), flush=True)
      """

  /// Codes right and wrong and set-ups begun, confirmed and cancelled, as fast as they are answered: KIND SECONDS SECRET,
  /// the secret of codes by counter.
  static let writes =
    messages + """
      secret, counter, failures = base64.b32decode(sys.argv[3] + "=" * (-len(sys.argv[3]) % 8)), 0, 0
      def code():
          global counter
          counter += 1
          digest = hmac.new(secret, struct.pack(">Q", counter), hashlib.sha1).digest()
          place = digest[-1] & 15
          return "%06d" % ((struct.unpack(">I", digest[place:place + 4])[0] & 0x7fffffff) % 10**6)
      def authenticate(code): return (path, name, "Authenticate", "ssa{sv}", options(words("", code)))
      def on(object, member, types="", body=b""): return (object, name + ".Activation", member, types, body)
      def right(): # yeses, each of them a commit
          while True: yield authenticate(code())
      def wrong(): # failures, but for a long time none that locks: then there would be nothing to write
          global failures
          while True:
              if failures < 3 or time.monotonic() > end - seconds / 5:
                  failures += 1
                  yield authenticate("1234567")
              else: yield (path, name, "RemainingAllowance", "s", words(""))
      def setUp(): # replacements, begun by a code, tried and cancelled
          while True:
              option = align(text("response") + signature("s"), 4) + text(code())
              body = align(align(words("", "passcode"), 4) + struct.pack("<I", len(option)), 8) + option
              answer = yield (path, name, "Reactivate", "ssa{sv}", body)
              found = re.search(rb"/org/offlineaccess/Factor1/activation/[0-9]+", answer)
              if not found: continue
              object = found.group().decode()
              yield on(object, "Confirm", "sa{sv}", options(words("000000")))
              yield on(object, "Cancel")
              yield (path, name, "Activate", "ssa{sv}", options(words("", "passcode")))
      end = time.monotonic() + seconds
      roles = [right] * 5 + [setUp] * 2 + [wrong] * 4
      peers = [(connected(), role()) for role in roles]
      def complete(answer):
          if len(answer) < 16: return 0
          body, _, fields = struct.unpack("<III" if answer[0] == 108 else ">III", answer[4:16])
          size = 16 + (fields + 7) // 8 * 8 + body
          return size if len(answer) >= size else 0
      poller, state, sent, yeses = select.poll(), {}, 0, 0
      for one, calls in peers:
          poller.register(one.fileno(), select.POLLIN)
          state[one.fileno()] = [one, calls, b"", 10]
          one.send(call(10, name, *next(calls)))
      print("ready", flush=True)
      while time.monotonic() < end:
          for number, _ in poller.poll(50):
              one, calls, answer, serial = state[number]
              answer += one.recv(262144)
              size = complete(answer)
              while size:
                  message, answer = answer[:size], answer[size:]
                  if message[1] in (2, 3):
                      sent += 1
                      if message[1] == 2 and b"remaining" in message and b"via" in message: yeses, failures = yeses + 1, 0
                      serial += 1
                      one.send(call(serial, name, *calls.send(message)))
                  size = complete(answer)
              state[number][2:] = [answer, serial]
      print("yeses", yeses, flush=True)
      print("sent", sent, flush=True)
      """

  /// Messages near the bus's limit, on and on; where the bus is slow, until some have arrived and one is refused.
  static let large =
    messages + """
      # Elements so small that a value made of each would take a hundred times the room.
      body = bytes(30_000_000)
      messages = [call(10 + n, name, path, name, "RemainingAllowance", "a" + kind, struct.pack("<I", len(body)) + body)
          for n, kind in enumerate("gnb")]
      peers = {one.fileno(): one for one in (connected() for _ in range(4))}
      unsent = {number: memoryview(messages[place % 3]) for place, number in enumerate(peers)}
      poller = select.poll()
      for number in peers: poller.register(number, select.POLLIN | select.POLLOUT)
      print("ready", flush=True)
      end, sent, answers = time.monotonic() + seconds, 0, b""
      met = lambda: sent > seconds and b"larger than any" in answers
      while time.monotonic() < end or not met() and time.monotonic() < end + 60:
          for number, events in poller.poll(50):
              if events & select.POLLIN: answers += peers[number].recv(262144)
              if events & select.POLLOUT:
                  try: unsent[number] = unsent[number][peers[number].send(unsent[number][:1 << 20]):]
                  except BlockingIOError: continue
                  if not unsent[number]:
                      sent += 1
                      unsent[number] = memoryview(messages[sent % 3])
      print("refused", answers.count(b"larger than any"), flush=True)
      print("sent", sent, flush=True)
      """
}
