/* SPDX-License-Identifier: Apache-2.0 */
/* test-nat-frames.c - single frames to a virtual host, and what it answers: what test-vhost's
 * well-behaved client would never send. In a namespace without any way outside. */

#include "core/hub/nat/vhost.h"
#include "core/net/arp.h"
#include "core/net/checksum.h"
#include "core/net/dhcp4.h"
#include "core/net/eth.h"
#include "core/net/flow.h"
#include "core/net/icmp.h"
#include "core/net/ip4.h"
#include "core/net/tcp.h"
#include "core/net/udp.h"
#include "core/net/wire.h"
#include "tests/unit/hub/rig.h"
#include "tests/unit/platform/netns.h"

static const struct mac host_mac = {{0x5e, 1, 2, 3, 4, 5}};
static const struct mac client_mac = {{2, 0, 0, 0, 0, 1}};
static const struct mac all_mac = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

#define HOST    0xc0a81e01u /* 192.168.30.1 */
#define CLIENT  0xc0a81e0au
#define OUTSIDE 0xc6336401u /* 198.51.100.1 */

struct scene {
    struct rig rig;
    struct vhost *vhost;
    struct hub_port *port;
    GPtrArray *got; /* of GBytes: frames that came */
    GArray *leases;
};

static const char *unavailable;

/* ---- a port that keeps what it gets ---- */

static void
deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    struct scene *s = hub_port_owner(port);
    (void)now_us;
    for (unsigned i = 0; i < b->n; i++)
        g_ptr_array_add(s->got, g_bytes_new(b->frame[i]->data, b->frame[i]->len));
    batch_free_frames(b);
}

static const struct hub_port_ops port_ops = {.deliver = deliver};

static void
attach_there(void *data)
{
    struct scene *s = data;
    struct hub_port_config c = rig_config();
    c.name = "client";
    c.policy.NoBroadcastLimiter = 1;
    s->port = hub_attach(s->rig.hub, &c, &port_ops, s, NULL);
    g_assert_nonnull(s->port);
}

static void
detach_there(void *data)
{
    struct scene *s = data;
    hub_detach(s->port);
}

struct sending {
    struct scene *s;
    const uint8_t *bytes;
    size_t len;
};

static void
send_there(void *data)
{
    const struct sending *g = data;
    struct batch b = {.n = 0};
    struct frame *f = frame_new(worker_pool(worker_current()), g->len);
    memcpy(frame_put(f, g->len), g->bytes, g->len);
    batch_add(&b, f);
    hub_port_receive(g->s->port, &b, worker_now_us(worker_current()));
}

static struct worker *
home(struct scene *s)
{
    return worker_set_get(s->rig.set, 0);
}

static void
send_bytes(struct scene *s, const uint8_t *bytes, size_t len)
{
    struct sending g = {s, bytes, len};
    rig_settle(&s->rig); /* what is on its way belongs to what was before */
    g_ptr_array_set_size(s->got, 0);
    worker_call_sync(home(s), send_there, &g);
    rig_settle(&s->rig);
}

/* The frame that came as the answer, the only one; its flow. */
static const uint8_t *
answer(struct scene *s, struct flow *fl)
{
    size_t len = 0;
    g_assert_cmpuint(s->got->len, ==, 1);
    const uint8_t *at = g_bytes_get_data(g_ptr_array_index(s->got, 0), &len);
    g_assert_cmpint(flow_parse(reader_of(at, len), fl), ==, DROP_NONE);
    g_assert_true(memcmp(at, client_mac.b, 6) == 0);
    g_assert_true(memcmp(at + 6, host_mac.b, 6) == 0);
    return at;
}

/* ---- frames ---- */

static void
send_ip4(struct scene *s, uint32_t dst, uint8_t proto, uint8_t ttl, struct reader l4)
{
    uint8_t bytes[2048];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct ip4 ip = {.ttl = ttl, .proto = proto, .src = CLIENT, .dst = dst};
    ip.total_len = (uint16_t)(IP4_HEADER + l4.left);
    eth_write(&w, &host_mac, &client_mac, ETH_TYPE_IP4);
    ip4_write(&w, &ip);
    writer_bytes(&w, l4.at, l4.left);
    g_assert_true(writer_ok(&w));
    send_bytes(s, bytes, w.len);
}

