# SPDX-License-Identifier: Apache-2.0
"""Access rules as sessions see them: one check for each field of a rule, by frames that the rule is
for and frames that differ in that one thing; floods, sets, source addresses."""
import base64
import ipaddress
import pathlib
import re
import struct
import time

import polyether
from netlab import SRV, Failed, need
from registry import scenario
from sevpn import BROADCAST, Refused, Session, ethernet, mac, until_delivered
from softether import HUB, PASSWORD

TABLE = pathlib.Path(__file__).parents[2] / "core/rpc/wire/methods_access.c"
IP4, IP6, ARP, TEST = 0x0800, 0x86DD, 0x0806, 0x88B5
TCP, UDP, ICMP = 6, 17, 1
SYN, ACK = 0x02, 0x10
ANNA, BOB = mac(1), mac(2)


def b64(data):
    return base64.b64encode(data).decode()


def v6(text):
    return b64(ipaddress.ip_address(text).packed)


def mask6(length):
    return b64(ipaddress.ip_network(f"::/{length}").netmask.packed)


def packet(mark, src="10.0.0.1", dst="10.0.0.2", protocol=UDP, sport=4000, dport=5000, flags=ACK,
           smac=ANNA, dmac=BOB):
    """A frame with a mark behind what rules see of it."""
    if protocol == TCP:
        upper = struct.pack(">HHIIBBHHH", sport, dport, 1, 1, 5 << 4, flags, 1000, 0, 0) + mark
    elif protocol == UDP:
        upper = struct.pack(">HHHH", sport, dport, 8 + len(mark), 0) + mark
    else:
        upper = bytes(8) + mark
    src, dst = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
    if len(src) == 4:
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(upper), 7, 0, 64, protocol, 0) + src + dst
        return ethernet(dmac, smac, head + upper, IP4)
    head = struct.pack(">IHBB", 6 << 28, len(upper), protocol, 64) + src + dst
    return ethernet(dmac, smac, head + upper, IP6)


ANY4 = {"SrcIpAddress_ip": "10.0.0.0", "SrcSubnetMask_ip": "255.0.0.0"}
ANY6 = {"IsIPv6_bool": True, "SrcIpAddress6_bin": v6("fd00::"), "SrcSubnetMask6_bin": mask6(8)}
FD = {"src": "fd00::1", "dst": "fd00::2"}

