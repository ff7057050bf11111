"""polkitd, as far as an agent sees it: polkit_stand_in.py [--drop].

It tells "agent NAME" when one has registered; with --drop it goes away instead, in the middle of that call. Commands on
stdin, one a line, are sent on as they come:

  begin COOKIE UID...   tells "ended COOKIE ok" or the error's name, when the agent has done with the question
  cancel COOKIE         tells "cancel COOKIE ok" or the error's name

In a cookie, "%0A" and the like are characters.
"""

import os
import sys
from urllib.parse import unquote

from gi.repository import Gio, GLib

NAME = "org.freedesktop.PolicyKit1"
AGENT = NAME + ".AuthenticationAgent"
AUTHORITY = Gio.DBusNodeInfo.new_for_xml(
    """<node><interface name="org.freedesktop.PolicyKit1.Authority">
  <method name="RegisterAuthenticationAgent">
    <arg type="(sa{sv})" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
  </method>
  <method name="UnregisterAuthenticationAgent">
    <arg type="(sa{sv})" direction="in"/><arg type="s" direction="in"/>
  </method>
</interface></node>"""
)
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
agent = None


def tell(*words):
    print(*words, flush=True)


def called(_bus, sender, _path, _interface, member, parameters, invocation):
    global agent
    if member == "RegisterAuthenticationAgent":
        if "--drop" in sys.argv:
            os._exit(0)
        agent = (sender, parameters.unpack()[2])
        tell("agent", sender)
    invocation.return_value(None)


def call(word, cookie, member, arguments):
    def done(source, result):
        try:
            source.call_finish(result)
            tell(word, cookie, "ok")
        except GLib.Error as error:
            tell(word, cookie, Gio.dbus_error_get_remote_error(error))

    bus.call(*agent, AGENT, member, arguments, None, Gio.DBusCallFlags.NONE, GLib.MAXINT, None, done)


def command(line):
    word, cookie, *uids = line.split()
    text = unquote(cookie)
    if word == "cancel":
        call(word, cookie, "CancelAuthentication", GLib.Variant("(s)", (text,)))
        return
    identities = [("unix-user", {"uid": GLib.Variant("u", int(uid))}) for uid in uids]
    question = ("org.example.try", f"Question {cookie}", "", {}, text, identities)
    call("ended", cookie, "BeginAuthentication", GLib.Variant("(sssa{ss}sa(sa{sv}))", question))


def read(source, _condition):
    data = os.read(source, 65536).decode()
    for line in data.splitlines():
        command(line)
    return bool(data) or loop.quit()


loop = GLib.MainLoop()
bus.register_object(
    "/org/freedesktop/PolicyKit1/Authority", AUTHORITY.interfaces[0], called, None, None
)
Gio.bus_own_name_on_connection(bus, NAME, Gio.BusNameOwnerFlags.NONE, lambda *_: tell("ready"), None)
GLib.unix_fd_add_full(0, 0, GLib.IOCondition.IN | GLib.IOCondition.HUP, read)
loop.run()
