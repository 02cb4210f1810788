/* SPDX-License-Identifier: Apache-2.0 */
/* test-packet-log.c - each kind of packet at each level: whether it is logged, and how it reads. */

#include "core/base/writer.h"
#include "core/log/packet_log.h"
#include "core/net/dhcp4.h"
#include "core/net/eth.h"
#include "core/net/ip.h"
#include "core/net/tcp.h"

#include <glib.h>
#include <glib/gstdio.h>

#include <string.h>
#include <unistd.h>

/* ---- frames, by code of their own ---- */

struct made {
    uint8_t bytes[2000];
    size_t len;
};

static void
put(struct made *m, const void *bytes, size_t len)
{
    memcpy(m->bytes + m->len, bytes, len);
    m->len += len;
}

static void
put16(struct made *m, unsigned v)
{
    put(m, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static void
ethernet(struct made *m, uint16_t type)
{
    m->len = 0;
    put(m, "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01", 12);
    put16(m, type);
}

static void
ip4(struct made *m, uint8_t proto, uint16_t fragment, size_t payload)
{
    ethernet(m, ETH_TYPE_IP4);
    put(m, "\x45\x00", 2);
    put16(m, (unsigned)(20 + payload));
    put16(m, 1);
    put16(m, fragment);
    put(m, (uint8_t[]){64, proto, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}, 12);
}

static void
ip6(struct made *m, uint8_t proto, size_t payload)
{
    ethernet(m, ETH_TYPE_IP6);
    put(m, "\x60\x00\x00\x00", 4);
    put16(m, (unsigned)payload);
    put(m, (uint8_t[]){proto, 64}, 2);
    put(m, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
    put(m, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x02", 16);
}

static void
tcp(struct made *m, uint8_t flags, const char *payload)
{
    ip4(m, IP_PROTO_TCP, 0, 20 + strlen(payload));
    put16(m, 50000);
    put16(m, 80);
    put(m, (uint8_t[]){0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0}, 16);
    put(m, payload, strlen(payload));
}

static void
udp(struct made *m, unsigned port, const void *payload, size_t len)
{
    ip4(m, IP_PROTO_UDP, 0, 8 + len);
    put16(m, 50001);
    put16(m, port);
    put16(m, (unsigned)(8 + len));
    put16(m, 0);
    put(m, payload, len);
}

static void
dhcp(struct made *m)
{
    uint8_t bytes[600];
    struct writer w = writer_of(bytes, sizeof(bytes));
    const struct dhcp4_message message = {
        .xid = 0xabcd0123, .type = DHCP4_REQUEST, .chaddr = {{2, 0, 0, 0, 0, 1}}};

    dhcp4_write_header(&w, &message);
    dhcp4_write_option_u32(&w, DHCP4_OPT_ADDRESS, 0xc0a81e0a);
    dhcp4_write_option(&w, DHCP4_OPT_HOSTNAME, "lap\"top\n", 8);
    dhcp4_write_end(&w);
    g_assert_true(writer_ok(&w));
    udp(m, DHCP4_SERVER_PORT, bytes, w.len);
}

/* ---- one line of one packet ---- */

struct fixture {
    char *folder, *path;
    struct logger *logger;
    struct log *log;
};

static void
set_up(struct fixture *f, const void *data)
{
    (void)data;
    f->folder = g_dir_make_tmp("polyether-packets-XXXXXX", NULL);
    f->path = g_build_filename(f->folder, "packet.log", NULL);
    f->logger = logger_new(f->folder, 0, NULL);
    f->log = logger_open(f->logger, "packet", &(struct log_rules){.every = 0}, &packet_log_format);
}

static void
tear_down(struct fixture *f, const void *data)
{
    (void)data;
    logger_free(f->logger);
    g_unlink(f->path);
    g_rmdir(f->folder);
    g_free(f->path);
    g_free(f->folder);
}

static struct packet_levels
levels_of(enum packet_level level)
{
    struct packet_levels l;

    memset(l.of, (int)level, sizeof(l.of));
    return l;
}

/* "" when it is not logged. */
static char *
line_of(const struct fixture *f, const struct made *m, const struct packet_levels *levels)
{
    struct flow flow;
    g_autofree uint8_t *exact = g_memdup2(m->bytes, m->len);
    const struct packet p = {
        .bytes = exact,
        .len = (uint32_t)m->len,
        .flow = flow_parse(reader_of(exact, m->len), &flow) == DROP_NONE ? &flow : NULL,
        .from = "SID-ANNA-1",
        .to = "SID-BOB-2"};
    char *text = NULL;

    packet_log_write(f->log, levels, &p, 0);
    logger_flush(f->logger);
    if (!g_file_get_contents(f->path, &text, NULL, NULL))
        return g_strdup("");
    g_assert_cmpint(truncate(f->path, 0), ==, 0);
    return text;
}

#define HEAD "1970-01-01T00:00:00.000Z,SID-ANNA-1,SID-BOB-2,02:00:00:00:00:01,02:00:00:00:00:02,"

struct kind_case {
    enum packet_kind kind;
    void (*make)(struct made *m);
    const char *line;
};

static void
make_syn(struct made *m)
{
    tcp(m, TCP_SYN, "");
}

static void
make_data(struct made *m)
{
    tcp(m, TCP_ACK | TCP_PSH, "GET /a\"b HTTP/1.1\r\nHost: www.example\r\nUser-Agent: x y\r\n\r\n");
}

static void
make_udp(struct made *m)
{
    udp(m, 9, "hello", 5);
}

static void
make_icmp(struct made *m)
{
    ip4(m, IP_PROTO_ICMP, 0, 8);
    put(m, "\x08\x00\x00\x00\x00\x05\x00\x07", 8);
}

static void
make_ip(struct made *m)
{
    ip4(m, IP_PROTO_GRE, 0, 4);
    put(m, "\x00\x00\x08\x00", 4);
}

static void
make_arp(struct made *m)
{
    ethernet(m, ETH_TYPE_ARP);
    put(m, "\x00\x01\x08\x00\x06\x04\x00\x01\x02\x00\x00\x00\x00\x01\x0a\x00\x00\x01", 18);
    put(m, "\x00\x00\x00\x00\x00\x00\x0a\x00\x00\x02", 10);
}

static void
make_ether(struct made *m)
{
    ethernet(m, ETH_TYPE_LLDP);
    put(m, "\x02\x07\x04", 3);
}

static const struct kind_case kinds[] = {
    {PACKET_TCP_CONNECT, make_syn,
     HEAD "0800,54,TCP_CONNECTv4,10.0.0.1,50000,10.0.0.2,80,1,2,\"flags=SYN window=65535\","},
    {PACKET_TCP, make_data,
     HEAD "0800,111,TCP_DATAv4,10.0.0.1,50000,10.0.0.2,80,1,2,\"flags=PSH+ACK window=65535 "
          "method=GET url=/a\\x22b host=www.example agent=x\\x20y\","},
    {PACKET_DHCP, dhcp,
     HEAD "0800,342,DHCPv4,10.0.0.1,50001,10.0.0.2,67,,,\"dhcp=REQUEST xid=abcd0123 "
          "client=02:00:00:00:00:01 asked=192.168.30.10 host=lap\\x22top\\x0a\","},
    {PACKET_UDP, make_udp, HEAD "0800,47,UDPv4,10.0.0.1,50001,10.0.0.2,9,,,,"},
    {PACKET_ICMP, make_icmp,
     HEAD "0800,42,ICMPv4,10.0.0.1,,10.0.0.2,,,,\"icmp=echo code=0 id=5 seq=7\","},
    {PACKET_IP, make_ip, HEAD "0800,38,IPv4,10.0.0.1,,10.0.0.2,,,,\"protocol=47\","},
    {PACKET_ARP, make_arp,
     HEAD "0806,42,ARPv4,,,,,,,\"arp=request sender=02:00:00:00:00:01 sender_ip=10.0.0.1 "
          "target=00:00:00:00:00:00 target_ip=10.0.0.2\","},
    {PACKET_ETHERNET, make_ether, HEAD "88cc,17,ETHERNET,,,,,,,,"},
};

static char *
hex_of(const struct made *m)
{
    GString *hex = g_string_new(NULL);

    for (size_t i = 0; i < m->len; i++)
        g_string_append_printf(hex, "%02x", m->bytes[i]);
    return g_string_free(hex, FALSE);
}

/* 8 kinds x 3 levels, each with all other kinds off and with all others on. */
static void
test_table(struct fixture *f, const void *data)
{
    struct made m;

    (void)data;
    g_assert_cmpuint(G_N_ELEMENTS(kinds), ==, PACKET_N_KINDS);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const struct kind_case *k = &kinds[i];
        k->make(&m);
        g_autofree char *hex = hex_of(&m);
        g_autofree char *headers = g_strconcat(k->line, "\n", NULL);
        g_autofree char *all = g_strconcat(k->line, hex, "\n", NULL);
        const char *want[] = {"", headers, all};
        for (int level = PACKET_NONE; level < PACKET_N_LEVELS; level++) {
            struct packet_levels levels = levels_of(PACKET_NONE);
            levels.of[k->kind] = (uint8_t)level;
            g_autofree char *line = line_of(f, &m, &levels);
            g_assert_cmpstr(line, ==, want[level]);
        }
        struct packet_levels others = levels_of(PACKET_ALL);
        others.of[k->kind] = PACKET_NONE;
        bool wider = k->kind == PACKET_TCP_CONNECT || k->kind == PACKET_DHCP;
        g_autofree char *line = line_of(f, &m, &others);
        g_assert_cmpstr(line, ==, wider ? all : "");
    }
}

static void
test_more(struct fixture *f, const void *data)
{
    static const char dns[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                              "\x03www\x07"
                              "ex,mple\x00\x00\x1c\x00\x01";
    static const char ike[] = "\0\0\0\0ABCDEFGH\0\0\0\0\0\0\0\0\x01\x10\x02\x00\0\0\0\0\0\0\0\x1c";
    static const char openvpn[] = "\x38"
                                  "ABCDEFGH\0\0\0\0\0";
    struct packet_levels levels = levels_of(PACKET_HEADERS);
    struct made m;

    (void)data;
    udp(&m, 53, dns, sizeof(dns) - 1);
    g_autofree char *one = line_of(f, &m, &levels);
    g_assert_nonnull(strstr(one, ",DNSv4,10.0.0.1,50001,10.0.0.2,53,,,"
                                 "\"dns=question id=4660 type=AAAA name=www.ex,mple\",\n"));
    udp(&m, 53, "no dns", 6); /* what is not what its port says */
    g_autofree char *two = line_of(f, &m, &levels);
    g_assert_nonnull(strstr(two, ",UDPv4,10.0.0.1,50001,10.0.0.2,53,,,,\n"));
    udp(&m, 4500, ike, sizeof(ike) - 1);
    g_autofree char *three = line_of(f, &m, &levels);
    g_assert_nonnull(strstr(three, ",IKE_CONNECTv4,"));
    g_assert_nonnull(strstr(three, "\"ike=1 exchange=main initiator=4142434445464748 "));
    udp(&m, 1194, openvpn, sizeof(openvpn) - 1);
    g_autofree char *four = line_of(f, &m, &levels);
    g_assert_nonnull(strstr(four, ",OPENVPN_CONNECTv4,"));
    g_assert_nonnull(strstr(four, "\"openvpn=HARD_RESET_CLIENT_V2 session=4142434445464748\""));
    ip4(&m, IP_PROTO_UDP, 100, 8);
    put(&m, "fragment", 8);
    g_autofree char *five = line_of(f, &m, &levels);
    g_assert_nonnull(strstr(five, ",FRAGMENTv4,10.0.0.1,,10.0.0.2,,,,\"protocol=17\",\n"));
    ip6(&m, IP_PROTO_ICMP6, 24);
    put(&m, "\x87\0\0\0\0\0\0\0\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x09", 24);
    g_autofree char *six = line_of(f, &m, &levels);
    g_assert_nonnull(strstr(six, ",86dd,78,ICMPv6,fe80::1,,fe80::2,,,,"
                                 "\"icmp=neighbour-solicitation code=0 target=fe80::9\",\n"));
    ip4(&m, IP_PROTO_TCP, 0, 2000); /* says more than there is */
    g_autofree char *seven = line_of(f, &m, &levels);
    g_assert_nonnull(strstr(seven, ",0800,34,MALFORMED,,,,,,,,\n"));
}

static void
test_json(struct fixture *f, const void *data)
{
    struct packet_levels levels = levels_of(PACKET_HEADERS);
    struct made m;

    (void)data;
    logger_set_json(f->logger, true);
    make_data(&m);
    g_autofree char *one = line_of(f, &m, &levels);
    g_assert_cmpstr(
        one, ==,
        "{\"time\":\"1970-01-01T00:00:00.000Z\",\"from\":\"SID-ANNA-1\",\"to\":\"SID-BOB-2\","
        "\"src_mac\":\"02:00:00:00:00:01\",\"dst_mac\":\"02:00:00:00:00:02\",\"type\":\"0800\","
        "\"size\":111,\"kind\":\"TCP_DATAv4\",\"src\":\"10.0.0.1\",\"sport\":50000,"
        "\"dst\":\"10.0.0.2\",\"dport\":80,\"seq\":1,\"ack\":2,"
        "\"note\":\"flags=PSH+ACK window=65535 method=GET url=/a\\\\x22b host=www.example "
        "agent=x\\\\x20y\"}\n");
    make_ether(&m);
    g_autofree char *two = line_of(f, &m, &levels);
    g_assert_true(g_str_has_suffix(two, "\"type\":\"88cc\",\"size\":17,\"kind\":\"ETHERNET\"}\n"));
}

/* Names of ports are made by us; a bridge's is a device's, and may be odd. */
static void
test_names(struct fixture *f, const void *data)
{
    struct packet_levels levels = levels_of(PACKET_HEADERS);
    struct made m;
    g_autofree char *huge = g_strnfill(1000, 'z');
    char *text = NULL;

    (void)data;
    make_ether(&m);
    const struct packet odd = {
        .bytes = m.bytes, .len = (uint32_t)m.len, .from = "a,b\n\"", .to = NULL};
    const struct packet long_one = {
        .bytes = m.bytes, .len = (uint32_t)m.len, .from = huge, .to = huge};
    packet_log_write(f->log, &levels, &odd, 0);
    packet_log_write(f->log, &levels, &long_one, 0);
    logger_flush(f->logger);
    g_assert_true(g_file_get_contents(f->path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 3);
    g_assert_nonnull(strstr(lines[0], "Z,\"a,b\\x0a\\x22\",*,02:"));
    g_assert_cmpuint(strlen(lines[1]), <, 600);
    g_free(text);
}

/* A super-frame, and what is left of it. */
static void
test_snap(struct fixture *f, const void *data)
{
    struct packet_levels levels = levels_of(PACKET_ALL);
    g_autofree uint8_t *bytes = g_malloc0(65000);
    struct made m;
    struct flow flow;
    char *text = NULL;

    (void)data;
    ip4(&m, IP_PROTO_UDP, 0, 65000 - 34);
    memcpy(bytes, m.bytes, m.len);
    bytes[39] = 0xff; /* its length */
    const struct packet p = {.bytes = bytes, .len = 65000, .flow = &flow, .from = "a", .to = "b"};
    g_assert_cmpint(flow_parse(reader_of(bytes, 65000), &flow), ==, DROP_NONE);
    packet_log_write(f->log, &levels, &p, 0);
    logger_flush(f->logger);
    g_assert_true(g_file_get_contents(f->path, &text, NULL, NULL));
    g_assert_cmpuint(strlen(text), >, 2 * PACKET_SNAP_MAX);
    g_assert_cmpuint(strlen(text), <, 2 * PACKET_SNAP_MAX + 300);
    g_assert_nonnull(strstr(text, ",65000,UDPv4,"));
    g_free(text);
}

#define ADD(name, test) \
    g_test_add("/packet-log/" name, struct fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("table", test_table);
    ADD("more", test_more);
    ADD("json", test_json);
    ADD("names", test_names);
    ADD("snap", test_snap);
    return g_test_run();
}
