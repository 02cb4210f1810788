/* SPDX-License-Identifier: Apache-2.0 */
/* test-ip-table.c - who may use which address, for how long, how many; leases; where frames say
 * that they come from. Time is a number. */

#include "core/base/types.h"
#include "core/base/writer.h"
#include "core/hub/fdb.h"
#include "core/hub/law/ip_table.h"
#include "core/net/dhcp4.h"
#include "tests/unit/hub/law_frames.h"

#include <string.h>

enum { S = 1000000, A = 4096 + 1, B = 4096 + 2, A_LATER = 2 * 4096 + 1, MAC_A = 0xa, MAC_B = 0xb };

static struct ip_claim
claim_of(const char *ip, ip_station station, uint32_t port)
{
    struct ip_claim claim = {.station = station, .port = port};
    g_assert_true(ip_parse(ip, &claim.ip));
    return claim;
}

static enum ip_verdict
claim(struct ip_table *t, const char *ip, ip_station station, uint32_t port, uint32_t now_s)
{
    struct ip_claim c = claim_of(ip, station, port);
    return ip_table_claim(t, &c, now_s);
}

static enum ip_verdict
claim_alone(struct ip_table *t, const char *ip, ip_station station, uint32_t port, uint32_t now_s)
{
    struct ip_claim c = claim_of(ip, station, port);
    c.terms.exclusive = true;
    return ip_table_claim(t, &c, now_s);
}

static enum ip_verdict
claim_given(struct ip_table *t, const char *ip, ip_station station, uint32_t port, uint32_t now_s)
{
    struct ip_claim c = claim_of(ip, station, port);
    c.terms.given = true;
    return ip_table_claim(t, &c, now_s);
}

static unsigned
listed(struct ip_table *t, uint32_t now_s)
{
    g_autoptr(GArray) rows = ip_table_list(t, now_s);
    return rows->len;
}

static void
test_exclusive(void)
{
    struct ip_table *t = ip_table_new();
    g_assert_cmpint(claim(t, "10.0.0.1", MAC_A, A, 100), ==, IP_FINE);
    g_assert_cmpint(claim_alone(t, "10.0.0.1", MAC_B, B, 100), ==, IP_IN_USE);
    g_assert_cmpint(claim_alone(t, "10.0.0.1", MAC_B, B, 160), ==, IP_IN_USE);
    g_assert_cmpint(claim_alone(t, "10.0.0.1", MAC_A, A, 110), ==, IP_FINE);
    /* In another VLAN it is another address. */
    g_assert_cmpint(claim_alone(t, "10.0.0.1", 7ull << 48 | MAC_B, B, 110), ==, IP_FINE);
    /* Silent for a minute: it is anybody's. */
    g_assert_cmpint(claim_alone(t, "10.0.0.1", MAC_B, B, 171), ==, IP_FINE);
    g_assert_cmpint(claim_alone(t, "10.0.0.1", MAC_A, A, 172), ==, IP_IN_USE);
    /* Who is not bound takes it. */
    g_assert_cmpint(claim(t, "10.0.0.1", MAC_A, A, 173), ==, IP_FINE);
    g_assert_cmpint(claim_alone(t, "10.0.0.1", MAC_B, B, 174), ==, IP_IN_USE);
    /* The port goes, and its addresses with it. */
    ip_table_port_gone(t, A, 175);
    g_assert_cmpint(claim_alone(t, "10.0.0.1", MAC_B, B, 175), ==, IP_FINE);
    g_assert_cmpint(claim(t, "fe80::1", MAC_A, A_LATER, 176), ==, IP_FINE);
    g_assert_cmpint(claim_alone(t, "fe80::1", MAC_B, B, 176), ==, IP_IN_USE);
    g_assert_cmpint(claim_alone(t, "fe80::2", MAC_B, B, 176), ==, IP_FINE);
    ip_table_free(t);
}