# Fields that the case is about; the rule, which discards; a packet that it is for, and one that
# differs. No field of the table may be without a case.
CASES = [
    ("Discard", {"Discard_bool": True}, {}, None),
    ("SrcIpAddress SrcSubnetMask", {"SrcIpAddress_ip": "10.0.0.0", "SrcSubnetMask_ip": "255.255.255.0"},
     {}, {"src": "10.0.1.1"}),
    ("SrcSubnetMask", {"SrcIpAddress_ip": "0.0.0.1", "SrcSubnetMask_ip": "0.0.0.255"}, {"src": "10.7.8.1"},
     {"src": "10.7.8.2"}),
    ("DestIpAddress DestSubnetMask", {"DestIpAddress_ip": "10.0.0.2", "DestSubnetMask_ip": "255.255.255.255"},
     {}, {"dst": "10.0.0.3"}),
    ("IsIPv6 SrcIpAddress6 SrcSubnetMask6", ANY6, FD, {**FD, "src": "fe00::1"}),
    ("IsIPv6", ANY6, FD, {}),
    ("DestIpAddress6 DestSubnetMask6", {"IsIPv6_bool": True, "DestIpAddress6_bin": v6("fd00::2"),
                                        "DestSubnetMask6_bin": mask6(128)}, FD, {**FD, "dst": "fd00::3"}),
    ("SrcAddressSet", {"SrcAddressSet_str": "office"}, FD, {"src": "10.0.1.1"}),
    ("SrcAddressSet", {"SrcAddressSet_str": "office"}, {"src": "10.7.8.1"}, {"src": "10.0.1.1"}),
    ("DestAddressSet", {"DestAddressSet_str": "@office"}, {"dst": "10.7.8.1"}, {"dst": "10.0.0.9"}),
    ("Protocol", {"Protocol_u32": UDP}, {}, {"protocol": TCP}),
    ("Protocol", {"Protocol_u32": ICMP}, {"protocol": ICMP}, {}),
    ("SrcPortStart", {"SrcPortStart_u32": 4000}, {}, {"sport": 3999}),
    ("SrcPortEnd", {"SrcPortStart_u32": 3000, "SrcPortEnd_u32": 4000}, {}, {"sport": 4001}),
    ("DestPortStart", {"DestPortStart_u32": 5000}, {}, {"dport": 5001}),
    ("DestPortEnd", {"DestPortStart_u32": 4990, "DestPortEnd_u32": 5010, "Protocol_u32": TCP},
     {"protocol": TCP}, {"protocol": TCP, "dport": 5011}),
    ("SrcUsername", {"SrcUsername_str": "Anna"}, {}, "bob"),
    ("SrcUsername", {"SrcUsername_str": "staff"}, {}, "bob"),
    ("DestUsername", {"DestUsername_str": "BOB"}, {}, {"dmac": mac(3)}),
    ("CheckSrcMac SrcMacAddress SrcMacMask",
     {"CheckSrcMac_bool": True, "SrcMacAddress_bin": b64(ANNA), "SrcMacMask_bin": b64(b"\xff" * 6)},
     {}, {"smac": mac(11)}),
    ("SrcMacMask", {"CheckSrcMac_bool": True, "SrcMacAddress_bin": b64(ANNA[:5] + b"\0"),
                    "SrcMacMask_bin": b64(b"\0\0\0\0\0\xf0")}, {}, {"smac": mac(16)}),
    ("CheckDstMac DstMacAddress DstMacMask",
     {"CheckDstMac_bool": True, "DstMacAddress_bin": b64(BOB), "DstMacMask_bin": b64(b"\xff" * 6)},
     {}, {"dmac": mac(3)}),
    ("CheckTcpState Established", {"CheckTcpState_bool": True, "Established_bool": True},
     {"protocol": TCP}, {"protocol": TCP, "flags": SYN}),
    ("Established", {"CheckTcpState_bool": True}, {"protocol": TCP, "flags": SYN}, {"protocol": TCP}),
    ("CheckTcpState", {"CheckTcpState_bool": True}, {"protocol": TCP, "flags": SYN}, {}),
]
# What is not told by frames that are discarded or not; each has a check of its own below.
OTHERS = {"Id", "Note", "Active", "Priority", "Delay", "Jitter", "Loss", "RedirectUrl"}


class Hub:
    """anna, of staff, and bob and carl, each with a session."""

    def __init__(self, t):
        self.server = polyether.Server(t.lab)
        self.server.make_hub()
        self.server.ctl("group", "create", HUB, "staff")
        self.server.add_user("anna", PASSWORD, HUB, "--group", "staff")
        self.server.add_user("bob", PASSWORD)
        self.server.add_user("carl", PASSWORD)
        self.call("SetAddressSet", Name_str="Office", Addresses_str="10.7.8.0/24, fd00::/8")
        self.anna, self.bob, self.carl = (Session(t.lab.cli, SRV, HUB, name, PASSWORD)
                                          for name in ("anna", "bob", "carl"))
        self.marks = 0
        for s, n in ((self.anna, 1), (self.bob, 2), (self.carl, 3)):
            other = self.bob if s is not self.bob else self.anna
            until_delivered(s, other, ethernet(BROADCAST, mac(n), b"here is %d" % n + bytes(50)))

    def call(self, method, **parameters):
        return self.server.rpc().call(method, HubName_str=HUB, **parameters)

    def rules(self, *rules):
        return self.call("SetAccessList", AccessList=[
            {"Active_bool": True, "Priority_u32": 10 * (i + 1), **rule} for i, rule in enumerate(rules)])

    def mark(self):
        self.marks += 1
        return b"mark %06d." % self.marks + bytes(20)

    def passes(self, fields, sender=None):
        """Sends one frame, and one that passes for sure, behind it; whether the first arrived."""
        mark, end = self.mark(), self.mark()
        if fields == "bob":
            sender, fields = self.bob, {"smac": BOB, "dmac": ANNA}
        sender = sender or self.anna
        to = fields.get("dmac", BOB)
        receiver = {ANNA: self.anna, BOB: self.bob, mac(3): self.carl}.get(to, self.bob)
        sender.send(packet(mark, **fields))
        source = {self.anna: ANNA, self.bob: BOB, self.carl: mac(3)}[sender]
        sender.send(ethernet(to, source, end, ARP))
        got = []
        receiver.wait_frame("the frame behind", lambda f: got.append(f) or end in f, 20)
        return any(mark in f for f in got)


