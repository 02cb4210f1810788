/* SPDX-License-Identifier: Apache-2.0 */
/* test-l3port.c - an IP client at a hub: its address by DHCP or fixed, what it may send and gets.
 */

#include "tests/unit/hub/l3_lab.h"

static const char payload[] = "hello, segment";

static size_t
udp_from(uint8_t *out, uint32_t src, uint32_t dst)
{
    return lab_udp(out, src, dst, 5000, 6000, reader_of(payload, sizeof(payload)));
}

/* ---- addresses ---- */

static void
test_lease(struct lab *lab, const void *data)
{
    (void)data;
    struct client *c = client_ready(lab, 0);
    const struct mac *mac = l3port_mac(c->port);
    uint8_t id[8];

    g_assert_cmpuint(mac->b[0], ==, 0x5e);
    l3port_interface_id(c->port, id);
    g_assert_cmpuint(id[0], ==, 0x5c);
    g_assert_cmpuint(c->last.ip4, ==, LAN(100 + mac->b[5] % 64u));
    g_assert_cmpuint(c->last.len4, ==, 24);
    g_assert_cmpuint(c->last.gateway4, ==, LAN_SERVER);
    g_assert_cmpuint(c->last.n_dns, ==, 1);
    g_assert_cmpuint(ip_to_v4(&c->last.dns[0]), ==, LAN(53));
    g_assert_cmpstr(c->last.domain, ==, "lab.test");
    g_assert_cmpuint(atomic_load(&c->n_configured), ==, 1);
    g_assert_cmpuint(lab->lan.discovers, ==, 1);
    g_assert_cmpuint(lab->lan.requests, ==, 1);
    lab_until(lab->lan.announcements > 0);
    g_assert_cmpstr(l3port_session(c->port)->name, ==, "SID-ALICE-1");

    struct mac before = *mac;
    client_leave(c);
    g_assert_cmpuint(lab->lan.releases, ==, 1);
    client_come(c); /* the same address again */
    g_assert_true(mac_equal(&before, l3port_mac(c->port)));
}

/* To a neighbour, and through the gateway; Ethernet as it should be. */
static void
test_way_out(struct lab *lab, const void *data)
{
    (void)data;
    static const struct {
        uint32_t to, hop;
    } way[] = {{LAN(50), LAN(50)}, {0x08080808, LAN_SERVER}, {LAN(51), LAN(51)}};
    struct client *c = client_ready(lab, 0);

    for (unsigned i = 0; i < ARRAY_LEN(way); i++) {
        uint8_t ip[100];
        size_t len = udp_from(ip, c->last.ip4, way[i].to);
        lan_forget(lab);
        client_send(c, ip, len, 3);
        g_assert_cmpuint(lan_count(lab, ETH_TYPE_ARP), ==, 1); /* asked once for all three */
        g_assert_cmpuint(lan_count(lab, ETH_TYPE_IP4), ==, 3);
        struct got *g = lan_last(lab, ETH_TYPE_IP4);
        struct mac hop = lan_mac(way[i].hop);
        assert_bytes(g->bytes, 6, hop.b, 6);
        assert_bytes(g->bytes + 6, 6, l3port_mac(c->port)->b, 6);
        assert_bytes(g->bytes + 14, g->len - 14, ip, len);
        lan_forget(lab);
        client_send(c, ip, len, 64); /* known now */
        g_assert_cmpuint(lan_count(lab, ETH_TYPE_ARP), ==, 0);
        g_assert_cmpuint(lan_count(lab, ETH_TYPE_IP4), ==, 64);
    }
}

static void
test_routes(struct lab *lab, const void *data)
{
    (void)data;
    lab->lan.has_routes = true;
    struct client *c = client_ready(lab, 0);
    uint8_t ip[100];

    g_assert_cmpuint(c->last.gateway4, ==, 0); /* RFC 3442: routes instead of the router */
    g_assert_cmpuint(c->last.n_route4, ==, 2);
    client_send(c, ip, udp_from(ip, c->last.ip4, 0x0a0a0101), 1);
    struct mac hop = lan_mac(LAN(3)); /* the longer one wins */
    assert_bytes(lan_last(lab, ETH_TYPE_IP4)->bytes, 6, hop.b, 6);
    client_send(c, ip, udp_from(ip, c->last.ip4, 0x0b0a0101), 1);
    hop = lan_mac(LAN(2));
    assert_bytes(lan_last(lab, ETH_TYPE_IP4)->bytes, 6, hop.b, 6);
}

