/* SPDX-License-Identifier: Apache-2.0 */
/* test-dhcp4.c - DHCP messages there and back, options in all the places they may hide in. */

#include "core/net/dhcp4.h"
#include "tests/unit/net/packet.h"

#include <glib.h>

static const struct mac client_mac = {{2, 0, 0, 0, 0, 5}};

enum { AT_SNAME = 44, AT_FILE = 108, AT_OPTIONS = 240 };

/* A reply with these options behind option 53; *len is its length. Free with g_free. */
static uint8_t *
message(const char *options, size_t options_len, size_t *len)
{
    uint8_t *bytes = g_malloc0(2000);
    struct writer w = writer_of(bytes, 2000);
    struct dhcp4_message m = {
        .reply = true, .xid = 0x01020304, .type = DHCP4_ACK, .chaddr = client_mac};

    dhcp4_write_header(&w, &m);
    writer_bytes(&w, options, options_len);
    *len = w.len;
    g_assert_true(writer_ok(&w));
    return bytes;
}

#define MESSAGE(options, len) message(options, sizeof(options) - 1, len)

static void
test_round_trip(void)
{
    uint8_t bytes[1000];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct dhcp4_message out;
    struct dhcp4_message in = {.reply = true,
                               .xid = 0xdeadbeef,
                               .secs = 7,
                               .broadcast = true,
                               .ciaddr = 1,
                               .yiaddr = 0x0a000005,
                               .siaddr = 3,
                               .giaddr = 4,
                               .type = DHCP4_OFFER,
                               .chaddr = client_mac};
    uint32_t v = 0;
    uint8_t name[16];

    dhcp4_write_header(&w, &in);
    dhcp4_write_option_u32(&w, DHCP4_OPT_SERVER, 0x0a000001);
    dhcp4_write_option(&w, DHCP4_OPT_DOMAIN, "example", 7);
    dhcp4_write_option(&w, DHCP4_OPT_HOSTNAME, "", 0);
    dhcp4_write_end(&w);
    g_assert_true(writer_ok(&w));
    g_assert_cmpuint(w.len, ==, DHCP4_MESSAGE_MIN);
    g_assert_cmpint(dhcp4_parse(reader_of(bytes, w.len), &out), ==, DROP_NONE);
    g_assert_true(out.reply && out.broadcast);
    g_assert_cmphex(out.xid, ==, in.xid);
    g_assert_cmpuint(out.secs, ==, 7);
    g_assert_cmphex(out.yiaddr, ==, in.yiaddr);
    g_assert_cmpuint(out.ciaddr + 10 * out.siaddr + 100 * out.giaddr, ==, 431);
    g_assert_cmpint(out.type, ==, DHCP4_OFFER);
    g_assert_true(mac_equal(&out.chaddr, &client_mac));
    g_assert_true(dhcp4_option_u32(&out, DHCP4_OPT_SERVER, &v));
    g_assert_cmphex(v, ==, 0x0a000001);
    g_assert_cmpint(dhcp4_option(&out, DHCP4_OPT_DOMAIN, name, sizeof name), ==, 7);
    g_assert_cmpint(memcmp(name, "example", 7), ==, 0);
    g_assert_cmpint(dhcp4_option(&out, DHCP4_OPT_DOMAIN, name, 6), ==, -1); /* does not fit */
    g_assert_cmpint(dhcp4_option(&out, DHCP4_OPT_HOSTNAME, name, sizeof name), ==, 0);
    g_assert_cmpint(dhcp4_option(&out, DHCP4_OPT_MTU, name, sizeof name), ==, -1);
    g_assert_false(dhcp4_option_u32(&out, DHCP4_OPT_DOMAIN, &v));
}

/* Cut inside its options a message is malformed, before them short; behind the end it may be cut.
 */
static void
test_truncated(void)
{
    size_t len = 0;
    g_autofree uint8_t *bytes = MESSAGE("\x33\x04\x00\x00\x0e\x10\xff", &len);
    struct dhcp4_message m;

    for (size_t n = 0; n < len; n++) {
        g_autofree void *exact = g_memdup2(bytes, n);
        enum drop want = n < AT_OPTIONS ? DROP_SHORT : DROP_MALFORMED;
        if (n == len - 1 || n == AT_OPTIONS + 3) /* between options: no end, but nothing cut */
            want = DROP_NONE;
        g_assert_cmpint(dhcp4_parse(reader_of(exact, n), &m), ==, want);
    }
}

