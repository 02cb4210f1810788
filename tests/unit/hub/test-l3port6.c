/* SPDX-License-Identifier: Apache-2.0 */
/* test-l3port6.c - IPv6 of a client at a hub: addresses by autoconfiguration, DHCPv6 or fixed, and
 * clients that do it themselves. The segment has a router, a DHCPv6 server and hosts. */

#include "core/net/dhcp6.h"
#include "core/net/ip6.h"
#include "core/net/ndp.h"
#include "tests/unit/hub/l3_lab.h"

#define ROUTER_BYTES         \
    {                        \
        0xfe, 0x80, [15] = 1 \
    }
#define PREFIX_BYTES                   \
    {                                  \
        0x20, 1, 0xd, 0xb8, 0, 0, 0, 9 \
    }

static const uint8_t router[16] = ROUTER_BYTES;
static const uint8_t prefix[16] = PREFIX_BYTES;
static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};
static const uint8_t far_away[16] = {0x2a, [15] = 7};
static const uint8_t leased[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 9, [14] = 1, [15] = 0x77};
static const char payload[] = "hello, six";

struct net6 {
    struct lab lab;
    bool no_router, managed, not_autonomous, serves;
    uint32_t valid_s;
    uint8_t claimed[16];   /* somebody has it */
    uint8_t groups[4][16]; /* of the last report */
    atomic_uint reports, n_groups;
    atomic_uint router_solicitations, tests, solicitations, advertisements, dhcp_requests, releases;
};

static struct mac
host_mac(const uint8_t ip[16])
{
    return (struct mac){{2, 6, 0, 0, ip[14], ip[15]}};
}

static void
send6(struct segment_port *s, const struct mac *to, const struct mac *from, const uint8_t src[16],
      const uint8_t dst[16], uint8_t next, struct reader body)
{
    uint8_t bytes[1500];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct ip6 ip = {.next = next, .hop_limit = 255, .payload_len = (uint16_t)body.left};
    memcpy(ip.src, src, 16);
    memcpy(ip.dst, dst, 16);
    ip6_write(&w, &ip);
    writer_bytes(&w, body.at, body.left);
    lan_send_ip(s, to, from, ETH_TYPE_IP6, reader_of(bytes, w.len));
}

static void
advertise_router(struct net6 *n)
{
    uint8_t bytes[400];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct mac mac = host_mac(router);
    struct mac to;
    struct ndp_router_advertisement ra = {.hop_limit = 64,
                                          .managed = n->managed,
                                          .lifetime_s = 1800,
                                          .has_mac = true,
                                          .mac = mac,
                                          .mtu = 1500,
                                          .n_prefix = 1,
                                          .n_dns = 1,
                                          .dns_lifetime_s = 600};
    ra.prefix[0] = (struct ndp_prefix){.len = 64,
                                       .on_link = true,
                                       .autonomous = !n->not_autonomous,
                                       .valid_s = n->valid_s > 0 ? n->valid_s : 86400};
    ra.prefix[0].preferred_s = ra.prefix[0].valid_s;
    memcpy(ra.prefix[0].prefix, prefix, 16);
    memcpy(ra.dns[0], router, 16);
    ndp_write_router_advertisement(&w, &ra, router, all_nodes);
    ndp_multicast_mac(all_nodes, &to);
    send6(&n->lab.lan, &to, &mac, router, all_nodes, IP_PROTO_ICMP6, reader_of(bytes, w.len));
}

static void
advertise_neighbour(struct net6 *n, const struct ndp_neighbour *asked, const struct ip6 *ip)
{
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof(bytes));
    bool is_test = memcmp(ip->src, (uint8_t[16]){0}, 16) == 0;
    struct ndp_neighbour a = {.advertisement = true,
                              .flags = is_test ? 0 : NDP_NA_SOLICITED,
                              .has_mac = true,
                              .mac = host_mac(asked->target)};
    const uint8_t *dst = is_test ? all_nodes : ip->src;
    struct mac to = asked->mac;
    memcpy(a.target, asked->target, 16);
    if (is_test)
        ndp_multicast_mac(all_nodes, &to);
    ndp_write_neighbour(&w, &a, asked->target, dst);
    send6(&n->lab.lan, &to, &a.mac, asked->target, dst, IP_PROTO_ICMP6, reader_of(bytes, w.len));
}