static void
test_renew_and_lose(struct lab *lab, const void *data)
{
    (void)data;
    lab->lan.t1_s = 1;
    struct client *c = client_ready(lab, 0);
    uint8_t ip[100];

    lab_until(lab->lan.renewals > 0);
    struct got *g = lan_last(lab, ETH_TYPE_IP4);
    struct mac server = lan_mac(LAN_SERVER);
    assert_bytes(g->bytes, 6, server.b, 6); /* straight to the server */
    g_assert_cmpuint(atomic_load(&c->n_configured), ==, 1);
    lab->lan.refuses = true;
    lab_until(!atomic_load(&c->has4));
    lab_settle(lab);
    g_assert_cmpuint(atomic_load(&c->n_configured), ==, 2);
    g_assert_cmpuint(c->last.ip4, ==, 0);
    g_assert_cmpuint(c->last.n_dns, ==, 0);
    client_send(c, ip, udp_from(ip, LAN(10), LAN(50)), 1);
    g_assert_cmpuint(client_dropped(c, DROP_BAD_SOURCE), ==, 1);
    lab->lan.refuses = false;
    lab_until(atomic_load(&c->has4));
    lab_settle(lab);
    g_assert_cmpuint(atomic_load(&c->n_configured), ==, 3);
}

static struct client *
fixed(struct lab *lab, unsigned i, const char *address)
{
    struct client *c = client_of(lab, i);
    g_assert_true(ip_prefix_parse(address, &c->config.fixed.ip4));
    c->config.fixed.gateway4 = ip_from_v4(LAN_SERVER);
    c->config.fixed.dns[0] = ip_from_v4(LAN(54));
    c->config.fixed.n_dns = 1;
    return c;
}