static void
test_malformed(void)
{
    static const struct {
        size_t at;
        uint8_t value;
    } rows[] = {
        {0, 0},    {0, 3},   {1, 6}, {2, 16}, {236, 0}, {239, 0x64}, /* magic */
        {241, 2},                                                    /* type of two bytes */
        {242, 0},  {242, 9},                                         /* no such type */
        {240, 54},                                                   /* no type */
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        size_t len = 0;
        g_autofree uint8_t *bytes = MESSAGE("\xff", &len);
        struct dhcp4_message m = {.xid = 99};
        bytes[rows[i].at] = rows[i].value;
        g_assert_cmpint(dhcp4_parse(reader_of(bytes, len), &m), ==, DROP_MALFORMED);
        g_assert_cmpuint(m.xid, ==, 99); /* nothing written */
    }
}

/* Option 52: options in file and sname; RFC 3396: joined in the order options, file, sname. */
static void
test_overload(void)
{
    size_t len = 0;
    g_autofree uint8_t *bytes = MESSAGE("\x34\x01\x03\x0f\x02"
                                        "ab\x00\x0f\x01"
                                        "c\xff",
                                        &len);
    struct dhcp4_message m;
    uint8_t out[16];
    uint32_t v = 0;

    memcpy(bytes + AT_FILE,
           "\x0f\x02"
           "de\xff",
           5);
    memcpy(bytes + AT_SNAME,
           "\x33\x04\x00\x00\x00\x3c\x0f\x01"
           "f\xff",
           10);
    g_assert_cmpint(dhcp4_parse(reader_of(bytes, len), &m), ==, DROP_NONE);
    g_assert_cmpint(dhcp4_option(&m, DHCP4_OPT_DOMAIN, out, sizeof out), ==, 6);
    g_assert_cmpint(memcmp(out, "abcdef", 6), ==, 0);
    g_assert_true(dhcp4_option_u32(&m, DHCP4_OPT_LEASE, &v));
    g_assert_cmpuint(v, ==, 60);

    bytes[AT_OPTIONS + 3 + 2] = 1; /* only the file */
    g_assert_cmpint(dhcp4_parse(reader_of(bytes, len), &m), ==, DROP_NONE);
    g_assert_cmpint(dhcp4_option(&m, DHCP4_OPT_DOMAIN, out, sizeof out), ==, 5);
    g_assert_false(dhcp4_option_u32(&m, DHCP4_OPT_LEASE, &v));

    bytes[AT_OPTIONS + 3 + 2] = 0; /* neither */
    g_assert_cmpint(dhcp4_parse(reader_of(bytes, len), &m), ==, DROP_NONE);
    g_assert_cmpint(dhcp4_option(&m, DHCP4_OPT_DOMAIN, out, sizeof out), ==, 3);

    bytes[AT_OPTIONS + 3 + 2] = 1; /* an option that runs out of the field */
    memset(bytes + AT_FILE, 0, 128);
    bytes[AT_FILE + 126] = 15;
    bytes[AT_FILE + 127] = 1;
    g_assert_cmpint(dhcp4_parse(reader_of(bytes, len), &m), ==, DROP_MALFORMED);
    bytes[AT_FILE + 127] = 0;
    g_assert_cmpint(dhcp4_parse(reader_of(bytes, len), &m), ==, DROP_NONE);
}