static uint64_t
pseudo(uint32_t dst, uint8_t proto, size_t len)
{
    struct ip a = ip_from_v4(CLIENT);
    struct ip b = ip_from_v4(dst);
    return csum_pseudo4(a.b, b.b, proto, (uint16_t)len);
}

static void
send_tcp(struct scene *s, uint32_t dst, uint8_t flags, uint8_t ttl)
{
    uint8_t l4[TCP_HEADER] = {0};
    wire_put16(l4, 1000);
    wire_put16(l4 + 2, 80);
    wire_put32(l4 + 4, 7000);
    wire_put32(l4 + 8, 9000);
    l4[12] = 5 << 4;
    l4[13] = flags;
    wire_put16(l4 + 16, csum_finish(csum_add(pseudo(dst, 6, sizeof(l4)), l4, sizeof(l4))));
    send_ip4(s, dst, IP_PROTO_TCP, ttl, reader_of(l4, sizeof(l4)));
}

static void
send_ping(struct scene *s, uint32_t dst, uint16_t id)
{
    uint8_t l4[64];
    struct writer w = writer_of(l4, sizeof(l4));
    struct icmp icmp = {.type = ICMP4_ECHO, .rest = (uint32_t)id << 16 | 1};
    icmp_write(&w, &icmp, 0);
    send_ip4(s, dst, IP_PROTO_ICMP, 64, reader_of(l4, w.len));
}

static void
send_arp(struct scene *s, uint32_t sender, uint32_t target)
{
    uint8_t bytes[ETH_FRAME_MIN] = {0};
    struct writer w = writer_of(bytes, sizeof(bytes));
    const struct arp arp = {
        .op = ARP_REQUEST, .sender_mac = client_mac, .sender = sender, .target = target};
    eth_write(&w, &all_mac, &client_mac, ETH_TYPE_ARP);
    arp_write(&w, &arp);
    send_bytes(s, bytes, sizeof(bytes));
}

/* ---- scene ---- */

static void
on_leases(void *owner, const struct dhcp_lease *lease, unsigned n)
{
    struct scene *s = owner;
    g_assert_null(worker_current()); /* control */
    g_array_append_vals(s->leases, lease, n);
}

static const struct vhost_ops ops = {.leases_changed = on_leases};

static struct vhost_config
config(void)
{
    return (struct vhost_config){
        .mac = host_mac,
        .ip4 = HOST,
        .mask4 = 0xffffff00,
        .mtu = 1500,
        .use_nat = true,
        .nat_mode = VHOST_NAT_USER,
        .tcp_timeout_s = 1800,
        .udp_timeout_s = 60,
        .use_dhcp = true,
        .dhcp4 = {.first = CLIENT,
                  .last = 0xc0a81ec8,
                  .mask = 0xffffff00,
                  .lease_s = 7200,
                  .gateway = HOST,
                  .dns = {HOST}},
    };
}

static void
set_up(struct scene *s, const void *data)
{
    g_autoptr(GError) error = NULL;
    rig_set_up(&s->rig, data);
    s->got = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    s->leases = g_array_new(FALSE, FALSE, sizeof(struct dhcp_lease));
    struct vhost_config c = config();
    s->vhost = vhost_new(s->rig.hub, &c, NULL, 0, &ops, s, &error);
    g_assert_no_error(error);
    worker_call_sync(home(s), attach_there, s);
    rig_settle(&s->rig);
}

static void
tear_down(struct scene *s, const void *data)
{
    vhost_free(s->vhost);
    worker_call_sync(home(s), detach_there, s);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_ptr_array_unref(s->got);
    g_array_unref(s->leases);
    rig_tear_down(&s->rig, data);
}

static unsigned
n_flows(struct scene *s)
{
    struct vhost_status st;
    vhost_get_status(s->vhost, &st);
    return st.tcp + st.udp + st.icmp + st.dns;
}

/* ---- tests ---- */

