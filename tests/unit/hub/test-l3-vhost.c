/* SPDX-License-Identifier: Apache-2.0 */
/* test-l3-vhost.c - an IP client and the hub's own virtual host, which know nothing of each other:
 * addresses of both families, the way to the gateway and back, and leases that are given back. */

#include "core/hub/nat/vhost.h"
#include "core/net/ip6.h"
#include "tests/unit/hub/l3_lab.h"

enum { GATEWAY = 0xc0a81e01 };

static void
no_leases(void *owner, const struct dhcp_lease *lease, unsigned n)
{
    (void)owner;
    (void)lease;
    (void)n;
}

static const struct vhost_ops ops = {.leases_changed = no_leases};

static struct vhost *
host(struct lab *lab)
{
    GError *error = NULL;
    struct vhost_config c = {
        .mac = {{0x5e, 1, 2, 3, 4, 5}},
        .ip4 = GATEWAY,
        .mask4 = 0xffffff00,
        .mtu = 1500,
        .tcp_timeout_s = 1800,
        .udp_timeout_s = 60,
        .use_dhcp = true,
        .dhcp4 = {.first = 0xc0a81e0a,
                  .last = 0xc0a81ec8,
                  .mask = 0xffffff00,
                  .lease_s = 7200,
                  .gateway = GATEWAY,
                  .dns = {GATEWAY}},
        .use_ip6 = true,
        .dhcp6 = {.prefix = {0xfd, 0x30, 0, 1, 0, 2, 0, 3}, .lease_s = 7200, .mtu = 1500},
    };
    lab->lan.serves = false;
    lab->lan.silent = true; /* nobody else is there */
    struct vhost *v = vhost_new(lab->hub, &c, NULL, 0, &ops, NULL, &error);
    g_assert_no_error(error);
    lab_settle(lab);
    return v;
}

static size_t
echo4(uint8_t *out, uint32_t src)
{
    struct ip4 ip = {
        .ttl = 64, .proto = IP_PROTO_ICMP, .total_len = 36, .src = src, .dst = GATEWAY};
    struct icmp icmp = {.type = ICMP4_ECHO, .rest = 0x00010002, .body = reader_of("12345678", 8)};
    struct writer w = writer_of(out, 36);
    ip4_write(&w, &ip);
    icmp_write(&w, &icmp, 0);
    g_assert_true(writer_ok(&w));
    return w.len;
}

static size_t
echo6(uint8_t *out, const uint8_t src[16], const uint8_t dst[16])
{
    struct ip6 ip = {.hop_limit = 64, .next = IP_PROTO_ICMP6, .payload_len = 16};
    struct icmp icmp = {.type = ICMP6_ECHO, .rest = 0x00010002, .body = reader_of("12345678", 8)};
    struct writer w = writer_of(out, 56);
    memcpy(ip.src, src, 16);
    memcpy(ip.dst, dst, 16);
    ip6_write(&w, &ip);
    icmp_write(&w, &icmp, csum_pseudo6(src, dst, IP_PROTO_ICMP6, 16));
    g_assert_true(writer_ok(&w));
    return w.len;
}

static void
expect_reply(struct client *c, unsigned at, uint8_t type)
{
    lab_until(heap_n(&c->got) >= 1);
    struct got *g = heap_at(&c->got, 0);
    g_assert_cmpuint(g->len, >, at + 8);
    g_assert_cmpuint(g->bytes[at], ==, type);
}

static void
test_all(struct lab *lab, const void *data)
{
    (void)data;
    struct vhost *v = host(lab);
    struct client *c = client_of(lab, 0);
    uint8_t ip[100];
    int64_t then_us = clock_now_us();
    c->config.v6 = L3PORT_V6_TOLD;
    client_come(c);
    lab_until(atomic_load(&c->has4) && atomic_load(&c->has6));
    lab_settle(lab);
    g_test_message("both addresses after %.3f s", (double)(clock_now_us() - then_us) / 1e6);
    g_assert_true(c->last.has4 && c->last.has6);
    g_assert_cmpuint(c->last.gateway4, ==, GATEWAY);
    g_assert_cmpuint(c->last.ip6[0], ==, 0xfd);
    g_assert_cmpuint(c->last.len6, ==, 64);
    g_assert_cmpuint(c->last.gateway6[0], ==, 0xfe);

    client_forget(c);
    client_send(c, ip, echo4(ip, c->last.ip4), 1);
    expect_reply(c, 20, ICMP4_ECHO_REPLY);
    client_forget(c);
    client_send(c, ip, echo6(ip, c->last.ip6, c->last.gateway6), 1);
    expect_reply(c, 40, ICMP6_ECHO_REPLY);

    struct client *other = client_of(lab, 1); /* two clients of the host reach each other */
    client_come(other);
    lab_until(atomic_load(&other->has4));
    g_assert_cmpuint(other->last.ip4, !=, c->last.ip4);
    client_forget(other);
    size_t len = lab_udp(ip, c->last.ip4, other->last.ip4, 1, 2, reader_of("hello", 5));
    client_send(c, ip, len, 1);
    lab_until(heap_n(&other->got) == 1);

    g_autoptr(GArray) leases = vhost_leases(v);
    g_assert_cmpuint(leases->len, >=, 2);
    unsigned before = leases->len;
    client_leave(c);
    client_leave(other);
    g_autoptr(GArray) after = vhost_leases(v);
    g_assert_cmpuint(after->len, <=, before - 2);
    vhost_free(v);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/l3-vhost/one-worker", struct lab, GUINT_TO_POINTER(1), lab_set_up, test_all,
               lab_tear_down);
    g_test_add("/l3-vhost/two-workers", struct lab, GUINT_TO_POINTER(2), lab_set_up, test_all,
               lab_tear_down);
    return g_test_run();
}