static void
answer_dhcp6(struct net6 *n, struct reader in, const struct ip6 *ip, const struct mac *to)
{
    uint8_t bytes[400];
    uint8_t body[300];
    struct writer w = writer_of(body, sizeof(body));
    struct dhcp6_message m;
    struct reader id;
    struct reader v;
    struct dhcp6_ia ia;
    struct mac mac = host_mac(router);
    if (dhcp6_parse(in, &m) != DROP_NONE)
        return;
    g_assert_true(dhcp6_find_option(m.options, DHCP6_OPT_CLIENT_ID, &id));
    g_assert_true(dhcp6_find_option(m.options, DHCP6_OPT_IA_NA, &v));
    g_assert_cmpint(dhcp6_parse_ia(v, &ia), ==, DROP_NONE);
    atomic_fetch_add(&n->dhcp_requests, m.type == DHCP6_REQUEST);
    atomic_fetch_add(&n->releases, m.type == DHCP6_RELEASE);
    if (!n->serves || (m.type != DHCP6_SOLICIT && m.type != DHCP6_REQUEST))
        return;
    dhcp6_write_header(&w, m.type == DHCP6_SOLICIT ? DHCP6_ADVERTISE : DHCP6_REPLY, m.transaction);
    dhcp6_write_option(&w, DHCP6_OPT_CLIENT_ID, id.at, id.left);
    dhcp6_write_option(&w, DHCP6_OPT_SERVER_ID, "server", 6);
    size_t a = dhcp6_begin_option(&w, DHCP6_OPT_IA_NA);
    writer_u32(&w, ia.iaid);
    writer_zero(&w, 8);
    size_t b = dhcp6_begin_option(&w, DHCP6_OPT_IA_ADDR);
    writer_bytes(&w, leased, 16);
    writer_u32(&w, 1000);
    writer_u32(&w, 2000);
    dhcp6_end_option(&w, b);
    dhcp6_end_option(&w, a);
    struct udp udp = {
        .sport = 547, .dport = 546, .len = (uint16_t)(8 + w.len), .body = reader_of(body, w.len)};
    struct writer u = writer_of(bytes, sizeof(bytes));
    udp_write(&u, &udp, csum_pseudo6(router, ip->src, IP_PROTO_UDP, udp.len));
    send6(&n->lab.lan, to, &mac, router, ip->src, IP_PROTO_UDP, reader_of(bytes, u.len));
}

static void
on_neighbour(struct net6 *n, const struct ip6 *ip)
{
    struct ndp_neighbour asked;
    if (ndp_parse_neighbour(ip->body, ip->hop_limit, &asked) != DROP_NONE)
        return;
    bool is_test = memcmp(ip->src, (uint8_t[16]){0}, 16) == 0;
    if (asked.advertisement) {
        atomic_fetch_add(&n->advertisements, 1);
        return;
    }
    atomic_fetch_add(is_test ? &n->tests : &n->solicitations, 1);
    if (is_test ? memcmp(asked.target, n->claimed, 16) == 0 : !n->lab.lan.silent)
        advertise_neighbour(n, &asked, ip);
}