/* An option of 600 bytes is written in three parts and read as one. */
static void
test_long_option(void)
{
    uint8_t bytes[1400];
    uint8_t in[600];
    uint8_t out[DHCP4_OPTION_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct dhcp4_message m = {.reply = true, .type = DHCP4_ACK};

    for (unsigned i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 7);
    dhcp4_write_header(&w, &m);
    size_t before = w.len;
    dhcp4_write_option(&w, 43, in, sizeof in);
    g_assert_cmpuint(w.len - before, ==, 606);
    dhcp4_write_end(&w);
    g_assert_cmpint(dhcp4_parse(reader_of(bytes, w.len), &m), ==, DROP_NONE);
    g_assert_cmpint(dhcp4_option(&m, 43, out, sizeof out), ==, 600);
    g_assert_cmpint(memcmp(in, out, 600), ==, 0);
    g_assert_cmpint(dhcp4_option(&m, 43, out, 599), ==, -1);
}

static void
test_addresses(void)
{
    size_t len = 0;
    g_autofree uint8_t *bytes =
        MESSAGE("\x06\x08\x08\x08\x08\x08\x01\x01\x01\x01\x03\x05\x0a\0\0\1\0\x0c\0\xff", &len);
    struct dhcp4_message m;
    uint32_t out[2] = {0};

    g_assert_cmpint(dhcp4_parse(reader_of(bytes, len), &m), ==, DROP_NONE);
    g_assert_cmpuint(dhcp4_option_addresses(&m, DHCP4_OPT_DNS, out, 2), ==, 2);
    g_assert_cmphex(out[0], ==, 0x08080808);
    g_assert_cmphex(out[1], ==, 0x01010101);
    g_assert_cmpuint(dhcp4_option_addresses(&m, DHCP4_OPT_DNS, out, 1), ==, 1);
    g_assert_cmpuint(dhcp4_option_addresses(&m, DHCP4_OPT_ROUTER, out, 2), ==, 0); /* five bytes */
    g_assert_cmpuint(dhcp4_option_addresses(&m, DHCP4_OPT_HOSTNAME, out, 2), ==, 0);
    g_assert_cmpuint(dhcp4_option_addresses(&m, DHCP4_OPT_MTU, out, 2), ==, 0);
}

/* The table of RFC 3442, its classless static route option: how each destination is encoded. */
static void
test_rfc3442(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        struct dhcp4_route want;
    } rows[] = {
        {"\0", 1, {0, 0, 0}},
        {"\x08\x0a", 2, {0x0a000000, 8, 0}},
        {"\x18\x0a\x00\x00", 4, {0x0a000000, 24, 0}},
        {"\x10\x0a\x11", 3, {0x0a110000, 16, 0}},
        {"\x18\x0a\x1b\x81", 4, {0x0a1b8100, 24, 0}},
        {"\x19\x0a\xe5\x00\x80", 5, {0x0ae50080, 25, 0}},
        {"\x20\x0a\xc6\x7a\x2f", 5, {0x0ac67a2f, 32, 0}},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint8_t bytes[400];
        uint8_t option[16];
        struct writer w = writer_of(bytes, sizeof bytes);
        struct dhcp4_message m = {.reply = true, .type = DHCP4_ACK};
        struct dhcp4_route in = rows[i].want;
        struct dhcp4_route out[DHCP4_ROUTES_MAX];

        in.via = 0x0a000001;
        dhcp4_write_header(&w, &m);
        dhcp4_write_routes(&w, &in, 1);
        dhcp4_write_end(&w);
        g_assert_cmpint(dhcp4_parse(reader_of(bytes, w.len), &m), ==, DROP_NONE);
        int len = dhcp4_option(&m, DHCP4_OPT_ROUTES, option, sizeof option);
        g_assert_cmpint(len, ==, (int)rows[i].len + 4);
        g_assert_cmpint(memcmp(option, rows[i].bytes, rows[i].len), ==, 0);
        g_assert_cmpuint(dhcp4_option_routes(&m, out), ==, 1);
        g_assert_cmphex(out[0].dst, ==, in.dst);
        g_assert_cmpuint(out[0].len, ==, in.len);
        g_assert_cmphex(out[0].via, ==, in.via);
    }
}

static unsigned
routes_of(const char *option, size_t option_len, struct dhcp4_route out[DHCP4_ROUTES_MAX])
{
    size_t len = 0;
    g_autofree uint8_t *bytes = message(option, option_len, &len);
    struct dhcp4_message m;

    g_assert_cmpint(dhcp4_parse(reader_of(bytes, len), &m), ==, DROP_NONE);
    return dhcp4_option_routes(&m, out);
}

static void
test_routes(void)
{
    struct dhcp4_route out[DHCP4_ROUTES_MAX];

    /* bits behind the prefix are cut off, as the RFC asks */
    g_assert_cmpuint(routes_of("\x79\x06\x09\xff\xff\1\1\1\xff", 9, out), ==, 0); /* a byte short */
    g_assert_cmpuint(routes_of("\x79\x07\x09\xff\xff\1\1\1\1\xff", 10, out), ==, 1);
    g_assert_cmphex(out[0].dst, ==, 0xff800000);
    g_assert_cmpuint(routes_of("\x79\x09\x21\1\2\3\4\1\1\1\1\xff", 12, out), ==, 0); /* 33 bits */
    g_assert_cmpuint(routes_of("\x79\x06\0\1\1\1\1\0\xff", 9, out), ==, 0); /* a second, cut off */
    g_assert_cmpuint(routes_of("\xff", 1, out), ==, 0);
    /* in two parts, cut in the middle of a route (RFC 3396) */
    g_assert_cmpuint(routes_of("\x79\x03\x08\x0a\1\x79\x03\1\1\1\xff", 11, out), ==, 1);
    g_assert_cmphex(out[0].dst, ==, 0x0a000000);
    g_assert_cmphex(out[0].via, ==, 0x01010101);

    /* the limit */
    uint8_t bytes[1400];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct dhcp4_message m = {.reply = true, .type = DHCP4_ACK};
    struct dhcp4_route in[DHCP4_ROUTES_MAX + 1];
    for (unsigned i = 0; i < G_N_ELEMENTS(in); i++)
        in[i] = (struct dhcp4_route){.dst = 0x0a000000 + i, .len = 32, .via = i};
    dhcp4_write_header(&w, &m);
    dhcp4_write_routes(&w, in, G_N_ELEMENTS(in)); /* the last one is left out */
    g_assert_true(writer_ok(&w));
    g_assert_cmpint(dhcp4_parse(reader_of(bytes, w.len), &m), ==, DROP_NONE);
    g_assert_cmpuint(dhcp4_option_routes(&m, out), ==, DHCP4_ROUTES_MAX);
    for (unsigned i = 0; i < DHCP4_ROUTES_MAX; i++)
        g_assert_true(out[i].dst == in[i].dst && out[i].len == 32 && out[i].via == i);
    dhcp4_write_option(&w, DHCP4_OPT_ROUTES, "\x08\x0b\1\1\1\1", 6); /* one more than we take */
    g_assert_cmpint(dhcp4_parse(reader_of(bytes, w.len), &m), ==, DROP_NONE);
    g_assert_cmpuint(dhcp4_option_routes(&m, out), ==, DHCP4_ROUTES_MAX);
}

