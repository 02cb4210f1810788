/* SPDX-License-Identifier: Apache-2.0 */
/* vhost_priv.h - what the files of the virtual host share. All of it is the worker's, but for what
 * says otherwise.
 *
 *     hub -> vhost_in.c -> ARP, NDP, ICMP (vhost_icmp.c), DHCP and RA (vhost_dhcp.c)
 *                       -> nat_tcp_flow.c, nat_udp.c, nat_ping.c, nat_dns.c -> sockets
 *                       -> nat_kernel.c -> TUN adapter
 *     sockets, TUN -> the same -> vhost_out.c -> hub
 */
#pragma once

#include "core/base/log.h"
#include "core/base/rate.h"
#include "core/hub/dhcp/dhcp4_server.h"
#include "core/hub/dhcp/dhcp6_server.h"
#include "core/hub/hub_port.h"
#include "core/hub/nat/nat_buffer.h"
#include "core/hub/nat/nat_kernel.h"
#include "core/hub/nat/nat_table.h"
#include "core/hub/nat/nat_tcp.h"
#include "core/hub/nat/vhost.h"
#include "core/net/arp.h"
#include "core/net/eth.h"
#include "core/net/flow.h"
#include "core/net/icmp.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/udp.h"

#include <stdatomic.h>

enum {
    NAT_CLIENTS_MAX = 8192,
    NAT_CLIENT_TCP = 8192,
    NAT_CLIENT_OPENING = 1024, /* of them not open yet */
    NAT_CLIENT_UDP = 8192,
    NAT_CLIENT_PING = 64,
    NAT_CLIENT_DNS = 256,
    NAT_STORE_BYTES = 256 * 1024 * 1024,
    NAT_FRAGMENTS = 32,    /* packets that come in pieces, at a time */
    NAT_UDP_RX = 8,        /* large frames that are read into */
    VHOST_OUT_MAX = 1024,  /* frames of a turn that wait for its end */
    VHOST_OUT_SOON = 32,   /* then they go: they are still in the cache */
    VHOST_PROBES_MAX = 64, /* addresses that DHCP asks about */
    VHOST_LEASES_EVERY_US = 200 * 1000,
    VHOST_ICMP_PPS = 1000, /* errors a second */
};

/* Who has been seen in the hub with an address. */
struct nat_client {
    struct nat_node node; /* key: version and src */
    struct nat_client *older, *newer;
    struct mac mac;
    struct ip ip;
    unsigned n_flows; /* of all kinds: then it stays */
    unsigned n_kind[VHOST_ICMP + 1];
    unsigned n_opening;
    int64_t last_us;
};

/* Common to all kinds; embedded first. */
struct nat_flow {
    struct nat_node node;
    struct nat_client *client;
    struct nat_flow *older, *newer; /* of its kind, by last use */
    enum vhost_proto kind;
    uint32_t id;
    int64_t created_ms, last_us;
    uint64_t sent, received;
};

struct nat_flow_list {
    struct nat_flow *oldest, *newest;
    unsigned n;
};

/* A frame that came from the hub, and where things are in it. */
struct vhost_packet {
    struct frame *frame;
    struct flow flow;
    struct mac src_mac;
    struct nat_client *client; /* who sent it */
    int64_t now_us;
};

struct nat_tcp_flow;
struct nat_udp_map;
struct vhost_udp_send;

struct vhost {
    /* Constant, or control's. */
    struct hub *hub; /* counted */
    struct worker *worker;
    struct vhost_ops ops;
    void *owner;
    atomic_int refs;
    bool closed; /* control */

    /* The worker's. */
    struct vhost_config config;
    struct ip ip4, ip6, link_local; /* its own */
    struct ip_prefix net4, net6;
    bool is_running;
    struct hub_port *port; /* NULL while the hub is offline */
    struct timer look, sweep;

    struct frame *out[VHOST_OUT_MAX];
    unsigned n_out;
    bool is_flushing;
    struct worker_deferred flush;
    struct batch late; /* came while frames were going out, from a port that answers at once */
    struct worker_deferred take_late;

    struct nat_table clients;
    struct nat_client *oldest_client, *newest_client;
    struct nat_table flows;
    struct nat_flow_list kind[VHOST_ICMP + 1];
    uint32_t next_id;
    unsigned n_opening;
    struct nat_store store;
    struct nat_tcp_flow *dirty; /* to be settled after the batch */
    struct nat_table maps;      /* of UDP: key version, src, sport */
    struct nat_table peers;     /* of UDP: who may answer to which of them */
    struct vhost_udp_send *udp_send;
    struct frame *rx[NAT_UDP_RX];
    struct nat_fragment *fragment[NAT_FRAGMENTS]; /* owned */
    unsigned n_fragments;
    struct batch whole; /* put together, and in use until the end of the batch */
    struct nat_dns *dns;
    struct rate icmp_rate;
    struct log_limit log_limit;
    struct nat_kernel *kernel; /* NULL: by sockets; control makes and frees it */
    char why[NAT_WHY];