static void
on_report(struct net6 *n, const struct ip6 *ip)
{
    struct ip6_upper up;
    g_assert_cmpint(ip6_walk(ip, &up), ==, DROP_NONE);
    g_assert_cmpuint(ip->hop_limit, ==, 1);
    g_assert_cmpuint(up.body.at[0], ==, 143);
    unsigned groups = wire_get16(up.body.at + 6);
    g_assert_cmpuint(groups, <=, 4);
    g_assert_cmpuint(up.body.left, ==, 8 + 20 * groups);
    uint32_t sum = slow_sum(58 + (uint32_t)up.body.left, ip->src, 16);
    sum = slow_sum(slow_sum(sum, ip->dst, 16), up.body.at, up.body.left);
    g_assert_cmpuint(sum, ==, 0xffff);
    for (unsigned i = 0; i < groups; i++)
        memcpy(n->groups[i], up.body.at + 8 + 20 * i + 4, 16);
    atomic_store(&n->n_groups, groups);
    atomic_fetch_add(&n->reports, 1);
}

static void
on_frame(struct segment_port *s, const struct frame *f, int64_t now_us)
{
    (void)now_us;
    struct net6 *n = container_of(s, struct net6, lab.lan);
    struct ip6 ip;
    struct udp udp;
    struct mac src;
    if (wire_get16(f->data + 12) != ETH_TYPE_IP6)
        return;
    g_assert_cmpint(ip6_parse(reader_of(f->data + 14, f->len - 14), &ip), ==, DROP_NONE);
    if (f->data[0] == 0x33)
        g_assert_cmpmem(f->data + 2, 4, ip.dst + 12, 4);
    memcpy(src.b, f->data + 6, 6);
    if (ip.next == IP_PROTO_HOP_BY_HOP) {
        on_report(n, &ip);
    } else if (ip.next == IP_PROTO_ICMP6) {
        uint8_t sum_ok = slow_transport_sum(f->data + 14, 58, ip.body.at, ip.body.left) == 0xffff;
        g_assert_true(sum_ok);
        if (ip.body.at[0] == ICMP6_ROUTER_SOLICITATION) {
            atomic_fetch_add(&n->router_solicitations, 1);
            if (!n->no_router)
                advertise_router(n);
        } else {
            on_neighbour(n, &ip);
        }
    } else if (ip.next == IP_PROTO_UDP && udp_parse(ip.body, &udp) == DROP_NONE &&
               udp.dport == DHCP6_SERVER_PORT) {
        answer_dhcp6(n, udp.body, &ip, &src);
    }
}

static void
set_up(struct net6 *n, const void *data)
{
    lab_set_up(&n->lab, data);
    n->lab.lan.on_frame = on_frame;
}

static void
tear_down(struct net6 *n, const void *data)
{
    lab_tear_down(&n->lab, data);
}

static struct client *
client6(struct net6 *n, unsigned i, enum l3port_v6 v6)
{
    struct client *c = client_of(&n->lab, i);
    c->config.v4 = false;
    c->config.v6 = v6;
    return c;
}

static size_t
udp6(uint8_t *out, const uint8_t src[16], const uint8_t dst[16], size_t len)
{
    static uint8_t body[2000];
    struct writer w = writer_of(out, 40 + 8 + len);
    struct ip6 ip = {.next = IP_PROTO_UDP, .hop_limit = 64, .payload_len = (uint16_t)(8 + len)};
    struct udp udp = {.sport = 5, .dport = 6, .len = (uint16_t)(8 + len)};
    memcpy(body, payload, sizeof(payload));
    udp.body = reader_of(body, len);
    memcpy(ip.src, src, 16);
    memcpy(ip.dst, dst, 16);
    ip6_write(&w, &ip);
    udp_write(&w, &udp, csum_pseudo6(src, dst, IP_PROTO_UDP, udp.len));
    g_assert_true(writer_ok(&w));
    return w.len;
}

/* As an Ethernet frame to a client. */
static void
to_client(struct client *c, const uint8_t from[16], const void *ip, size_t len)
{
    uint8_t bytes[2100];
    struct mac mac = host_mac(from);
    struct writer w = writer_of(bytes, sizeof(bytes));
    eth_write(&w, l3port_mac(c->port), &mac, ETH_TYPE_IP6);
    writer_bytes(&w, ip, len);
    lan_inject(c->lab, bytes, w.len);
}

