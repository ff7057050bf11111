"""What a screen reader has of the login screen, for tests: a tree, a wait for a name, or announcements."""

import json
import sys
import time

import pyatspi


def nodes(node):
    """All accessible objects below a node that are showing, in their order."""
    for child in node or ():
        if child is None:
            continue
        if child.getRole() == pyatspi.ROLE_APPLICATION:
            yield from nodes(child)
            continue
        states = {pyatspi.stateToString(state) for state in child.getState().getStates()}
        if "showing" in states:
            yield {
                "role": child.getRoleName(),
                "name": child.name,
                "description": child.description,
                "states": sorted(states),
                "extents": extents(child),
            }
            yield from nodes(child)


def extents(node):
    try:
        return list(node.queryComponent().getExtents(pyatspi.DESKTOP_COORDS))
    except NotImplementedError:
        return []


def showing():
    """A tree that changes while it is read is read again."""
    while True:
        try:
            return list(nodes(pyatspi.Registry.getDesktop(0)))
        except Exception:  # pyatspi passes on whatever the bus says
            time.sleep(0.02)


def wait(role, name):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = showing()
        if any(node["role"] == role and node["name"] == name for node in found):
            return
        time.sleep(0.02)
    sys.exit(f"no {role} “{name}” in {found}")


def listen():
    pyatspi.Registry.registerEventListener(
        lambda event: print(event.any_data, flush=True), "object:announcement"
    )
    print("listening", flush=True)
    pyatspi.Registry.start()


match sys.argv[1:]:
    case ["tree"]:
        json.dump(showing(), sys.stdout)
    case ["wait", role, name]:
        wait(role, name)
    case ["listen"]:
        listen()
    case _:
        sys.exit("usage: reader.py tree | wait ROLE NAME | listen")