def fields_of_table():
    text = TABLE.read_text()
    start = text.index("#define RULE_FIELDS")
    return {name.rsplit("_", 1)[0]
            for name in re.findall(r'F(?:_OURS)?\("(\w+)"', text[start:text.index("\n\n", start)])}


@scenario("acl/fields", needs=("server",), asan=True, limit=180)
def _(t):
    with t.must("a hub with three sessions"):
        h = Hub(t)
    with t.check("each field of a rule has a case"):
        told = {name for what, *_ in CASES for name in what.split()} | OTHERS
        missing = fields_of_table() - told
        need(not missing, f"nothing is asked about {', '.join(sorted(missing))}")
        need(len(fields_of_table()) > 30, "the table of fields was not found")
    for what, rule, matches, differs in CASES:
        with t.check(f"{what}: {rule}"):
            h.rules({"Discard_bool": True, **rule})
            need(not h.passes(matches), f"{matches} passed")
            need(differs is None or h.passes(differs), f"{differs} did not pass")
            h.rules({**rule, "Discard_bool": False})
            need(h.passes(matches), "the rule discards, though it says pass")
    with t.check("what was discarded is counted"):
        h.rules({"Discard_bool": True, "Protocol_u32": UDP})
        for _ in range(3):
            need(not h.passes({}), "a frame passed")
        rule = h.call("EnumAccess")["AccessList"][0]
        need(rule["Hits_u64"] == 3, f"the rule has {rule['Hits_u64']} hits")
        need('"acl"' in str(h.call("GetHubStatus")).replace("'", '"'), "the hub does not count acl")
    with t.check("the server ends when told to"):
        h.server.stop()