static void
host_of_prefix(uint8_t out[16], uint8_t last)
{
    memcpy(out, prefix, 16);
    out[15] = last;
}

/* ---- addresses that the port gets ---- */

static void
test_slaac(struct net6 *n, const void *data)
{
    (void)data;
    struct client *c = client6(n, 0, L3PORT_V6_TOLD);
    int64_t then_us = clock_now_us();
    uint8_t ip[200];
    uint8_t host[16];
    c->config.v4 = true;
    client_come(c);
    lab_until(atomic_load(&c->has6)); /* not before it was tested; usually both come at once */
    lab_settle(&n->lab);
    g_assert_true(c->last.has4);
    g_assert_cmpint(clock_now_us() - then_us, >=, 1000000);
    g_assert_cmpmem(c->last.ip6, 8, prefix, 8);
    uint8_t id[8];
    l3port_interface_id(c->port, id);
    g_assert_cmpmem(c->last.ip6 + 8, 8, id, 8);
    g_assert_cmpuint(c->last.len6, ==, 64);
    g_assert_cmpmem(c->last.gateway6, 16, router, 16);
    g_assert_cmpuint(c->last.n_dns, ==, 2);
    g_assert_cmpuint(c->last.dns[1].family, ==, 6);
    g_assert_cmpuint(n->tests, ==, 2); /* the link-local and the global address */
    g_assert_cmpuint(n->router_solicitations, ==, 1);

    host_of_prefix(host, 0x50);
    size_t len = udp6(ip, c->last.ip6, host, 20);
    client_send(c, ip, len, 3);
    struct mac hop = host_mac(host);
    struct got *g = lan_last(&n->lab, ETH_TYPE_IP6);
    assert_bytes(g->bytes, 6, hop.b, 6);
    assert_bytes(g->bytes + 14, g->len - 14, ip, len);
    len = udp6(ip, c->last.ip6, far_away, 20);
    unsigned before = n->solicitations;
    client_send(c, ip, len, 1); /* the router is known by its advertisement */
    hop = host_mac(router);
    assert_bytes(lan_last(&n->lab, ETH_TYPE_IP6)->bytes, 6, hop.b, 6);
    g_assert_cmpuint(n->solicitations, ==, before);

    client_forget(c);
    len = udp6(ip, far_away, c->last.ip6, 20);
    to_client(c, router, ip, len);
    g_assert_cmpuint(heap_n(&c->got), ==, 1);
    assert_bytes(heap_at(&c->got, 0)->bytes, heap_at(&c->got, 0)->len, ip, len);
    len = udp6(ip, far_away, host, 20);
    to_client(c, router, ip, len);
    g_assert_cmpuint(client_dropped(c, DROP_POLICY), ==, 1);

    len = udp6(ip, host, far_away, 20); /* spoofed */
    client_send(c, ip, len, 1);
    g_assert_cmpuint(client_dropped(c, DROP_BAD_SOURCE), ==, 1);
    uint8_t rs[48] = {0x60, [5] = 8, 58, 255, 0xfe, 0x80, [23] = 9, 0xff, 2, [39] = 2, 133};
    client_send(c, rs, sizeof(rs), 1);
    g_assert_cmpuint(client_dropped(c, DROP_POLICY), ==, 2);
}

/* Switches that snoop hear which groups the port listens to, also when they ask. */
static void
test_listening(struct net6 *n, const void *data)
{
    (void)data;
    struct client *c = client6(n, 0, L3PORT_V6_TOLD);
    uint8_t group[16];
    uint8_t query[76] = {0x60, [5] = 36, 0, 1, 0xfe, 0x80, [23] = 1, 0xff, 2,  [39] = 1,
                         58,   0,        5, 2, 0,    0,    1,        0,    130};
    client_come(c);
    lab_until(atomic_load(&c->has6));
    lab_settle(&n->lab);
    g_assert_cmpuint(n->reports, ==, 2);
    ndp_solicited_node(c->last.ip6, group);
    g_assert_cmpuint(n->n_groups, ==, 1); /* both addresses have the same */
    g_assert_cmpmem(n->groups[0], 16, group, 16);
    client_forget(c);
    to_client(c, router, query, sizeof(query));
    to_client(c, router, query, sizeof(query));
    lab_until(n->reports > 2);
    g_usleep(1100000);
    g_assert_cmpuint(n->reports, ==, 3);
    g_assert_cmpuint(heap_n(&c->got), ==, 0);
}