static void
test_limit(void)
{
    struct ip_table *t = ip_table_new();
    for (unsigned i = 0; i < 10; i++) {
        g_autofree char *ip = g_strdup_printf("10.0.0.%u", i + 1);
        struct ip_claim c = claim_of(ip, MAC_A, A);
        c.terms.max = 3;
        g_assert_cmpint(ip_table_claim(t, &c, 100), ==, i < 3 ? IP_FINE : IP_PORT_FULL);
    }
    struct ip_claim six = claim_of("fe80::1", MAC_A, A); /* counted apart */
    six.terms.max = 1;
    g_assert_cmpint(ip_table_claim(t, &six, 100), ==, IP_FINE);
    struct ip_claim next = claim_of("10.0.0.9", MAC_A, A);
    next.terms.max = 3;
    g_assert_cmpint(ip_table_claim(t, &next, 160), ==, IP_PORT_FULL);
    g_assert_cmpint(ip_table_claim(t, &next, 161), ==, IP_FINE); /* the others are over */
    g_assert_cmpuint(ip_table_count(t), ==, 1);
    /* One taken from another port counts, too. */
    g_assert_cmpint(claim(t, "10.0.1.1", MAC_B, B, 161), ==, IP_FINE);
    struct ip_claim taken = claim_of("10.0.1.1", MAC_A, A);
    taken.terms.max = 1;
    g_assert_cmpint(ip_table_claim(t, &taken, 162), ==, IP_PORT_FULL);
    taken.terms.max = 2;
    g_assert_cmpint(ip_table_claim(t, &taken, 162), ==, IP_FINE);
    ip_table_free(t);
}

static void
test_leases(void)
{
    struct ip_table *t = ip_table_new();
    g_assert_cmpint(claim_given(t, "10.0.0.5", MAC_A, A, 100), ==, IP_NOT_GIVEN);
    ip_table_given(t, 0x0a000005, MAC_A, 3600, 100);
    g_assert_cmpuint(listed(t, 100), ==, 0); /* nobody uses it yet */
    g_assert_cmpint(claim_given(t, "10.0.0.5", MAC_B, B, 100), ==, IP_NOT_GIVEN);
    g_assert_cmpint(claim_given(t, "10.0.0.6", MAC_A, A, 100), ==, IP_NOT_GIVEN);
    g_assert_cmpint(claim_given(t, "10.0.0.5", MAC_A, A, 101), ==, IP_FINE);
    g_assert_cmpuint(listed(t, 101), ==, 1);
    /* As long as the lease, though silent; and it stays with the machine when the port goes. */
    g_assert_cmpint(claim_given(t, "10.0.0.5", MAC_A, A, 3000), ==, IP_FINE);
    g_assert_cmpint(claim_alone(t, "10.0.0.5", MAC_B, B, 3400), ==, IP_IN_USE);
    ip_table_port_gone(t, A, 3500);
    g_assert_cmpuint(listed(t, 3500), ==, 0);
    g_assert_cmpint(claim_given(t, "10.0.0.5", MAC_B, B, 3500), ==, IP_NOT_GIVEN);
    g_assert_cmpint(claim_alone(t, "10.0.0.5", MAC_B, B, 3500), ==, IP_IN_USE);
    g_assert_cmpint(claim_given(t, "10.0.0.5", MAC_A, A_LATER, 3600), ==, IP_FINE);
    /* The lease is over at 3700: some minutes after the last use it is. */
    g_assert_cmpint(claim_given(t, "10.0.0.5", MAC_A, A_LATER, 3900), ==, IP_FINE);
    g_assert_cmpint(claim_given(t, "10.0.0.5", MAC_A, A_LATER, 4201), ==, IP_NOT_GIVEN);
    /* Given to another: the former user has it no more. */
    ip_table_given(t, 0x0a000007, MAC_A, 3600, 5000);
    g_assert_cmpint(claim_given(t, "10.0.0.7", MAC_A, A_LATER, 5000), ==, IP_FINE);
    ip_table_given(t, 0x0a000007, MAC_B, 3600, 5001);
    g_assert_cmpint(claim_given(t, "10.0.0.7", MAC_A, A_LATER, 5002), ==, IP_NOT_GIVEN);
    g_assert_cmpint(claim_given(t, "10.0.0.7", MAC_B, B, 5002), ==, IP_FINE);
    /* Unused ones do not stay. */
    ip_table_given(t, 0x0a000008, MAC_A, 86400, 6000);
    g_assert_cmpint(claim_given(t, "10.0.0.8", MAC_A, A_LATER, 6301), ==, IP_NOT_GIVEN);
    ip_table_free(t);
}