@scenario("acl/rules", needs=("server",), asan=True, limit=120)
def _(t):
    with t.must("a hub with three sessions"):
        h = Hub(t)
        ctl = h.server.ctl
    with t.check("Priority: the first that matches decides"):
        h.rules({"Priority_u32": 20, "Discard_bool": True}, {"Priority_u32": 10, "DestPortStart_u32": 5000})
        need(h.passes({}), "the rule that lets port 5000 pass is not asked first")
        need(not h.passes({"dport": 6000}), "the second rule is not asked")
    with t.check("Active, and that a change is in force at once"):
        ctl("access", "clear", HUB)
        ctl("access", "add", HUB, "discard", "--protocol", "udp", "--dst-port", "5000", "--note", "no games")
        [rule] = h.call("EnumAccess")["AccessList"]
        need(not h.passes({}), "the new rule is not in force")
        ctl("access", "disable", HUB, str(rule["Id_u32"]))
        need(h.passes({}), "the rule is in force, though it was disabled")
        ctl("access", "enable", HUB, str(rule["Id_u32"]))
        need(not h.passes({}), "the rule is not in force, though it was enabled")
    with t.check("Id stays with a rule, Note is kept, and the list tells it in words"):
        ctl("access", "set", HUB, str(rule["Id_u32"]), "--dst-port", "6000-6001")
        [again] = h.call("EnumAccess")["AccessList"]
        need(again["Id_u32"] == rule["Id_u32"] and again["Note_utf"] == "no games", f"it is now {again}")
        need("discard udp to port 6000-6001" in ctl("access", "list", HUB), ctl("access", "list", HUB))
        need(h.passes({}) and not h.passes({"dport": 6001}), "the change is not in force")
    with t.check("would this packet pass, and by which rule?"):
        answer = ctl("access", "test", HUB, "--src", "10.0.0.1", "--dst", "10.0.0.2", "--protocol", "udp",
                     "--dst-port", "6000")
        need(answer.startswith(f"discard, by rule {rule['Id_u32']}"), answer)
        answer = ctl("access", "test", HUB, "--src", "10.0.0.1", "--dst", "10.0.0.2")
        need("no rule matches" in answer, answer)
    with t.check("a file of the server is not read for a rule"):
        text = ctl("access", "add", HUB, "discard", "--src-user", "include:/etc/passwd", check=False)
        need("include" not in ctl("access", "list", HUB), text)
    with t.check("a flood passes to whom it may, and to nobody else"):
        h.rules({"DestUsername_str": "bob", "Discard_bool": True})
        mark, end = h.mark(), h.mark()
        h.anna.send(packet(mark, dmac=BROADCAST))
        h.anna.send(ethernet(BROADCAST, ANNA, end, ARP))
        for s, wanted in ((h.bob, False), (h.carl, True)):
            got = []
            s.wait_frame("the frame behind", lambda f: got.append(f) or end in f, 20)
            need(any(mark in f for f in got) == wanted, f"wanted: {wanted}, it is not so")
    with t.check("Delay and Jitter: a frame waits for so long, more or less"):
        for jitter in (0, 50):
            h.rules({"Protocol_u32": UDP, "Delay_u32": 400, "Jitter_u32": jitter})
            mark, start = h.mark(), time.monotonic()
            h.anna.send(packet(mark))
            h.bob.wait_frame("the frame that was delayed", lambda f: mark in f, 10)
            waited = time.monotonic() - start
            need(0.4 * (1 - jitter / 100) <= waited < 5, f"{waited:.3f} s with a jitter of {jitter} %")
    with t.check("Loss: of a hundred per cent nothing arrives, of fifty about a half"):
        h.rules({"Protocol_u32": UDP, "Loss_u32": 100})
        need(not h.passes({}), "a frame passed")
        h.rules({"Protocol_u32": UDP, "Loss_u32": 50})
        mark = h.mark()
        h.anna.send(*[packet(mark) for _ in range(400)])
        got = sum(mark in f for f in h.bob.frames(2))
        need(100 < got < 300, f"{got} of 400 arrived")
    with t.check("RedirectUrl: whoever opens a connection is answered in the place of the server"):
        h.rules({"Protocol_u32": TCP, "DestPortStart_u32": 80, "RedirectUrl_str": "http://example.org/"})
        mark = h.mark()
        h.anna.send(packet(mark, protocol=TCP, dport=80, flags=SYN))
        answer = h.anna.wait_frame("an answer", lambda f: f[12:14] == b"\x08\x00" and f[23] == TCP, 10)
        need(answer[47] & (SYN | ACK) == SYN | ACK and answer[34:36] == struct.pack(">H", 80), answer.hex())
        need(not [f for f in h.bob.frames(0.5) if mark in f], "the server heard the client")
    with t.check("rules are there after the server was started again"):
        h.rules({"Discard_bool": True, "Protocol_u32": UDP})
        h.server.stop()
        h.server.start()
        sessions = [Session(t.lab.cli, SRV, HUB, name, PASSWORD) for name in ("anna", "bob", "carl")]
        h.anna, h.bob, h.carl = sessions
        for s, n in ((h.anna, 1), (h.bob, 2)):
            until_delivered(s, h.carl, ethernet(BROADCAST, mac(n), b"again %d" % n + bytes(50), ARP))
        need(not h.passes({}), "the rule is gone")
    with t.check("the server ends when told to"):
        h.server.stop()


@scenario("acl/sources", needs=("server",), asan=True, limit=90)
def _(t):
    with t.must("a server with a hub"):
        server = polyether.Server(t.lab)
        server.make_hub()
        server.add_user("anna", PASSWORD)

    def login():
        Session(t.lab.cli, SRV, HUB, "anna", PASSWORD).close()

    with t.check("an address that is denied is refused before the password is looked at"):
        login()
        server.ctl("source", "set", HUB, "--deny", "10:0.0.0.0/0")
        for password in (PASSWORD, "wrong"):
            try:
                Session(t.lab.cli, SRV, HUB, "anna", password).close()
            except Refused as refusal:
                need(refusal.code == 109, f"refused with {refusal.code}")
            else:
                raise Failed("the client was let in")
        need("source addresses" in server.logs(), "the log does not tell")
    with t.check("an allowed network goes before it"):
        server.ctl("source", "set", HUB, "--allow", "5:0.0.0.0/1", "--allow", "6:128.0.0.0/1",
                   "--deny", "10:0.0.0.0/0")
        login()
        need("255.0.0.0" not in server.ctl("source", "list", HUB), "the list is another")
    with t.check("without a rule clients may come"):
        server.ctl("source", "set", HUB, "--clear")
        login()
    with t.check("the server ends when told to"):
        server.stop()