/* Hosts of the segment ask for the client's address. */
static void
test_answers(struct net6 *n, const void *data)
{
    (void)data;
    struct client *c = client6(n, 0, L3PORT_V6_TOLD);
    uint8_t bytes[100];
    uint8_t host[16];
    client_come(c);
    lab_until(atomic_load(&c->has6));
    lab_settle(&n->lab);
    host_of_prefix(host, 0x60);
    struct mac mac = host_mac(host);
    for (unsigned k = 0; k < 3; k++) { /* for ours; for another's; a test for ours */
        struct writer w = writer_of(bytes, sizeof(bytes));
        struct ndp_neighbour ask = {.has_mac = k < 2, .mac = mac};
        struct ip6 ip = {.next = 58, .hop_limit = 255, .payload_len = k < 2 ? 32 : 24};
        memcpy(ask.target, k == 1 ? host : c->last.ip6, 16);
        if (k < 2)
            memcpy(ip.src, host, 16);
        ndp_solicited_node(c->last.ip6, ip.dst);
        ip6_write(&w, &ip);
        ndp_write_neighbour(&w, &ask, ip.src, ip.dst);
        unsigned before = n->advertisements;
        client_forget(c);
        to_client(c, host, bytes, w.len);
        g_assert_cmpuint(n->advertisements, ==, before + (k != 1));
        g_assert_cmpuint(heap_n(&c->got), ==, 0);
        if (k == 1)
            continue;
        struct got *g = lan_last(&n->lab, ETH_TYPE_IP6);
        struct ndp_neighbour said;
        g_assert_cmpint(ndp_parse_neighbour(reader_of(g->bytes + 54, g->len - 54), 255, &said), ==,
                        DROP_NONE);
        g_assert_cmpmem(said.target, 16, c->last.ip6, 16);
        g_assert_true(said.has_mac && mac_equal(&said.mac, l3port_mac(c->port)));
        g_assert_cmpuint(said.flags, ==, NDP_NA_OVERRIDE | (k == 0 ? NDP_NA_SOLICITED : 0));
        g_assert_cmpuint(g->bytes[14 + 24], ==, k == 0 ? 0x20 : 0xff);
        bytes[20] ^= 1; /* a wrong checksum is not answered */
        before = n->advertisements;
        to_client(c, host, bytes, w.len);
        g_assert_cmpuint(n->advertisements, ==, before);
    }
}

static void
test_conflict(struct net6 *n, const void *data)
{
    (void)data;
    struct client *c = client6(n, 0, L3PORT_V6_TOLD);
    client_come(c);
    memcpy(n->claimed, prefix, 8);
    l3port_interface_id(c->port, n->claimed + 8);
    client_leave(c);
    atomic_store(&c->n_configured, 0);
    client_come(c); /* has the same address in mind */
    lab_until(atomic_load(&c->has6));
    lab_settle(&n->lab);
    g_assert_cmpmem(c->last.ip6, 8, prefix, 8);
    g_assert_true(memcmp(c->last.ip6, n->claimed, 16) != 0);
}

static void
test_dhcp6(struct net6 *n, const void *data)
{
    (void)data;
    n->managed = n->not_autonomous = n->serves = true;
    struct client *c = client6(n, 0, L3PORT_V6_TOLD);
    client_come(c);
    lab_until(atomic_load(&c->n_configured) > 0);
    g_assert_true(c->last.has6);
    g_assert_cmpmem(c->last.ip6, 16, leased, 16);
    g_assert_cmpuint(c->last.len6, ==, 64); /* of the prefix on the link */
    g_assert_cmpuint(n->dhcp_requests, ==, 1);
    client_leave(c);
    g_assert_cmpuint(n->releases, ==, 1);
}