    struct dhcp4_server *dhcp4;
    struct dhcp6_server *dhcp6;
    struct timer dhcp_timer, lease_timer, ra_timer;
    unsigned n_advertised;
    GMutex lease_lock; /* guards changed */
    GArray *changed;   /* of struct dhcp_lease, to be told */
    uint32_t probe[VHOST_PROBES_MAX];
    unsigned n_probes;
};

static inline struct ip
vhost_ip(uint8_t version, const uint8_t bytes[16])
{
    struct ip ip = {.family = version};
    memcpy(ip.b, bytes, version == 4 ? 4 : 16);
    return ip;
}

/* ---- vhost.c: references; any thread ---- */
struct vhost *vhost_ref(struct vhost *v);
void vhost_unref(struct vhost *v);

/* ---- vhost_in.c ---- */
void vhost_deliver(struct hub_port *port, struct batch *b, int64_t now_us);
void vhost_take_late(struct worker_deferred *d, int64_t now_us);

/* ---- vhost_arp.c ---- */
void vhost_arp_received(struct vhost *v, const struct frame *f, int64_t now_us);
void vhost_arp_ask(struct vhost *v, uint32_t address, bool probe);
void vhost_arp_announce(struct vhost *v);

/* ---- vhost_ndp.c ---- */
void vhost_ndp_start(struct vhost *v, int64_t now_us);
void vhost_ndp_stop(struct vhost *v);
/* Takes what is neighbour discovery. */
bool vhost_ndp_takes(struct vhost *v, const struct vhost_packet *p);

/* ---- vhost_icmp.c ---- */
/* To this host itself. */
void vhost_icmp_received(struct vhost *v, const struct vhost_packet *p);
enum vhost_unreachable {
    VHOST_NO_ROUTE,
    VHOST_NO_HOST,
    VHOST_NO_PORT,
    VHOST_PROHIBITED,
    VHOST_TTL_EXCEEDED
};
/* Tells the sender of a packet what became of it; from: the host itself (NULL) or somebody. */
void vhost_icmp_error(struct vhost *v, const struct vhost_packet *p, enum vhost_unreachable why);

/* ---- vhost_out.c ---- */
struct vhost_route {
    const struct mac *mac;
    const struct ip *src, *dst; /* of one family */
    uint8_t proto;
    uint8_t ttl; /* 0: as usual */
};
/* A frame with Ethernet and IP header and room behind them for len bytes, at *l4. NULL: none. */
struct frame *
vhost_frame_new(struct vhost *v, const struct vhost_route *r, size_t len, uint8_t **l4);
/* Puts Ethernet and IP header before what is in the frame, len bytes of transport header and
 * payload. False without headroom. */
bool vhost_frame_head(struct vhost *v, struct frame *f, const struct vhost_route *r, size_t len);
/* The sum of the pseudo header. */
uint64_t vhost_pseudo(const struct vhost_route *r, size_t len);
/* At the end of the turn, or sooner. Takes the frame. */
void vhost_send(struct vhost *v, struct frame *f);
/* What stands behind the IP header; in fragments when it is too long for the network. */
void vhost_send_ip(struct vhost *v, const struct vhost_route *r, struct reader whole);
void vhost_send_icmp(struct vhost *v, const struct vhost_route *r, const struct icmp *icmp);
void vhost_send_udp(struct vhost *v, const struct vhost_route *r, uint16_t sport, uint16_t dport,
                    struct reader payload);
void vhost_flush(struct vhost *v, int64_t now_us);
void vhost_count_drop(struct vhost *v, enum drop why);

/* ---- vhost_dhcp.c ---- */
/* Control: tells of the leases that changed. */
void vhost_tell_leases(struct vhost *v);
unsigned vhost_dhcp_n(const struct vhost *v);
void vhost_dhcp_list(const struct vhost *v, GArray *out);
void vhost_dhcp_start(struct vhost *v);
void vhost_dhcp_stop(struct vhost *v);
void vhost_dhcp_configured(struct vhost *v);
void vhost_dhcp4_received(struct vhost *v, struct reader message, const struct mac *from,
                          int64_t now_us);