static void
test_bounds(void)
{
    struct ip_table *t = ip_table_new();
    struct ip_claim c = {.station = MAC_A};
    for (uint32_t i = 0; i < IP_TABLE_MAX + 100; i++) {
        c.ip = ip_from_v4(0x0a000000 + i);
        c.port = 4096 + i / 10000;
        g_assert_cmpint(ip_table_claim(t, &c, 100), ==, IP_FINE);
    }
    g_assert_cmpuint(ip_table_count(t), ==, IP_TABLE_MAX);
    g_assert_cmpuint(listed(t, 100), ==, IP_TABLE_MAX);
    c.ip = ip_from_v4(0x0b000000);
    c.terms.max = 3;
    c.port = 4096 + 99;
    g_assert_cmpint(ip_table_claim(t, &c, 101), ==, IP_PORT_FULL);
    g_assert_cmpint(ip_table_claim(t, &c, 161), ==, IP_FINE); /* all is over and swept */
    g_assert_cmpuint(ip_table_count(t), ==, 1);
    for (uint32_t i = 0; i < IP_TABLE_IDLE_MAX + 100; i++)
        ip_table_given(t, 0x0a000000 + i, MAC_A, 3600, 161);
    g_assert_cmpuint(ip_table_count(t), ==, IP_TABLE_IDLE_MAX + 1);
    /* One port without a limit. */
    for (uint32_t i = 0; i < IP_TABLE_PORT_MAX + 100; i++) {
        struct ip_claim own = {
            .ip = ip_from_v4(0x0c000000 + i), .station = MAC_B, .port = 4096 + 98};
        g_assert_cmpint(ip_table_claim(t, &own, 162), ==, IP_FINE);
    }
    g_assert_cmpuint(ip_table_count(t), ==, IP_TABLE_IDLE_MAX + 1 + IP_TABLE_PORT_MAX);
    for (unsigned i = 0; i < 16; i++)
        ip_table_sweep_some(t, 1000);
    g_assert_cmpuint(ip_table_count(t), ==, 0);
    ip_table_free(t);
}

static void
test_forget(void)
{
    struct ip_table *t = ip_table_new();
    g_assert_cmpint(claim(t, "10.0.0.1", MAC_A, A, 100), ==, IP_FINE);
    g_assert_cmpint(claim(t, "fe80::1", MAC_A, A, 100), ==, IP_FINE);
    g_autoptr(GArray) rows = ip_table_list(t, 100);
    g_assert_cmpuint(rows->len, ==, 2);
    const struct ip_table_row *row = &g_array_index(rows, struct ip_table_row, 0);
    g_assert_cmpuint(row->port, ==, A);
    g_assert_cmpuint(row->station, ==, MAC_A);
    g_assert_true(ip_table_forget(t, row->key));
    g_assert_false(ip_table_forget(t, row->key));
    g_assert_cmpuint(listed(t, 100), ==, 1);
    ip_table_free(t);
}

/* ---- frames ---- */