static void
test_fallback(struct net6 *n, const void *data)
{
    (void)data;
    n->managed = true; /* but nobody serves */
    struct client *c = client6(n, 0, L3PORT_V6_TOLD);
    client_come(c);
    lab_until(atomic_load(&c->has6));
    lab_settle(&n->lab);
    g_assert_cmpmem(c->last.ip6, 8, prefix, 8);
    g_assert_cmpuint(n->dhcp_requests, ==, 0);
}

static void
test_fixed6(struct net6 *n, const void *data)
{
    (void)data;
    struct client *c = client6(n, 0, L3PORT_V6_TOLD);
    uint8_t ip[200];
    uint8_t host[16] = {0xfd, [15] = 9};
    n->no_router = true;
    g_assert_true(ip_prefix_parse("fd00::77/64", &c->config.fixed.ip6));
    g_assert_true(ip_parse("fd00::1", &c->config.fixed.gateway6));
    client_come(c);
    lab_until(atomic_load(&c->has6));
    lab_settle(&n->lab);
    g_assert_cmpuint(c->last.len6, ==, 64);
    g_assert_cmpmem(c->last.ip6, 16, c->config.fixed.ip6.ip.b, 16);
    g_assert_cmpmem(c->last.gateway6, 16, c->config.fixed.gateway6.b, 16);
    client_send(c, ip, udp6(ip, c->last.ip6, host, 20), 1);
    struct mac hop = host_mac(host);
    assert_bytes(lan_last(&n->lab, ETH_TYPE_IP6)->bytes, 6, hop.b, 6);
    client_send(c, ip, udp6(ip, c->last.ip6, far_away, 20), 1);
    hop = host_mac(c->config.fixed.gateway6.b);
    assert_bytes(lan_last(&n->lab, ETH_TYPE_IP6)->bytes, 6, hop.b, 6);
}

/* The prefix's time runs out, and an advertisement brings it back. */
static void
test_expiry(struct net6 *n, const void *data)
{
    (void)data;
    n->valid_s = 2;
    struct client *c = client6(n, 0, L3PORT_V6_TOLD);
    client_come(c);
    lab_until(atomic_load(&c->has6));
    n->no_router = true;
    lab_until(!atomic_load(&c->has6));
    lab_settle(&n->lab);
    g_assert_cmpuint(atomic_load(&c->n_configured), ==, 2);
    n->valid_s = 0;
    n->no_router = false;
    lab_until(atomic_load(&c->has6));
}

static void
test_too_big(struct net6 *n, const void *data)
{
    (void)data;
    struct client *c = client6(n, 0, L3PORT_V6_TOLD);
    uint8_t ip[2000];
    struct icmp icmp;
    client_come(c);
    lab_until(atomic_load(&c->has6));
    lab_settle(&n->lab);
    client_forget(c);
    size_t len = udp6(ip, far_away, c->last.ip6, 1452);
    to_client(c, router, ip, len);
    g_assert_cmpuint(heap_n(&c->got), ==, 0);
    g_assert_cmpuint(client_dropped(c, DROP_MTU), ==, 1);
    struct got *g = lan_last(&n->lab, ETH_TYPE_IP6);
    struct mac mac = host_mac(router);
    assert_bytes(g->bytes, 6, mac.b, 6);
    g_assert_cmpuint(g->len, ==, 14 + 1280);
    g_assert_cmpint(icmp_parse(reader_of(g->bytes + 54, g->len - 54), &icmp), ==, DROP_NONE);
    g_assert_cmpuint(icmp.type, ==, ICMP6_TOO_BIG);
    g_assert_cmpuint(icmp.rest, ==, 1400);
    g_assert_cmpmem(icmp.body.at, 1232, ip, 1232);

    static const uint8_t options[] = {2, 4, 1440 >> 8, 1440 & 0xff};
    struct packet spec = {
        .is_ip6 = true, .flags = TCP_SYN, .sport = 9, .options = options, .options_len = 4};
    struct frame *f = packet_make(&spec);
    memcpy(f->data + 14 + 24, c->last.ip6, 16);
    put16(f->data + 54 + 16, 0);
    put16(f->data + 54 + 16, ~slow_transport_sum(f->data + 14, 6, f->data + 54, 24));
    to_client(c, router, f->data + 14, f->len - 14);
    g = heap_at(&c->got, 0);
    g_assert_cmpuint(wire_get16(g->bytes + 62), ==, 1340);
    g_assert_cmpuint(slow_transport_sum(g->bytes, 6, g->bytes + 40, 24), ==, 0xffff);
    g_free(f);
}

