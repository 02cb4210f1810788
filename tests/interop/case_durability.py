# SPDX-License-Identifier: Apache-2.0
"""What the server has answered is there after it was killed at any instant."""
import random
import threading
import time

import polyether
from netlab import need
from registry import scenario
from softether import HUB

WRITERS, CHANGES = 4, 500


class Writer(threading.Thread):
    """Makes, changes and deletes users of its own until the server dies under it."""

    def __init__(self, number, server, known, seed):
        super().__init__(daemon=True)
        self.number, self.server, self.known = number, server, known
        self.random = random.Random(seed)
        self.answered, self.problem = 0, None

    def run(self):
        try:
            rpc = self.server.rpc()
            while True:
                self.change(rpc)
                self.answered += 1
        except (OSError, ConnectionError):
            pass  # killed, as planned
        except Exception as e:
            self.problem = e

    def change(self, rpc):
        """known: {name: (note, note that may be there instead)}; None for "no such user"."""
        name = f"u{self.number}x{self.random.randrange(40)}"
        before = self.known.get(name, (None, None))[0]
        note = f"note {self.random.randrange(10**9)}"
        kind = "create" if before is None else self.random.choice(("set", "set", "delete"))
        if kind == "delete":
            note = None
        self.known[name] = (before, note)
        fields = {"HubName_str": HUB, "Name_str": name}
        if kind == "delete":
            rpc.call("DeleteUser", **fields)
        else:
            rpc.call("CreateUser" if kind == "create" else "SetUser", **fields, Note_utf=note,
                     Realname_utf="", AuthType_u32=0)
        self.known[name] = (note, note)


def compare(server, known):
    """The users are those of the last answers; a change under way at the kill may be in or not."""
    have = {u["Name_str"]: u["Note_utf"]
            for u in server.rpc().call("EnumUser", HubName_str=HUB).get("UserList", [])}
    wrong = []
    for name, allowed in known.items():
        note = have.pop(name, None)
        if note not in allowed:
            wrong.append(f"{name}: {note!r}, should be one of {allowed}")
        known[name] = (note, note)
    wrong += [f"{name}: nobody made it" for name in have]
    need(not wrong, f"{len(wrong)} of {len(known)} users are wrong:\n" + "\n".join(wrong[:10]))


@scenario("durability/kill", needs=("server",), limit=240, capture=False)
def _(t):
    changes = CHANGES * (10 if t.long else 1)
    seed = random.randrange(10**9)
    chance, known, answered, kills = random.Random(seed), {}, 0, 0
    with t.must("server, hub"):
        server = polyether.Server(t.lab)
        server.make_hub()
        for u in server.rpc().call("EnumUser", HubName_str=HUB)["UserList"]:
            known[u["Name_str"]] = (u["Note_utf"], u["Note_utf"])
    with t.check(f"{changes} changes, killed at random moments"):
        while answered < changes:
            writers = [Writer(i, server, known, chance.random()) for i in range(WRITERS)]
            for w in writers:
                w.start()
            time.sleep(chance.uniform(0.01, 0.4))
            server.process.kill()
            kills += 1
            for w in writers:
                w.join(20)
                need(w.problem is None, f"seed {seed}: {w.problem!r}")
                answered += w.answered
            server.start()
            compare(server, known)
        print(f"     {answered} changes were answered, the server was killed {kills} times", flush=True)
    with t.check("killed during its first start, and between changes"):
        for pause in (0.0, 0.005, 0.02, 0.05, 0.1):
            fresh = polyether.Server(t.lab, wait=False, log="polyether-server-fresh",
                                     options=("--listen", "8443"), state=t.lab.tmp / f"fresh{pause}")
            time.sleep(pause)
            fresh.process.kill()
            fresh.start(wait=False)
            from netlab import wait_until
            wait_until("the server after a kill at its first start",
                       lambda s=fresh: s.ctl("hub", "show", "DEFAULT", check=False)[0] == 0, 15)
            fresh.process.kill()
    with t.check("the server ends when told to"):
        compare(server, known)
        server.stop()
