/// Names of polkit's two contracts on the system bus (polkit(8), its D-Bus interfaces).
enum PolkitName {
  static let service = "org.freedesktop.PolicyKit1"
  static let authority = "/org/freedesktop/PolicyKit1/Authority"
  static let authorityInterface = "org.freedesktop.PolicyKit1.Authority"
  static let agentInterface = "org.freedesktop.PolicyKit1.AuthenticationAgent"
  /// Where polkit finds us; any path would do.
  static let agentPath = "/org/offlineaccess/AuthenticationAgent"
  /// The person did not want to, or nobody needs the answer any more.
  static let cancelled = "org.freedesktop.PolicyKit1.Error.Cancelled"
  static let failed = "org.freedesktop.PolicyKit1.Error.Failed"
  /// What the bus says of a call to somebody who went away.
  static let gone = ["NameHasNoOwner", "ServiceUnknown", "NoReply"].map { "org.freedesktop.DBus.Error.\($0)" }

  static let agentXML = """
    <node>
      <interface name="\(agentInterface)">
        <method name="BeginAuthentication">
          <arg type="s" name="action_id" direction="in"/>
          <arg type="s" name="message" direction="in"/>
          <arg type="s" name="icon_name" direction="in"/>
          <arg type="a{ss}" name="details" direction="in"/>
          <arg type="s" name="cookie" direction="in"/>
          <arg type="a(sa{sv})" name="identities" direction="in"/>
        </method>
        <method name="CancelAuthentication">
          <arg type="s" name="cookie" direction="in"/>
        </method>
      </interface>
    </node>
    """
}