static void
test_sources(void)
{
    static const struct {
        enum law_frame frame;
        const char *ip;
        bool is_offer;
    } of[] = {
        {LAW_ARP_ASK, "10.0.0.1", false},
        {LAW_UDP4, "10.0.0.1", false},
        {LAW_UDP4_LATER, "10.0.0.1", false},
        {LAW_SYN4_OPTIONS, "10.0.0.1", false},
        {LAW_SYN4_TAGGED, "10.0.0.1", false},
        {LAW_SYN4_TWICE_TAGGED, "10.0.0.1", false},
        {LAW_OFFER, "10.0.0.1", true},
        {LAW_OFFER_OPTIONS, "10.0.0.1", true},
        {LAW_OFFER_TAGGED, "10.0.0.1", true},
        {LAW_RA, "fe80::aa", false},
        {LAW_LLDP, NULL, false},
        {LAW_TAGS3, NULL, false},
    };
    for (unsigned i = 0; i < ARRAY_LEN(of); i++) {
        struct frame *f = law_frame(of[i].frame);
        struct ip_source source = ip_source_of(f->data, f->len);
        struct ip ip = {.family = 0};
        g_assert_true(!of[i].ip || ip_parse(of[i].ip, &ip));
        g_assert_true(ip_equal(&source.ip, &ip));
        g_assert_cmpint(source.is_offer, ==, of[i].is_offer);
        g_assert_false(source.is_bad || source.is_probe);
        g_assert_true((source.arp_mac != NULL) == (of[i].frame == LAW_ARP_ASK));
        for (size_t len = 0; len < f->len; len++) { /* cut short: nothing is read beyond */
            struct frame *cut = frame_exact(f->data, len);
            (void)ip_source_of(cut->data, cut->len);
            g_free(cut);
        }
        g_free(f);
    }
}

static void
test_strange_sources(void)
{
    static const struct {
        const char *text;
        bool bad, probe;
    } of[] = {
        {"uni 0800 4500001400000000401100007f00000108080808", true, false},
        {"uni 0800 450000140000000040110000e000000108080808", true, false},
        {"uni 0800 450000140000000040110000ffffffff08080808", true, false},
        {"uni 0800 4500001400000000401100000000000008080808", false, true},
        {"uni 86dd 600000000000113ff0020000000000000000000000000001"
         "ff020000000000000000000000000001",
         false, false},
        {"uni 86dd 600000000000113fff020000000000000000000000000001"
         "ff020000000000000000000000000001",
         true, false},
        {"uni 86dd 600000000000113f00000000000000000000000000000000"
         "ff020000000000000000000000000001",
         false, true},
        {"uni 86dd 600000000000113f00000000000000000000000000000001"
         "ff020000000000000000000000000001",
         true, false},
    };
    for (unsigned i = 0; i < ARRAY_LEN(of); i++) {
        struct law_making m;
        law_bytes(of[i].text, &m);
        struct ip_source source = ip_source_of(m.b, m.n);
        g_assert_cmpint(source.is_bad, ==, of[i].bad);
        g_assert_cmpint(source.is_probe, ==, of[i].probe);
        g_assert_true((source.ip.family == 0) == (of[i].bad || of[i].probe));
    }
}

static void
see(struct ip_watch *w, const char *text, ip_station station, int64_t now_s, enum ip_verdict want)
{
    struct ip ip;
    g_assert_true(ip_parse(text, &ip));
    g_assert_cmpint(ip_watch_see(w, &ip, station, now_s * S), ==, want);
}

static void
test_watch(void)
{
    struct ip_table *t = ip_table_new();
    struct ip_watch w;
    ip_watch_init(&w, t, A, 0);
    see(&w, "10.0.0.1", MAC_A, 1, IP_FINE);
    see(&w, "8.8.8.8", MAC_A, 1, IP_FINE); /* fine, and not written down */
    see(&w, "2001:db8::1", MAC_A, 1, IP_FINE);
    see(&w, "fe80::1", MAC_A, 1, IP_FINE);
    g_assert_cmpuint(ip_table_count(t), ==, 2);
    w.only_private4 = w.only_local6 = false;
    see(&w, "8.8.8.8", MAC_A, 1, IP_FINE);
    see(&w, "2001:db8::1", MAC_A, 1, IP_FINE);
    g_assert_cmpuint(ip_table_count(t), ==, 4);

    /* Terms count all addresses, whatever is written down. */
    struct ip_watch host;
    ip_watch_init(&host, t, B, 0);
    host.v4.max = 2;
    host.v4.exclusive = true;
    see(&host, "8.8.8.8", MAC_B, 2, IP_IN_USE);
    see(&host, "9.9.9.1", MAC_B, 2, IP_FINE);
    see(&host, "9.9.9.2", MAC_B, 2, IP_FINE);
    see(&host, "9.9.9.3", MAC_B, 2, IP_PORT_FULL);
    /* Another takes an address: the cache is believed for a few seconds. */
    see(&w, "9.9.9.1", MAC_A, 3, IP_FINE);
    see(&host, "9.9.9.1", MAC_B, 4, IP_FINE);
    see(&host, "9.9.9.1", MAC_B, 2 + IP_WATCH_SURE_S, IP_IN_USE);
    ip_table_free(t);
}