static void
test_fixed(struct lab *lab, const void *data)
{
    (void)data;
    struct client *c = fixed(lab, 0, "10.9.0.77/24");
    client_come(c);
    lab_until(atomic_load(&c->n_configured) > 0);
    g_assert_true(c->last.has4);
    g_assert_cmpuint(c->last.ip4, ==, LAN(77));
    g_assert_cmpuint(c->last.gateway4, ==, LAN_SERVER);
    g_assert_cmpuint(ip_to_v4(&c->last.dns[0]), ==, LAN(54));
    g_assert_cmpuint(lab->lan.probes, ==, 3);
    g_assert_cmpuint(lab->lan.discovers, ==, 0);
    lab_until(lab->lan.announcements >= 2);

    struct mac asker = lan_mac(LAN(60)); /* answers for its own address, and for no other */
    uint8_t bytes[60] = {0};
    for (unsigned i = 0; i < 2; i++) {
        struct writer w = writer_of(bytes, sizeof(bytes));
        struct arp arp = {.op = ARP_REQUEST,
                          .sender_mac = asker,
                          .sender = LAN(60),
                          .target = i == 0 ? LAN(78) : LAN(77)};
        eth_write(&w, &(struct mac){{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, &asker, ETH_TYPE_ARP);
        arp_write(&w, &arp);
        lan_forget(lab);
        lan_inject(lab, bytes, sizeof(bytes));
        g_assert_cmpuint(lan_count(lab, ETH_TYPE_ARP), ==, i);
    }
    struct arp reply;
    struct got *g = lan_last(lab, ETH_TYPE_ARP);
    g_assert_cmpint(arp_parse(reader_of(g->bytes + 14, g->len - 14), &reply), ==, DROP_NONE);
    g_assert_cmpuint(reply.op, ==, ARP_REPLY);
    g_assert_cmpuint(reply.sender, ==, LAN(77));
    g_assert_true(mac_equal(&reply.sender_mac, l3port_mac(c->port)));
    client_leave(c);
    g_assert_cmpuint(lab->lan.releases, ==, 0);
}

/* Nobody serves one, another host has the other's address: both are told that there is none. */
static void
test_nothing(struct lab *lab, const void *data)
{
    (void)data;
    struct client *dynamic = client_of(lab, 0);
    struct client *taken = fixed(lab, 1, "10.9.0.77/24");
    int64_t then_us = clock_now_us();

    lab->lan.serves = false;
    lab->lan.claimed = LAN(77);
    taken->session.user = "bob";
    client_come(dynamic);
    client_come(taken);
    lab_until(atomic_load(&dynamic->n_configured) + atomic_load(&taken->n_configured) == 2);
    g_assert_cmpint(clock_now_us() - then_us, >=, L3PORT_WAIT_MS * INT64_C(1000));
    g_assert_false(dynamic->last.has4 || taken->last.has4);
    lab->lan.serves = true; /* and goes on */
    lab_until(atomic_load(&dynamic->has4));
}

static void
test_two_of_one_user(struct lab *lab, const void *data)
{
    (void)data;
    struct client *a = client_ready(lab, 0);
    struct client *b = client_ready(lab, 1);
    uint8_t ip[100];

    g_assert_false(mac_equal(l3port_mac(a->port), l3port_mac(b->port)));
    if (a->last.ip4 == b->last.ip4) /* the lab's server has not many addresses */
        return;
    lab->lan.silent = true; /* it would answer for everybody */
    client_forget(b);
    size_t len = udp_from(ip, a->last.ip4, b->last.ip4);
    client_send(a, ip, len, 40); /* to each other: both ask and answer ARP */
    g_assert_cmpuint(heap_n(&b->got), ==, L3PORT_PENDING_MAX);
    assert_bytes(heap_at(&b->got, 0)->bytes, heap_at(&b->got, 0)->len, ip, len);
    client_forget(b);
    client_send(a, ip, len, 40);
    g_assert_cmpuint(heap_n(&b->got), ==, 40);
}

/* ---- what a client may send ---- */

static void
test_anti_spoof(struct lab *lab, const void *data)
{
    (void)data;
    struct client *c = client_ready(lab, 0);
    uint8_t ip[100];
    static const uint32_t bad[] = {LAN(99), LAN_SERVER, 0, 0x7f000001, 0xe0000001, UINT32_MAX};

    lan_forget(lab);
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        client_send(c, ip, udp_from(ip, bad[i], LAN(50)), 1);
    g_assert_cmpuint(client_dropped(c, DROP_BAD_SOURCE), ==, ARRAY_LEN(bad));
    g_assert_cmpuint(lan_count(lab, ETH_TYPE_IP4), ==, 0);
    client_leave(c);

    c = client_of(lab, 0);
    c->session.policy.NoRouting = 0; /* has a network behind it, and may */
    c->session.bridge_mode = true;
    atomic_store(&c->n_configured, 0);
    client_come(c);
    lab_until(atomic_load(&c->has4) && atomic_load(&c->n_configured) > 0);
    lan_forget(lab);
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        client_send(c, ip, udp_from(ip, bad[i], LAN(50)), 1);
    g_assert_cmpuint(client_dropped(c, DROP_BAD_SOURCE), ==, ARRAY_LEN(bad) - 1);
    g_assert_cmpuint(lan_count(lab, ETH_TYPE_IP4), ==, 1);
    client_forget(c);
    size_t len = udp_from(ip, LAN(50), 0xc0a80101);
    lan_to_client(c, LAN(50), NULL, ip, len); /* and gets what is for that network */
    g_assert_cmpuint(heap_n(&c->got), ==, 1);
}

static void
test_malformed(struct lab *lab, const void *data)
{
    (void)data;
    struct client *c = client_ready(lab, 0);
    uint8_t ip[100];
    size_t len = udp_from(ip, c->last.ip4, LAN(50));

    client_send(c, ip, 1, 1);
    client_send(c, ip, 19, 1);
    client_send(c, ip, len - 1, 1);
    g_assert_cmpuint(client_dropped(c, DROP_SHORT), ==, 3);
    ip[0] = 0x44;
    client_send(c, ip, len, 1);
    g_assert_cmpuint(client_dropped(c, DROP_MALFORMED), ==, 1);
    ip[0] = 0x95;
    client_send(c, ip, len, 1);
    g_assert_cmpuint(client_dropped(c, DROP_VERSION), ==, 1);
    client_send(c, ip, udp_from(ip, c->last.ip4, c->last.ip4), 1);
    g_assert_cmpuint(client_dropped(c, DROP_HAIRPIN), ==, 1);
}

/* Somebody who does not answer: packets wait, then are lost, and the client hears of it. */
static void
test_pending(struct lab *lab, const void *data)
{
    (void)data;
    struct client *c = client_ready(lab, 0);
    uint8_t ip[100];
    size_t len = udp_from(ip, c->last.ip4, NOBODY);

    client_forget(c);
    client_send(c, ip, len, 40);
    g_assert_cmpuint(client_dropped(c, DROP_QUEUE_FULL), ==, 40 - L3PORT_PENDING_MAX);
    lab_until(client_dropped(c, DROP_NO_ROUTE) == L3PORT_PENDING_MAX);
    lab_settle(lab);
    g_assert_cmpuint(heap_n(&c->got), ==, L3PORT_PENDING_MAX);
    struct got *g = heap_at(&c->got, 0);
    struct icmp icmp;
    g_assert_cmpint(icmp_parse(reader_of(g->bytes + 20, g->len - 20), &icmp), ==, DROP_NONE);
    g_assert_cmpuint(icmp.type, ==, ICMP4_UNREACHABLE);
    assert_bytes(icmp.body.at, icmp.body.left, ip, len);
    g_assert_true(ip4_checksum_is_good(g->bytes, 20));
}

static void
test_groups(struct lab *lab, const void *data)
{
    (void)data;
    struct client *c = client_ready(lab, 0);
    uint8_t ip[100];
    static const struct {
        uint32_t to;
        const char *mac;
    } way[] = {{UINT32_MAX, "\xff\xff\xff\xff\xff\xff"},
               {LAN(255), "\xff\xff\xff\xff\xff\xff"},
               {0xe0ff0203, "\x01\x00\x5e\x7f\x02\x03"}};

    for (unsigned i = 0; i < ARRAY_LEN(way); i++) {
        lan_forget(lab);
        client_send(c, ip, udp_from(ip, c->last.ip4, way[i].to), 1);
        g_assert_cmpuint(lan_count(lab, ETH_TYPE_IP4), ==, 1);
        assert_bytes(lan_last(lab, ETH_TYPE_IP4)->bytes, 6, (const uint8_t *)way[i].mac, 6);
    }
}

/* ---- what it gets ---- */

static void
test_delivery(struct lab *lab, const void *data)
{
    (void)data;
    struct client *c = client_ready(lab, 0);
    struct client *other = client_ready(lab, 1); /* a flood is shared with it */
    uint8_t ip[100];
    size_t len = udp_from(ip, LAN(50), c->last.ip4);

    client_forget(c);
    client_forget(other);
    lan_to_client(c, LAN(50), NULL, ip, len);
    g_assert_cmpuint(heap_n(&c->got), ==, 1);
    assert_bytes(heap_at(&c->got, 0)->bytes, heap_at(&c->got, 0)->len, ip, len);
    lan_to_client(c, LAN(50), "02:00:00:00:77:77", ip, len); /* an unknown host's, flooded */
    g_assert_cmpuint(heap_n(&c->got), ==, 1);
    size_t stray = udp_from(ip, LAN(50), LAN(250)); /* to us by Ethernet, but not by IP */
    lan_to_client(c, LAN(50), NULL, ip, stray);
    g_assert_cmpuint(heap_n(&c->got), ==, 1);
    g_assert_cmpuint(client_dropped(c, DROP_POLICY), ==, 1);

    len = udp_from(ip, LAN(50), LAN(255));
    lan_to_client(c, LAN(50), "ff:ff:ff:ff:ff:ff", ip, len);
    len = udp_from(ip, LAN(50), 0xe00000fb);
    lan_to_client(c, LAN(50), "01:00:5e:00:00:fb", ip, len);
    g_assert_cmpuint(heap_n(&c->got), ==, 3);
    g_assert_cmpuint(heap_n(&other->got), ==, 2);
    len = udp_from(ip, LAN(50), LAN(250)); /* broadcast Ethernet with somebody's address */
    lan_to_client(c, LAN(50), "ff:ff:ff:ff:ff:ff", ip, len);
    len = lab_udp(ip, LAN_SERVER, UINT32_MAX, 67, 68, reader_of(payload, sizeof(payload)));
    lan_to_client(c, LAN_SERVER, "ff:ff:ff:ff:ff:ff", ip, len);
    len = lab_udp(ip, 0, UINT32_MAX, 68, 67, reader_of(payload, sizeof(payload)));
    lan_to_client(c, LAN(50), "ff:ff:ff:ff:ff:ff", ip, len); /* who asks for an address */
    g_assert_cmpuint(heap_n(&c->got), ==, 3);

    uint8_t padded[60] = {0}; /* Ethernet's padding does not reach the client */
    (void)lab_udp(padded, LAN(50), c->last.ip4, 1, 2, reader_of("x", 1));
    lan_to_client(c, LAN(50), NULL, padded, 46);
    g_assert_cmpuint(heap_at(&c->got, 3)->len, ==, 29);
}

static void
test_mss(struct lab *lab, const void *data)
{
    (void)data;
    static const uint8_t options[] = {2, 4, 1460 >> 8, 1460 & 0xff};
    struct client *c = client_ready(lab, 0);
    struct packet syn = {.flags = TCP_SYN, .sport = 1000, .options = options, .options_len = 4};
    struct frame *f = packet_make(&syn);
    uint8_t *ip = f->data + 14;
    size_t len = f->len - 14;

    for (unsigned up = 0; up < 2; up++) {
        wire_put32(ip + 12, up ? c->last.ip4 : LAN(50));
        wire_put32(ip + 16, up ? LAN(50) : c->last.ip4);
        ip4_set_checksum(ip, 20);
        wire_put16(ip + 36, 0);
        wire_put16(ip + 36, (uint16_t)~slow_transport_sum(ip, 6, ip + 20, len - 20));
        client_forget(c);
        lan_forget(lab);
        if (up)
            client_send(c, ip, len, 1);
        else
            lan_to_client(c, LAN(50), NULL, ip, len);
        const uint8_t *got =
            up ? lan_last(lab, ETH_TYPE_IP4)->bytes + 14 : heap_at(&c->got, 0)->bytes;
        g_assert_cmpuint(wire_get16(got + 42), ==, 1360);
        g_assert_cmpuint(slow_transport_sum(got, 6, got + 20, len - 20), ==, 0xffff);
    }
    g_free(f);
}

/* ---- super-frames and lengths ---- */

enum { SUPER = 20000, MSS = 1360 };

struct super {
    uint32_t src, dst;
    const struct mac *to; /* NULL: without Ethernet */
    bool no_checksum, is_plain;
};

static struct frame *
make_super(struct worker *w, void *arg)
{
    const struct super *s = arg;
    static uint8_t bytes[SUPER];
    struct packet spec = {.flags = TCP_ACK,
                          .sport = 1000,
                          .payload = bytes,
                          .fragment = IP4_DF,
                          .payload_len = s->is_plain ? 1000 : SUPER};
    struct frame *made = packet_make(&spec);
    uint8_t *ip = made->data + 14;
    wire_put32(ip + 12, s->src);
    wire_put32(ip + 16, s->dst);
    ip4_set_checksum(ip, 20);
    packet_mark(&spec, made, s->is_plain ? FRAME_GSO_NONE : FRAME_GSO_TCP4, s->is_plain ? 0 : MSS);
    struct frame *f = lab_frame(w, made->data, made->len);
    f->gso_type = made->gso_type;
    f->gso_size = made->gso_size;
    f->flags = made->flags;
    f->csum_start = made->csum_start;
    f->csum_offset = made->csum_offset;
    g_free(made);
    if (s->to) {
        memcpy(f->data, s->to->b, 6);
        struct mac from = lan_mac(s->src);
        memcpy(f->data + 6, from.b, 6);
    } else {
        (void)frame_pull(f, 14);
        f->csum_start -= 14;
    }
    return f;
}

static void
send_super(struct client *c, struct super *s)
{
    bool up = !s->to;
    struct lab_packet l = {
        .c = up ? c : NULL, .s = &c->lab->lan, .make = make_super, .arg = s, .n = 1};
    worker_call_sync(up ? c->w : c->lab->lan.w, lab_send_there, &l);
    lab_settle(c->lab);
}

static void
test_super_up(struct lab *lab, const void *data)
{
    (void)data;
    struct client *c = client_ready(lab, 0);
    struct super s = {.src = c->last.ip4, .dst = LAN(50)};

    send_super(c, &s); /* waits for ARP, and goes whole */
    struct got *g = lan_last(lab, ETH_TYPE_IP4);
    g_assert_cmpuint(g->len, ==, 14 + 40 + SUPER);
    g_assert_cmpuint(g->gso_type, ==, FRAME_GSO_TCP4);
    g_assert_cmpuint(g->gso_size, ==, MSS);
    g_assert_cmpuint(g->csum_start, ==, 34);
}

static void
test_super_down(struct lab *lab, const void *data)
{
    (void)data;
    struct client *c = client_ready(lab, 0);
    struct super s = {.src = LAN(50), .dst = c->last.ip4, .to = l3port_mac(c->port)};

    client_forget(c);
    send_super(c, &s);
    g_assert_cmpuint(heap_n(&c->got), ==, 1);
    struct got *g = heap_at(&c->got, 0);
    g_assert_cmpuint(g->len, ==, 40 + SUPER);
    g_assert_cmpuint(g->gso_type, ==, FRAME_GSO_TCP4);
    g_assert_cmpuint(g->csum_start, ==, 20);
    s.is_plain = true; /* a checksum that the client's end completes */
    send_super(c, &s);
    g = heap_at(&c->got, 1);
    g_assert_cmpuint(g->flags & FRAME_NEEDS_CSUM, !=, 0);
    g_assert_cmpuint(g->csum_start, ==, 20);
}

static void
test_super_cut(struct lab *lab, const void *data)
{
    (void)data;
    struct client *c = client_of(lab, 0);
    c->config.max_super = 0;
    client_come(c);
    lab_until(atomic_load(&c->has4));
    struct super s = {.src = LAN(50), .dst = c->last.ip4, .to = l3port_mac(c->port)};
    size_t sum = 0;

    client_forget(c);
    send_super(c, &s);
    s.is_plain = true;
    send_super(c, &s);
    unsigned n = (SUPER + MSS - 1) / MSS;
    g_assert_cmpuint(heap_n(&c->got), ==, n + 1);
    for (unsigned i = 0; i < n + 1; i++) {
        struct got *g = heap_at(&c->got, i);
        g_assert_cmpuint(g->len, <=, 1400);
        g_assert_cmpuint(g->gso_type | (g->flags & FRAME_NEEDS_CSUM), ==, 0);
        g_assert_cmpuint(wire_get16(g->bytes + 2), ==, g->len);
        g_assert_true(ip4_checksum_is_good(g->bytes, 20));
        g_assert_cmpuint(slow_transport_sum(g->bytes, 6, g->bytes + 20, g->len - 20), ==, 0xffff);
        sum += g->len - 40;
    }
    g_assert_cmpuint(sum, ==, SUPER + 1000);
}

/* Longer than the client's link: with "do not fragment" the sender hears of it, else it is cut. */
static void
test_too_long(struct lab *lab, const void *data)
{
    (void)data;
    struct client *c = client_ready(lab, 0);
    static uint8_t bytes[1480];
    uint8_t ip[1600];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    size_t len = lab_udp(ip, LAN(50), c->last.ip4, 1, 2, reader_of(bytes, 1472));

    g_assert_cmpuint(len, ==, 1500);
    client_forget(c);
    lan_forget(lab);
    lan_to_client(c, LAN(50), NULL, ip, len);
    g_assert_cmpuint(heap_n(&c->got), ==, 2);
    struct got *a = heap_at(&c->got, 0);
    struct got *b = heap_at(&c->got, 1);
    g_assert_cmpuint(a->len, ==, 1396);
    g_assert_cmpuint(a->len - 20 + b->len - 20, ==, 1480);
    g_assert_cmpuint(wire_get16(a->bytes + 6), ==, IP4_MF);
    g_assert_cmpuint(wire_get16(b->bytes + 6), ==, 1376 / 8);
    g_assert_true(ip4_checksum_is_good(a->bytes, 20) && ip4_checksum_is_good(b->bytes, 20));
    g_assert_cmpmem(a->bytes + 20, 1376, ip + 20, 1376);
    assert_bytes(b->bytes + 20, b->len - 20, ip + 20 + 1376, 104);

    wire_put16(ip + 6, IP4_DF);
    ip4_set_checksum(ip, 20);
    lan_to_client(c, LAN(50), NULL, ip, len);
    g_assert_cmpuint(heap_n(&c->got), ==, 2);
    g_assert_cmpuint(client_dropped(c, DROP_MTU), ==, 1);
    struct got *g = lan_last(lab, ETH_TYPE_IP4);
    struct icmp icmp;
    struct mac sender = lan_mac(LAN(50));
    assert_bytes(g->bytes, 6, sender.b, 6);
    g_assert_cmpint(icmp_parse(reader_of(g->bytes + 34, g->len - 34), &icmp), ==, DROP_NONE);
    g_assert_cmpuint(icmp.type, ==, ICMP4_UNREACHABLE);
    g_assert_cmpuint(icmp.code, ==, ICMP4_CODE_TOO_BIG);
    g_assert_cmpuint(icmp.rest, ==, 1400);
    g_assert_cmpmem(icmp.body.at, 28, ip, 28);
    lan_forget(lab);
    for (unsigned i = 0; i < 100; i++) /* not one for each */
        lan_to_client(c, LAN(50), NULL, ip, len);
    g_assert_cmpuint(lan_count(lab, ETH_TYPE_IP4), <, 80);
}

/* Longer than the segment takes, as its DHCP server says. */
static void
test_narrow_segment(struct lab *lab, const void *data)
{
    (void)data;
    static uint8_t bytes[1350 - 28];
    uint8_t ip[1500];
    struct icmp icmp;
    lab->lan.mtu = 1300;
    struct client *c = client_ready(lab, 0);
    size_t len = lab_udp(ip, c->last.ip4, LAN(50), 1, 2, reader_of(bytes, sizeof(bytes)));

    client_forget(c);
    client_send(c, ip, len, 1); /* may be cut by whoever has to */
    g_assert_cmpuint(client_dropped(c, DROP_MTU), ==, 0);
    wire_put16(ip + 6, IP4_DF);
    ip4_set_checksum(ip, 20);
    client_send(c, ip, len, 1);
    g_assert_cmpuint(client_dropped(c, DROP_MTU), ==, 1);
    g_assert_cmpuint(heap_n(&c->got), ==, 1);
    struct got *g = heap_at(&c->got, 0);
    g_assert_cmpuint(wire_get32(g->bytes + 12), ==, LAN_SERVER); /* its gateway says so */
    g_assert_cmpint(icmp_parse(reader_of(g->bytes + 20, g->len - 20), &icmp), ==, DROP_NONE);
    g_assert_cmpuint(icmp.code, ==, ICMP4_CODE_TOO_BIG);
    g_assert_cmpuint(icmp.rest, ==, 1300);
}

/* ---- the client's own DHCP ---- */

static void
test_inform(struct lab *lab, const void *data)
{
    (void)data;
    lab->lan.has_routes = true;
    struct client *c = client_ready(lab, 0);
    uint8_t bytes[600];
    uint8_t ip[700];
    uint8_t out[64];
    struct dhcp4_message answer;
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct dhcp4_message m = {
        .type = DHCP4_INFORM, .xid = 77, .ciaddr = c->last.ip4, .chaddr = {{1, 2, 3, 4, 5, 6}}};

    dhcp4_write_header(&w, &m);
    dhcp4_write_end(&w);
    size_t len = lab_udp(ip, c->last.ip4, UINT32_MAX, 68, 67, reader_of(bytes, w.len));
    client_forget(c);
    lan_forget(lab);
    client_send(c, ip, len, 1);
    g_assert_cmpuint(lan_count(lab, ETH_TYPE_IP4), ==, 0);
    g_assert_cmpuint(heap_n(&c->got), ==, 1);
    struct got *g = heap_at(&c->got, 0);
    g_assert_cmpuint(slow_transport_sum(g->bytes, 17, g->bytes + 20, g->len - 20), ==, 0xffff);
    g_assert_cmpint(dhcp4_parse(reader_of(g->bytes + 28, g->len - 28), &answer), ==, DROP_NONE);
    g_assert_cmpint(answer.type, ==, DHCP4_ACK);
    g_assert_cmpuint(answer.xid, ==, 77);
    g_assert_cmpuint(answer.yiaddr, ==, 0);
    uint32_t dns = 0;
    g_assert_true(dhcp4_option_u32(&answer, DHCP4_OPT_DNS, &dns));
    g_assert_cmpuint(dns, ==, LAN(53));
    g_assert_cmpint(dhcp4_option(&answer, DHCP4_OPT_DOMAIN, out, sizeof(out)), ==, 8);
    int routes = dhcp4_option(&answer, DHCP4_OPT_ROUTES, out, sizeof(out));
    g_assert_cmpint(routes, ==, 5 + 7);
    g_assert_cmpint(dhcp4_option(&answer, 249, out, sizeof(out)), ==, routes);

    w = writer_of(bytes, sizeof(bytes)); /* all else of DHCP ends at the port */
    m.type = DHCP4_DISCOVER;
    m.ciaddr = 0;
    dhcp4_write_header(&w, &m);
    dhcp4_write_end(&w);
    len = lab_udp(ip, 0, UINT32_MAX, 68, 67, reader_of(bytes, w.len));
    client_send(c, ip, len, 1);
    g_assert_cmpuint(lan_count(lab, ETH_TYPE_IP4), ==, 0);
    g_assert_cmpuint(heap_n(&c->got), ==, 1);
}

/* ---- the end ---- */

static void
test_end(struct lab *lab, const void *data)
{
    (void)data;
    struct client *c = client_of(lab, 0);
    c->end_in_configured = true;
    worker_call_sync(c->w, client_come_there, c); /* it may be gone at once */
    g_assert_no_error(c->error);
    lab_until(atomic_load(&c->n_configured) > 0);
    lab_settle(lab);
    g_assert_null(c->port);
    g_assert_cmpuint(lab->lan.releases, ==, 1);

    struct client *d = client_ready(lab, 1);
    char name[] = "LAB";
    struct hub_config config = {.name = name, .online = false};
    hub_set_config(lab->hub, &config);
    lab_settle(lab);
    g_assert_null(d->port);
    g_assert_cmpint(d->stopped, ==, PE_HUB_STOPPING);
    worker_call_sync(d->w, client_come_there, d);
    g_assert_error(d->error, PE_ERROR, PE_HUB_STOPPING);
    g_assert_null(d->port);
}

#define ADD(name, function, workers)                                                         \
    g_test_add("/l3port/" name, struct lab, GUINT_TO_POINTER(workers), lab_set_up, function, \
               lab_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("lease", test_lease, 1);
    ADD("lease-two-workers", test_lease, 2);
    ADD("way-out", test_way_out, 1);
    ADD("way-out-two-workers", test_way_out, 2);
    ADD("routes", test_routes, 1);
    ADD("renew-and-lose", test_renew_and_lose, 1);
    ADD("fixed", test_fixed, 1);
    ADD("two-of-one-user", test_two_of_one_user, 1);
    ADD("anti-spoof", test_anti_spoof, 1);
    ADD("malformed", test_malformed, 1);
    ADD("pending", test_pending, 2);
    ADD("groups", test_groups, 1);
    ADD("delivery", test_delivery, 1);
    ADD("delivery-two-workers", test_delivery, 2);
    ADD("mss", test_mss, 1);
    ADD("super-up", test_super_up, 1);
    ADD("super-down", test_super_down, 1);
    ADD("super-cut", test_super_cut, 1);
    ADD("too-long", test_too_long, 1);
    ADD("narrow-segment", test_narrow_segment, 1);
    ADD("inform", test_inform, 1);
    ADD("end", test_end, 1);
    ADD("nothing", test_nothing, 2);
    return g_test_run();
}
