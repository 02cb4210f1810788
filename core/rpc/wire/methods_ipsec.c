/* SPDX-License-Identifier: Apache-2.0 */
/* methods_ipsec.c - the table of methods: IPsec, what it carries, and the register of routers. */
#include "core/rpc/wire/table.h"

/* Also what the store keeps as text, without its secrets. */
const struct rpc_field rpc_ipsec_services[] = {
    F_OPT("L2TP_Raw_bool", "L2TP without IPsec, in clear; left out: as it is, as all here"),
    F_OPT("L2TP_IPsec_bool", "L2TP over IPsec"),
    F_OPT("EtherIP_IPsec_bool", "EtherIP and L2TPv3 over IPsec, for routers"),
    F_SECRET("IPsec_Secret_str", "pre-shared key of the server; empty: as it is"),
    F_OPT("L2TP_DefaultHub_str", "hub of user names that name none; empty: the only hub, or "
                                 "DEFAULT"),
    F_OURS("Weak_str", "weak algorithms that are accepted: sha1, modp1024, 3des, md5, with commas "
                       "between"),
    F_OURS("RawEsp_bool", "ESP without UDP where the server may"),
    F_OURS("DpdSeconds_u32",
           "seconds of silence before a peer is asked whether it is there; 0: never"),
    F_OURS("PublicAddress_str", "the server's address as clients see it, behind a NAT"),
    {"TunnelSecret_str", "secret of L2TP tunnels; a space: none; empty: as it is",
     RPC_SECRET | RPC_OURS | RPC_OPTIONAL, NULL},
    F_END,
};

static const struct rpc_field services_out[] = {
    F("L2TP_Raw_bool", "L2TP without IPsec, in clear"),
    F("L2TP_IPsec_bool", "L2TP over IPsec"),
    F("EtherIP_IPsec_bool", "EtherIP and L2TPv3 over IPsec, for routers"),
    F_SECRET("IPsec_Secret_str", "pre-shared key: never told"),
    F("L2TP_DefaultHub_str", "hub of user names that name none"),
    F_OURS("HasSecret_bool", "a pre-shared key is set"),
    F_OURS("HasTunnelSecret_bool", "a secret of L2TP tunnels is set"),
    F_OURS("Weak_str", "weak algorithms that are accepted"),
    F_OURS("RawEsp_bool", "ESP without UDP where the server may"),
    F_OURS("DpdSeconds_u32", "seconds of silence before a peer is asked whether it is there"),
    F_OURS("PublicAddress_str", "the server's address as clients see it"),
    F_END,
};

static const struct rpc_field status_out[] = {
    F("IsOpen_bool", "UDP ports 500 and 4500 are open"),
    F("IsRawEsp_bool", "IP protocol 50 is open"),
    F("Problem_utf", "what is in the way, and what helps"),
    F("PlainProblem_utf", "the same of L2TP without IPsec"),
    F("NumPeers_u32", "peers that are known"),
    F("NumHalfOpen_u32", "negotiations under way"),
    F("NumChildren_u32", "pairs of ESP keys"),
    F("NumRefused_u64", "first messages over a limit"),
    F("NumWrongKey_u64", "negotiations with a wrong key"),
    F("NumNoProposal_u64", "negotiations without an algorithm in common"),
    F_END,
};

static const struct rpc_field peer_rows[] = {
    F("Remote_str", "address and port"),
    F("Id_str", "identity in IKE"),
    F("Ike_str", "algorithms of IKE"),
    F("Esp_str", "algorithms of ESP"),
    F("IsUdp_bool", "ESP comes in UDP"),
    F("IsTunnel_bool", "tunnel mode"),
    F("NumChildren_u32", "pairs of ESP keys"),
    F("NumCarriers_u32", "tunnels inside"),
    F("ConnectedTime_dt", "since"),
    F("LastHeard_dt", "last heard"),
    F_END,
};

static const struct rpc_field peers_out[] = {
    F_LIST("PeerList", "peers", peer_rows),
    F_END,
};

static const struct rpc_field router_id[] = {
    F("Id_str", "identity in IKE: an address, a name, a key id; '*' at the end matches any rest"),
    F_END,
};

#define ROUTER_FIELDS                                                                        \
    F("Id_str", "identity in IKE: an address, a name, a key id; '*' at the end matches any " \
                "rest"),                                                                     \
        F("HubName_str", "hub that its Ethernet comes to"),                                  \
        F("UserName_str", "user of that hub, whose policy holds"),                           \
        F_SECRET("Password_str", "taken for SoftEther's tools: IKE's key is the proof")

#define STATIC_FIELDS                                                                            \
    F_OURS("IsAggressive_bool", "may use aggressive mode, which lets a stranger guess the key"), \
        F_OURS("LocalSession_u32", "session id that the router puts in, of static L2TPv3; 0: "   \
                                   "not static"),                                                \
        F_OURS("PeerSession_u32", "session id that we put in"),                                  \
        F_OURS("LocalCookie_bin", "cookie that the router puts in, 0, 4 or 8 bytes"),            \
        F_OURS("PeerCookie_bin", "cookie that we put in"),                                       \
        F_OURS("Sublayer_bool", "with the default L2-specific sublayer")

static const struct rpc_field router_in[] = {
    ROUTER_FIELDS,
    {"Secret_str", "pre-shared key of its own; left out: as it is, empty: the server's",
     RPC_SECRET | RPC_OURS | RPC_OPTIONAL, NULL},
    STATIC_FIELDS,
    F_END,
};

static const struct rpc_field router_out[] = {
    ROUTER_FIELDS,
    F_OURS("HasSecret_bool", "has a pre-shared key of its own"),
    STATIC_FIELDS,
    F_END,
};

static const struct rpc_field routers_out[] = {
    F_LIST("Settings", "routers", router_out),
    F_END,
};

static const struct rpc_method methods[] = {
    {"GetIPsecServices", RPC_SERVER_ADMIN, "how IPsec and L2TP are set", rpc_no_fields,
     services_out, NULL, false},
    {"SetIPsecServices", RPC_SERVER_ADMIN, "switches IPsec and L2TP, and sets the key",
     rpc_ipsec_services, services_out, NULL, true},
    {"GetIPsecStatus", RPC_SERVER_ADMIN, "how IPsec does", rpc_no_fields, status_out, NULL, false},
    {"EnumIPsecPeer", RPC_SERVER_ADMIN, "peers of IPsec", rpc_no_fields, peers_out, NULL, false},
    {"AddEtherIpId", RPC_SERVER_ADMIN, "registers a router, or replaces what is registered",
     router_in, router_out, NULL, true},
    {"GetEtherIpId", RPC_SERVER_ADMIN, "one router", router_id, router_out, NULL, false},
    {"DeleteEtherIpId", RPC_SERVER_ADMIN, "removes a router from the register", router_id,
     router_id, NULL, true},
    {"EnumEtherIpId", RPC_SERVER_ADMIN, "the register of routers", rpc_no_fields, routers_out, NULL,
     false},
};

const struct rpc_area rpc_area_ipsec = {"IPsec and L2TP", methods, ARRAY_LEN(methods)};