/* ---- clients that do it themselves ---- */

static void
client_ndp(struct client *c, const uint8_t src[16], const uint8_t dst[16], struct reader body)
{
    uint8_t bytes[200];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct ip6 ip = {.next = 58, .hop_limit = 255, .payload_len = (uint16_t)body.left};
    memcpy(ip.src, src, 16);
    memcpy(ip.dst, dst, 16);
    ip6_write(&w, &ip);
    writer_bytes(&w, body.at, body.left);
    client_send(c, bytes, w.len, 1);
}

/* The client asks whether somebody has the address. */
static void
client_tests(struct client *c, const uint8_t target[16])
{
    static const uint8_t nobody[16];
    uint8_t bytes[64];
    uint8_t dst[16];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct ndp_neighbour ask = {0};
    memcpy(ask.target, target, 16);
    ndp_solicited_node(target, dst);
    ndp_write_neighbour(&w, &ask, nobody, dst);
    client_ndp(c, nobody, dst, reader_of(bytes, w.len));
}

static void
test_client(struct net6 *n, const void *data)
{
    (void)data;
    static const uint8_t all_routers[16] = {0xff, 2, [15] = 2};
    struct client *c = client6(n, 0, L3PORT_V6_CLIENT);
    uint8_t local[16] = {0xfe, 0x80, [8] = 0x12, [15] = 0x34};
    uint8_t global[16];
    uint8_t bytes[200];
    uint8_t ip[200];
    struct ndp_router_advertisement ra;

    client_come(c);
    lab_until(atomic_load(&c->n_configured) > 0); /* nothing is waited for */
    lab_until(heap_n(&c->got) > 0);               /* the advertisement that the port asked for */
    client_forget(c);
    n->no_router = true;
    client_tests(c, local);
    g_assert_cmpuint(n->tests, ==, 1);
    unsigned before = n->router_solicitations;
    struct writer w = writer_of(bytes, sizeof(bytes));
    ndp_write_router_solicitation(&w, NULL, local, all_routers);
    client_ndp(c, local, all_routers, reader_of(bytes, w.len));
    g_assert_cmpuint(n->router_solicitations, ==, before + 1);
    struct got *g = lan_last(&n->lab, ETH_TYPE_IP6);
    g_assert_cmpuint(g->len, ==, 14 + 40 + 16); /* with our link-layer address */
    assert_bytes(g->bytes + 64, 6, l3port_mac(c->port)->b, 6);

    g_assert_cmpuint(heap_n(&c->got), ==, 1); /* at once, from memory */
    g = heap_at(&c->got, 0);
    g_assert_cmpuint(slow_transport_sum(g->bytes, 58, g->bytes + 40, g->len - 40), ==, 0xffff);
    g_assert_cmpint(ndp_parse_router_advertisement(reader_of(g->bytes + 40, g->len - 40), 255, &ra),
                    ==, DROP_NONE);
    g_assert_false(ra.has_mac);
    g_assert_cmpuint(ra.mtu, ==, 1400);
    g_assert_cmpuint(ra.n_prefix, ==, 1);
    g_assert_cmpuint(ra.n_dns, ==, 1);

    host_of_prefix(global, 0x99);
    client_tests(c, global);
    client_send(c, ip, udp6(ip, global, far_away, 20), 1);
    struct mac hop = host_mac(router);
    assert_bytes(lan_last(&n->lab, ETH_TYPE_IP6)->bytes, 6, hop.b, 6);
    client_forget(c);
    to_client(c, router, ip, udp6(ip, far_away, global, 20));
    g_assert_cmpuint(heap_n(&c->got), ==, 1);
    to_client(c, router, ip, udp6(ip, far_away, leased, 20)); /* not the client's */
    g_assert_cmpuint(heap_n(&c->got), ==, 1);

    client_send(c, ip, udp6(ip, far_away, global, 20), 1); /* out of bounds */
    client_send(c, ip, udp6(ip, router, far_away, 20), 1); /* the router's own */
    g_assert_cmpuint(client_dropped(c, DROP_BAD_SOURCE), ==, 2);
    w = writer_of(bytes, sizeof(bytes));
    ndp_write_router_advertisement(&w, &ra, local, all_nodes);
    client_ndp(c, local, all_nodes, reader_of(bytes, w.len));
    g_assert_cmpuint(client_dropped(c, DROP_POLICY), ==, 2); /* with the one above */

    struct ndp_neighbour ask = {.has_mac = true, .mac = hop}; /* the router looks for the client */
    struct ip6 head = {.next = 58, .hop_limit = 255, .payload_len = 32};
    memcpy(ask.target, global, 16);
    memcpy(head.src, router, 16);
    ndp_solicited_node(global, head.dst);
    w = writer_of(bytes, sizeof(bytes));
    ip6_write(&w, &head);
    ndp_write_neighbour(&w, &ask, head.src, head.dst);
    before = n->advertisements;
    client_forget(c);
    to_client(c, router, bytes, w.len);
    g_assert_cmpuint(n->advertisements, ==, before + 1);
    g_assert_cmpuint(heap_n(&c->got), ==, 0);
}

