# SPDX-License-Identifier: Apache-2.0
"""./dev run: builds, starts a server on a folder of its own, and says how to connect to it."""
import json
import os
import pathlib
import re
import secrets
import shlex
import signal
import string
import subprocess
import sys
import time

import build

HUB, USER = "DEFAULT", "demo"


class Refused(Exception):
    """A command of ours said no."""


def ctl(state, *words, text=None):
    done = subprocess.run([build.program("polyetherctl"), "--state", state, *words], input=text,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"polyetherctl {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def wait_ready(server, state, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            raise Refused(f"the server ended with status {server.returncode}; what it said is above")
        try:
            return json.loads(ctl(state, "--json", "server", "info"))
        except (Refused, ValueError):
            time.sleep(0.1)
    raise Refused("the server does not answer")


def working_port(state):
    """The port to connect to: the first listener that is open."""
    for entry in json.loads(ctl(state, "--json", "rpc", "EnumListener", "{}"))["ListenerList"]:
        if entry.get("Enables_bool", True) and not entry.get("Errors_bool", False):
            return entry["Ports_u32"]
    raise Refused("no listener is open; try ./dev run --port 5555")


def make_user(state):
    """The demo user, with a new password each time."""
    password = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(14))
    try:
        ctl(state, "user", "show", HUB, USER)
        verb = "set"
    except Refused:
        verb = "create"
    ctl(state, "user", verb, HUB, USER, "--password-stdin", text=password + "\n")
    return password


def fingerprint(state):
    """SHA-256 of the server's certificate."""
    m = re.search(r"\b(?:[0-9A-Fa-f]{2}:?){32}\b", ctl(state, "server", "cert", "show"))
    if not m:
        raise Refused("'server cert show' shows no SHA-256 fingerprint")
    return m[0].replace(":", "").lower()


def shown(path):
    return shlex.quote(os.path.relpath(path))


def explain(state, port, password, print_hash):
    """What a person needs; the commands are to be pasted as they are."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    client = state.with_name(state.name + "-client")
    daemon = f"{sudo}{shown(build.program('polyether-clientd'))} --state {shown(client)}"
    polyether = f"{sudo}{shown(build.program('polyether'))} --state {shown(client)}"
    print(f"""
A server is running.
  address      localhost:{port}
  hub          {HUB}
  user         {USER}
  password     {password}   (a new one each time)
  certificate  sha256:{print_hash}

To connect to it, in a second terminal (the adapter needs root, the server does not):
  {daemon}
and in a third one:
  {polyether} account delete demo 2> /dev/null
  echo {password} | {polyether} account add demo --server localhost:{port} \\
    --hub {HUB} --user {USER} --password-stdin --address none \\
    --trust sha256:{print_hash} &&
  {polyether} up demo --wait 15

To look after it:
  {shown(build.program('polyetherctl'))} --state {shown(state)}

Ctrl-C ends it. Its folder is {shown(state)}.
""", flush=True)


def stop(server):
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def run(a):
    print("building ...", flush=True)
    try:
        build.build("gcc")
    except build.BuildError as e:
        print(e, file=sys.stderr)
        return 1
    if not build.program("polyether-server").exists():
        print("dev: there is no server program yet", file=sys.stderr)
        return 1
    state = pathlib.Path(a.state).absolute() if a.state else build.folder("gcc") / "run-state"
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [build.program("polyether-server"), "--state", state]
    if a.port:
        command += ["--listen", str(a.port)]
    # A session of its own: Ctrl-C reaches this program only, which then stops the server.
    server = subprocess.Popen([str(c) for c in command], start_new_session=True)
    try:
        wait_ready(server, str(state))
        explain(state, a.port or working_port(str(state)), make_user(str(state)),
                fingerprint(str(state)))
        return server.wait()
    except Refused as e:
        print(f"dev: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopping", flush=True)
        return 0
    finally:
        stop(server)