static void
test_frame_build(void)
{
    struct frame_pool *pool = frame_pool_new(1);
    struct mac all = {{255, 255, 255, 255, 255, 255}};
    uint8_t big[DHCP4_MESSAGE_MAX + 1] = {0};

    struct frame *f =
        dhcp4_frame_build(pool, &client_mac, &all, 0, 0xffffffff, reader_of("payload", 7));
    g_assert_nonnull(f);
    g_assert_cmpuint(f->len, ==, 14 + 20 + 8 + 7);
    g_assert_true(packet_is_sound(f->data, f->len, false));
    g_assert_cmphex(f->data[36] << 8 | f->data[37], ==, 67);
    frame_free(f);
    f = dhcp4_frame_build(pool, &client_mac, &all, 0, 1, reader_of(big, DHCP4_MESSAGE_MAX));
    g_assert_nonnull(f);
    frame_free(f);
    g_assert_null(dhcp4_frame_build(pool, &client_mac, &all, 0, 1, reader_of(big, sizeof big)));
    frame_pool_free(pool);
}

/* A frame from a server: built by the packets of the tests, ports and addresses put in. */
static struct frame *
from_server(const struct packet *p)
{
    struct frame *f = packet_make(p);

    memcpy(f->data, client_mac.b, 6);
    if (f->len > 38 && !p->is_ip6)
        put16(f->data + 36, 68);
    return f;
}

static void
test_frame_match(void)
{
    struct packet p = {.is_udp = true, .sport = 67, .payload = (const void *)"abc"};
    struct reader payload;

    p.payload_len = 3;
    p.padding = 15;
    struct frame *f = from_server(&p);
    g_assert_true(dhcp4_frame_match(f, &client_mac, &payload));
    g_assert_cmpuint(payload.left, ==, 3);
    g_assert_true(payload.at == f->data + 42);
    memset(f->data, 0xff, 6); /* to all */
    g_assert_true(dhcp4_frame_match(f, &client_mac, &payload));
    f->data[5] = 1;
    g_assert_false(dhcp4_frame_match(f, &client_mac, &payload));
    memset(f->data, 0xff, 6);
    f->data[35] = 66;
    g_assert_false(dhcp4_frame_match(f, &client_mac, &payload));
    f->data[35] = 67;
    f->data[37] = 67;
    g_assert_false(dhcp4_frame_match(f, &client_mac, &payload));
    f->data[37] = 68;
    f->gso_type = FRAME_GSO_UDP;
    g_assert_false(dhcp4_frame_match(f, &client_mac, &payload));
    f->gso_type = FRAME_GSO_NONE;
    for (uint32_t len = 0; len < 45; len++) {
        struct frame *cut = frame_exact(f->data, len);
        g_assert_false(dhcp4_frame_match(cut, &client_mac, &payload));
        g_free(cut);
    }
    g_free(f);
    p.fragment = 0x2000;
    f = from_server(&p);
    g_assert_false(dhcp4_frame_match(f, &client_mac, &payload));
    g_free(f);
    p.fragment = 0;
    p.is_ip6 = true;
    f = from_server(&p);
    g_assert_false(dhcp4_frame_match(f, &client_mac, &payload));
    g_free(f);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dhcp4/round-trip", test_round_trip);
    g_test_add_func("/dhcp4/truncated", test_truncated);
    g_test_add_func("/dhcp4/malformed", test_malformed);
    g_test_add_func("/dhcp4/overload", test_overload);
    g_test_add_func("/dhcp4/long-option", test_long_option);
    g_test_add_func("/dhcp4/addresses", test_addresses);
    g_test_add_func("/dhcp4/rfc3442", test_rfc3442);
    g_test_add_func("/dhcp4/routes", test_routes);
    g_test_add_func("/dhcp4/frame-build", test_frame_build);
    g_test_add_func("/dhcp4/frame-match", test_frame_match);
    return g_test_run();
}