static void
test_arp(struct scene *s, const void *data)
{
    struct flow fl;
    struct arp arp;
    (void)data;
    send_arp(s, CLIENT, HOST);
    const uint8_t *at = answer(s, &fl);
    g_assert_cmpuint(fl.type, ==, ETH_TYPE_ARP);
    g_assert_cmpint(arp_parse(reader_of(at + 14, 46), &arp), ==, DROP_NONE);
    g_assert_cmpuint(arp.op, ==, ARP_REPLY);
    g_assert_cmpuint(arp.sender, ==, HOST);
    g_assert_true(mac_equal(&arp.sender_mac, &host_mac));
    send_arp(s, CLIENT, HOST + 1);
    g_assert_cmpuint(s->got->len, ==, 0);
    send_arp(s, 0, HOST); /* somebody looks whether he may have our address */
    (void)answer(s, &fl);
    send_arp(s, HOST, HOST); /* and somebody takes it */
    g_assert_cmpuint(s->got->len, ==, 1);
    at = g_bytes_get_data(g_ptr_array_index(s->got, 0), NULL);
    g_assert_true(eth_is_broadcast(at));
    g_assert_cmpint(arp_parse(reader_of(at + 14, 46), &arp), ==, DROP_NONE);
    g_assert_true(arp_is_announcement(&arp) && arp.sender == HOST);
}

static void
assert_icmp(struct scene *s, uint8_t type, uint8_t code)
{
    struct flow fl;
    const uint8_t *at = answer(s, &fl);
    g_assert_cmpuint(fl.proto, ==, IP_PROTO_ICMP);
    g_assert_cmpuint(at[fl.l4], ==, type);
    g_assert_cmpuint(at[fl.l4 + 1], ==, code);
    g_assert_true(csum_is_good(csum_add(0, at + fl.l4, fl.end - fl.l4)));
    /* what it is about: the packet, with the client's addresses */
    g_assert_cmpuint(wire_get32(at + fl.l4 + ICMP_HEADER + 12), ==, CLIENT);
}

/* Where the sockets of this host would lead, and nobody may go. */
static void
test_guard(struct scene *s, const void *data)
{
    static const uint32_t refused[] = {
        0x7f000001, 0x7f080808, 0x00000000, 0x00000001, 0xa9fea9fe, /* 169.254.169.254 */
        0xe0000001, 0xffffffff, HOST + 5,   0xc0a81eff,
    };
    (void)data;
    for (unsigned i = 0; i < ARRAY_LEN(refused); i++) {
        send_tcp(s, refused[i], TCP_SYN, 64);
        assert_icmp(s, ICMP4_UNREACHABLE, 13);
        send_ping(s, refused[i], 1);
        assert_icmp(s, ICMP4_UNREACHABLE, 13);
    }
    g_assert_cmpuint(n_flows(s), ==, 0);
}

static void
test_tcp(struct scene *s, const void *data)
{
    struct flow fl;
    (void)data;
    send_tcp(s, OUTSIDE, TCP_ACK, 64); /* of no connection */
    const uint8_t *at = answer(s, &fl);
    g_assert_cmpuint(fl.proto, ==, IP_PROTO_TCP);
    g_assert_cmpuint(at[fl.l4 + TCP_AT_FLAGS], ==, TCP_RST);
    g_assert_cmpuint(wire_get32(at + fl.l4 + TCP_AT_SEQ), ==, 9000);
    send_tcp(s, OUTSIDE, TCP_RST, 64);
    g_assert_cmpuint(s->got->len, ==, 0);
    send_tcp(s, HOST, TCP_SYN, 64); /* to a port of the host itself */
    at = answer(s, &fl);
    g_assert_cmpuint(at[fl.l4 + TCP_AT_FLAGS], ==, TCP_RST | TCP_ACK);
    g_assert_cmpuint(wire_get32(at + fl.l4 + 8), ==, 7001);
    send_tcp(s, OUTSIDE, TCP_SYN, 1);
    assert_icmp(s, ICMP4_TIME_EXCEEDED, 0);
    send_tcp(s, OUTSIDE, TCP_SYN, 64); /* this host has no way there */
    assert_icmp(s, ICMP4_UNREACHABLE, 0);
    g_assert_cmpuint(n_flows(s), ==, 0);
}

static void
test_unsound(struct scene *s, const void *data)
{
    uint8_t l4[TCP_HEADER] = {0};
    (void)data;
    l4[12] = 5 << 4;
    l4[13] = TCP_ACK;
    send_ip4(s, OUTSIDE, IP_PROTO_TCP, 64, reader_of(l4, sizeof(l4))); /* a wrong checksum */
    g_assert_cmpuint(s->got->len, ==, 0);
    struct hub_stats st;
    hub_get_stats(s->rig.hub, &st);
    g_assert_cmpuint(st.dropped[DROP_MALFORMED], ==, 1);
    send_ip4(s, OUTSIDE, IP_PROTO_GRE, 64, reader_of(l4, sizeof(l4)));
    assert_icmp(s, ICMP4_UNREACHABLE, 13);
}