/* Addresses as fast as a scan: what is limited is refused, what is not is just not learned. */
static void
test_watch_rate(void)
{
    struct ip_table *t = ip_table_new();
    struct ip_watch w;
    ip_watch_init(&w, t, A, 0);
    for (uint32_t i = 0; i < IP_WATCH_BURST + 1000; i++) {
        struct ip ip = ip_from_v4(0x0a000000 + i);
        g_assert_cmpint(ip_watch_see(&w, &ip, MAC_A, S), ==, IP_FINE);
    }
    g_assert_cmpuint(ip_table_count(t), <=, IP_WATCH_BURST);
    ip_table_free(t);
}

static struct frame *
dhcp_ack(struct frame_pool *pool, enum dhcp4_type type, uint32_t yiaddr)
{
    uint8_t bytes[DHCP4_MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct dhcp4_message m = {.reply = true, .xid = 1, .yiaddr = yiaddr, .type = type};
    m.chaddr = (struct mac){{2, 0, 0, 0, 0, 0xa}};
    dhcp4_write_header(&w, &m);
    dhcp4_write_option_u32(&w, DHCP4_OPT_LEASE, 3600);
    dhcp4_write_end(&w);
    struct mac server = {{2, 0, 0, 0, 0, 1}};
    struct frame *f =
        dhcp4_frame_build(pool, &server, &m.chaddr, 0x0a000001, yiaddr, reader_of(bytes, w.len));
    /* From a client to a server: turned round. */
    for (unsigned i = 0; i < 2; i++) {
        uint8_t port = f->data[34 + i];
        f->data[34 + i] = f->data[36 + i];
        f->data[36 + i] = port;
    }
    return f;
}

static void
test_snoop(void)
{
    struct frame_pool *pool = frame_pool_new(1);
    struct ip_table *t = ip_table_new();
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 0xa};
    struct frame *offer = dhcp_ack(pool, DHCP4_OFFER, 0x0a000005);
    g_assert_true(ip_source_of(offer->data, offer->len).is_offer);
    ip_snoop(t, offer, 7, 100);
    struct frame *inform = dhcp_ack(pool, DHCP4_ACK, 0);
    ip_snoop(t, inform, 7, 100);
    g_assert_cmpuint(ip_table_count(t), ==, 0);
    struct frame *ack = dhcp_ack(pool, DHCP4_ACK, 0x0a000005);
    ip_snoop(t, ack, 7, 100);
    g_assert_cmpint(claim_given(t, "10.0.0.5", fdb_key(mac, 8), A, 101), ==, IP_NOT_GIVEN);
    g_assert_cmpint(claim_given(t, "10.0.0.5", fdb_key(mac, 7), A, 101), ==, IP_FINE);
    frame_free(offer);
    frame_free(inform);
    frame_free(ack);
    ip_table_free(t);
    frame_pool_free(pool);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ip-table/exclusive", test_exclusive);
    g_test_add_func("/ip-table/limit", test_limit);
    g_test_add_func("/ip-table/leases", test_leases);
    g_test_add_func("/ip-table/bounds", test_bounds);
    g_test_add_func("/ip-table/forget", test_forget);
    g_test_add_func("/ip-table/sources", test_sources);
    g_test_add_func("/ip-table/strange-sources", test_strange_sources);
    g_test_add_func("/ip-table/watch", test_watch);
    g_test_add_func("/ip-table/watch-rate", test_watch_rate);
    g_test_add_func("/ip-table/snoop", test_snoop);
    return g_test_run();
}