/* What the client tests belongs to another: it hears of it, and the port does not answer for it. */
static void
test_client_conflict(struct net6 *n, const void *data)
{
    (void)data;
    struct client *c = client6(n, 0, L3PORT_V6_CLIENT);
    client_come(c);
    lab_until(heap_n(&c->got) > 0);
    client_forget(c);
    host_of_prefix(n->claimed, 0x42);
    client_tests(c, n->claimed);
    lab_until(heap_n(&c->got) > 0);
    struct got *g = heap_at(&c->got, 0);
    struct ndp_neighbour said;
    g_assert_cmpint(ndp_parse_neighbour(reader_of(g->bytes + 40, g->len - 40), 255, &said), ==,
                    DROP_NONE);
    g_assert_true(said.advertisement && !said.has_mac);
    g_assert_cmpmem(said.target, 16, n->claimed, 16);
    for (unsigned i = 0; i < 40; i++) { /* more addresses than are remembered */
        uint8_t ip[16];
        host_of_prefix(ip, (uint8_t)(0x80 + i));
        client_tests(c, ip);
    }
}

#define ADD(name, function, workers)                                                       \
    g_test_add("/l3port6/" name, struct net6, GUINT_TO_POINTER(workers), set_up, function, \
               tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("slaac", test_slaac, 1);
    ADD("slaac-two-workers", test_slaac, 2);
    ADD("listening", test_listening, 1);
    ADD("answers", test_answers, 1);
    ADD("conflict", test_conflict, 1);
    ADD("dhcp6", test_dhcp6, 2);
    ADD("fallback", test_fallback, 1);
    ADD("fixed", test_fixed6, 1);
    ADD("expiry", test_expiry, 1);
    ADD("too-big", test_too_big, 1);
    ADD("client", test_client, 1);
    ADD("client-two-workers", test_client, 2);
    ADD("client-conflict", test_client_conflict, 1);
    return g_test_run();
}