static void
test_no_nat(struct scene *s, const void *data)
{
    struct vhost_config c = config();
    g_autoptr(GError) error = NULL;
    struct flow fl;
    (void)data;
    c.use_nat = false;
    g_assert_true(vhost_set_config(s->vhost, &c, &error));
    send_tcp(s, OUTSIDE, TCP_SYN, 64);
    assert_icmp(s, ICMP4_UNREACHABLE, 0);
    send_ping(s, HOST, 1);
    const uint8_t *at = answer(s, &fl);
    g_assert_cmpuint(at[fl.l4], ==, ICMP4_ECHO_REPLY);
}

/* A client may have so many pings at a time. */
static void
test_limit(struct scene *s, const void *data)
{
    (void)data;
    if (unavailable) {
        g_test_skip(unavailable);
        return;
    }
    g_assert_true(netns_try("ip address add 198.51.100.1/32 dev lo"));
    for (unsigned i = 0; i < 100; i++)
        send_ping(s, OUTSIDE, (uint16_t)i);
    g_assert_cmpuint(n_flows(s), ==, 64);
    g_autoptr(GArray) flows = vhost_flows(s->vhost);
    g_assert_cmpuint(flows->len, ==, 64);
    g_assert_cmpint(g_array_index(flows, struct vhost_flow, 0).proto, ==, VHOST_ICMP);
    struct vhost_config c = config();
    c.mtu = 1400;
    g_assert_true(
        vhost_set_config(s->vhost, &c, NULL)); /* flows end with what they were made for */
    g_assert_cmpuint(n_flows(s), ==, 0);
    g_assert_true(netns_try("ip address del 198.51.100.1/32 dev lo"));
}

static void
test_moves(struct scene *s, const void *data)
{
    struct vhost_config c = config();
    struct flow fl;
    (void)data;
    c.ip4 = HOST + 1;
    c.dhcp4.gateway = c.ip4;
    g_assert_true(vhost_set_config(s->vhost, &c, NULL));
    send_arp(s, CLIENT, HOST);
    g_assert_cmpuint(s->got->len, ==, 0);
    send_arp(s, CLIENT, HOST + 1);
    (void)answer(s, &fl);
}

static void
test_bad_configs(struct scene *s, const void *data)
{
    struct vhost_config c[12];
    (void)data;
    for (unsigned i = 0; i < ARRAY_LEN(c); i++)
        c[i] = config();
    c[0].mac.b[0] = 1;
    c[1].ip4 = 0x7f000001;
    c[2].mask4 = 0xff00ff00;
    c[3].ip4 = 0xc0a81eff;
    c[4].mtu = 100;
    c[5].use_ip6 = true;
    c[5].mtu = 1000;
    c[6].use_ip6 = true; /* without a prefix */
    c[7].tcp_timeout_s = 1;
    c[8].udp_timeout_s = 1;
    c[9].dhcp4.first = c[9].dhcp4.last + 1;
    c[10].dhcp4.last = 0xc0a81f01;
    c[11].dhcp4.lease_s = 1;
    for (unsigned i = 0; i < ARRAY_LEN(c); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *why = vhost_config_check(&c[i]);
        g_assert_nonnull(why);
        g_assert_false(vhost_set_config(s->vhost, &c[i], &error));
        g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
        g_assert_cmpstr(error->message, ==, why);
    }
    struct vhost_config good = config();
    g_assert_null(vhost_config_check(&good));
}

/* ---- DHCP ---- */