void vhost_dhcp6_received(struct vhost *v, struct reader message, const uint8_t src[16],
                          const struct mac *from, int64_t now_us);
void vhost_dhcp_restore(struct vhost *v, const struct dhcp_lease *lease, unsigned n);
/* Somebody has an address: perhaps one that DHCP asked about. */
void vhost_dhcp_seen(struct vhost *v, uint32_t address, int64_t now_us);

/* ---- nat_flow.c ---- */
struct nat_client *
nat_client_seen(struct vhost *v, const struct ip *ip, const struct mac *mac, int64_t now_us);
void nat_client_route(const struct nat_flow *f, const struct ip *src, const struct ip *dst,
                      struct vhost_route *out);
void nat_key_of(const struct flow *fl, struct nat_key *out);
struct nat_flow *nat_flow_find(struct vhost *v, const struct nat_key *key);
/* Room for one more of this kind: for the client, and in all (an idle UDP flow gives way). */
bool nat_flow_may(struct vhost *v, const struct nat_client *c, enum vhost_proto kind);
/* Enters a flow into the tables. */
void nat_flow_add(struct vhost *v, struct nat_flow *f, enum vhost_proto kind,
                  const struct nat_key *key, struct nat_client *client, int64_t now_us);
void nat_flow_remove(struct vhost *v, struct nat_flow *f);
void nat_flow_used(struct vhost *v, struct nat_flow *f, int64_t now_us);
/* Ends a flow, whatever it is. */
void nat_flow_end(struct vhost *v, struct nat_flow *f, int64_t now_us);
void nat_flows_end_all(struct vhost *v, int64_t now_us);
void nat_clients_forget_all(struct vhost *v);
struct endpoint nat_flow_src(const struct nat_flow *f);
struct endpoint nat_flow_dst(const struct nat_flow *f);
/* Ends what was silent for longer than its kind may be. */
void nat_flows_sweep(struct vhost *v, int64_t now_us);

/* ---- nat_guard.c ---- */
/* Whether clients may talk to it: not to this host's loopback, not back into their own network, not
 * to groups. */
bool nat_may_reach(const struct vhost *v, const struct ip *dst);

/* ---- nat_kernel.c ---- */
/* Control. *out is NULL when NAT is by sockets, and why says the reason; false: it must not be. */
bool nat_kernel_new(struct vhost *v, const struct vhost_config *config, struct nat_kernel **out,
                    char why[NAT_WHY], GError **error);
/* Control; after nat_kernel_stop(). NULL is fine. */
void nat_kernel_free(struct nat_kernel *k);
/* Of v->kernel, if there is one. */
void nat_kernel_start(struct vhost *v);
void nat_kernel_stop(struct vhost *v);
bool nat_kernel_is_on(const struct vhost *v);
/* Whether a packet is to be sent this way, also a piece of one. */
bool nat_kernel_takes(const struct vhost *v, const struct flow *fl);
void nat_kernel_send(struct vhost *v, const struct vhost_packet *p);
/* What was sent in this batch goes. */
void nat_kernel_flush(struct vhost *v);

/* ---- nat_fragment.c ---- */
/* A piece of a packet. The whole of it, when it was the last; else NULL. */
struct frame *nat_fragment_received(struct vhost *v, const struct vhost_packet *p);
void nat_fragments_forget(struct vhost *v);

/* ---- nat_tcp_flow.c ---- */
void nat_tcp_flow_received(struct vhost *v, const struct vhost_packet *p);
void nat_tcp_flows_settle(struct vhost *v, int64_t now_us);
void nat_tcp_flow_end(struct vhost *v, struct nat_flow *f, int64_t now_us);
enum vhost_tcp_state nat_tcp_flow_state(const struct nat_flow *f);

/* ---- nat_udp.c ---- */
void nat_udp_received(struct vhost *v, const struct vhost_packet *p);
void nat_udp_flush(struct vhost *v, int64_t now_us);
void nat_udp_flow_end(struct vhost *v, struct nat_flow *f);

/* ---- nat_ping.c ---- */
void nat_ping_received(struct vhost *v, const struct vhost_packet *p);
void nat_ping_flow_end(struct vhost *v, struct nat_flow *f);

/* ---- nat_dns.c ---- */
/* A query to this host. */
void nat_dns_received(struct vhost *v, const struct vhost_packet *p, struct reader query);
/* Where to send a connection to port 53 of this host. False: nowhere. */
bool nat_dns_resolver(struct vhost *v, struct endpoint *out);
void nat_dns_stop(struct vhost *v);
void nat_dns_flow_end(struct vhost *v, struct nat_flow *f);