static void
send_dhcp(struct scene *s, enum dhcp4_type type, uint32_t address)
{
    uint8_t bytes[600];
    struct writer w = writer_of(bytes, sizeof(bytes));
    const struct dhcp4_message m = {.xid = 77, .type = type, .chaddr = client_mac};
    dhcp4_write_header(&w, &m);
    if (address != 0) {
        dhcp4_write_option_u32(&w, DHCP4_OPT_ADDRESS, address);
        dhcp4_write_option_u32(&w, DHCP4_OPT_SERVER, HOST);
    }
    dhcp4_write_end(&w);
    struct frame_pool *pool = frame_pool_new(0);
    struct frame *f =
        dhcp4_frame_build(pool, &client_mac, &all_mac, 0, 0xffffffff, reader_of(bytes, w.len));
    send_bytes(s, f->data, f->len);
    frame_free(f);
    frame_pool_free(pool);
}

/* Waits for an answer of this type; its address. */
static uint32_t
wait_dhcp(struct scene *s, enum dhcp4_type type)
{
    for (unsigned waited = 0; waited < 400; waited++) {
        rig_settle(&s->rig);
        for (unsigned i = 0; i < s->got->len; i++) {
            size_t len = 0;
            const uint8_t *at = g_bytes_get_data(g_ptr_array_index(s->got, i), &len);
            struct dhcp4_message m;
            if (len > 42 && wire_get16(at + 34) == DHCP4_SERVER_PORT &&
                dhcp4_parse(reader_of(at + 42, len - 42), &m) == DROP_NONE && m.type == type)
                return m.yiaddr;
        }
        g_usleep(10000);
    }
    g_error("no answer of DHCP");
}

static void
test_dhcp(struct scene *s, const void *data)
{
    (void)data;
    send_dhcp(s, DHCP4_DISCOVER, 0);
    uint32_t offered = wait_dhcp(s, DHCP4_OFFER);
    g_assert_cmpuint(offered, >=, CLIENT);
    send_dhcp(s, DHCP4_REQUEST, offered);
    g_assert_cmpuint(wait_dhcp(s, DHCP4_ACK), ==, offered);
    g_autoptr(GArray) leases = vhost_leases(s->vhost);
    g_assert_cmpuint(leases->len, ==, 1);
    const struct dhcp_lease *l = &g_array_index(leases, struct dhcp_lease, 0);
    g_assert_cmpuint(ip_to_v4(&l->ip), ==, offered);
    g_assert_true(mac_equal(&l->mac, &client_mac));
    g_assert_cmpuint(s->leases->len, ==, 0); /* told a little later, and on this thread */
    for (unsigned i = 0; i < 300 && s->leases->len == 0; i++) {
        (void)g_main_context_iteration(NULL, FALSE);
        g_usleep(10000);
    }
    g_assert_cmpuint(s->leases->len, ==, 1);

    /* A new host with what is kept gives the same again. */
    struct vhost_config c = config();
    g_autoptr(GError) error = NULL;
    vhost_free(s->vhost);
    s->vhost = vhost_new(s->rig.hub, &c, (const struct dhcp_lease *)(void *)s->leases->data, 1,
                         &ops, s, &error);
    g_assert_no_error(error);
    struct vhost_status st;
    vhost_get_status(s->vhost, &st);
    g_assert_cmpuint(st.leases, ==, 1);
    send_dhcp(s, DHCP4_DISCOVER, 0);
    g_assert_cmpuint(wait_dhcp(s, DHCP4_OFFER), ==, offered);
}

/* While its hub is offline it is not there; then it comes back by itself. */
static void
test_offline(struct scene *s, const void *data)
{
    char name[] = "TEST";
    struct hub_config c = {.name = name};
    struct flow fl;
    (void)data;
    hub_set_config(s->rig.hub, &c);
    g_usleep(2500 * 1000);
    c.online = true;
    hub_set_config(s->rig.hub, &c);
    send_arp(s, CLIENT, HOST);
    g_assert_cmpuint(s->got->len, ==, 0);
    g_usleep(2500 * 1000);
    send_arp(s, CLIENT, HOST);
    (void)answer(s, &fl);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    unavailable = netns_enter();
#define ADD(name, fn) g_test_add("/nat-frames/" name, struct scene, NULL, set_up, fn, tear_down)
    ADD("arp", test_arp);
    ADD("guard", test_guard);
    ADD("tcp", test_tcp);
    ADD("unsound", test_unsound);
    ADD("no-nat", test_no_nat);
    ADD("limit", test_limit);
    ADD("moves", test_moves);
    ADD("bad-configs", test_bad_configs);
    ADD("dhcp", test_dhcp);
    ADD("offline", test_offline);
    return g_test_run();
}
