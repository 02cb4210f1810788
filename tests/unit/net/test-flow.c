/* SPDX-License-Identifier: Apache-2.0 */
/* test-flow.c - where headers are found, what is refused, and that a failed look writes nothing. */

#include "core/net/flow.h"
#include "tests/unit/net/packet.h"

#include <glib.h>

static const uint8_t text[64] = "some payload that is long enough for everything in here";
static const uint8_t options[8] = {1, 1, 1, 1, 1, 1, 1, 1};

static void
test_places(void)
{
    for (unsigned i = 0; i < 24; i++) {
        struct packet p = {.sport = 1234, .payload = text, .payload_len = i, .padding = i % 5};
        struct flow fl;
        p.is_ip6 = i & 1;
        p.is_udp = i & 2;
        p.tags = i % 3;
        p.options = options;
        p.options_len = i & 4 ? sizeof options : 0;
        struct frame *f = packet_make(&p);
        size_t l4 = packet_l4_at(&p);

        g_assert_cmpint(flow_of_frame(f, &fl), ==, DROP_NONE);
        g_assert_cmphex(fl.type, ==, p.is_ip6 ? 0x86dd : 0x0800);
        g_assert_cmpuint(fl.tags, ==, p.tags);
        g_assert_cmpuint(fl.l3, ==, 14 + 4 * p.tags);
        g_assert_cmpuint(fl.l4, ==, l4);
        g_assert_cmpuint(fl.end, ==, f->len - p.padding);
        g_assert_cmpuint(fl.version, ==, p.is_ip6 ? 6 : 4);
        g_assert_cmpuint(fl.proto, ==, p.is_udp ? 17 : 6);
        g_assert_cmpuint(fl.flags, ==, 0);
        g_assert_cmpuint(fl.sport, ==, 1234);
        g_assert_cmpuint(fl.dport, ==, 443);
        size_t n = p.is_ip6 ? 16 : 4;
        const uint8_t *src = f->data + fl.l3 + (p.is_ip6 ? 8 : 12);
        assert_bytes(fl.src, n, src, n);
        assert_bytes(fl.dst, n, src + n, n);
        for (; n < 16; n++)
            g_assert_cmphex(fl.src[n] | fl.dst[n], ==, 0);

        struct flow inner;
        g_assert_cmpint(flow_parse_ip(reader_of(f->data + fl.l3, f->len - fl.l3), &inner), ==,
                        DROP_NONE);
        g_assert_cmpuint(inner.l3, ==, 0);
        g_assert_cmpuint(inner.l4, ==, l4 - fl.l3);
        g_assert_cmpuint(flow_hash(&inner), ==, flow_hash(&fl));
        g_free(f);
    }
}

/* Cut anywhere before its end, a packet is refused, and nothing is written. */
static void
test_truncated(void)
{
    for (unsigned i = 0; i < 8; i++) {
        struct packet p = {.is_ip6 = i & 1, .is_udp = i & 2, .tags = i & 4 ? 2 : 0};
        struct frame *f = packet_make(&p);
        for (size_t len = 0; len < f->len; len++) {
            struct flow fl;
            struct flow before;
            g_autofree void *exact = g_memdup2(f->data, len);
            memset(&fl, 0xab, sizeof fl);
            memset(&before, 0xab, sizeof before);
            g_assert_cmpint(flow_parse(reader_of(exact, len), &fl), ==, DROP_SHORT);
            assert_bytes((const void *)&fl, sizeof fl, (const void *)&before, sizeof before);
        }
        g_free(f);
    }
}

static void
test_not_ip(void)
{
    struct flow fl;
    static const char arp[] = "\2\0\0\0\0\1\2\0\0\0\0\2\x81\0\0\5\x08\x06";

    g_assert_cmpint(flow_parse(reader_of(arp, sizeof arp - 1), &fl), ==, DROP_NONE);
    g_assert_cmphex(fl.type, ==, 0x0806);
    g_assert_cmpuint(fl.tags, ==, 1);
    g_assert_cmpuint(fl.version, ==, 0);
    g_assert_cmpuint(fl.l3 | fl.l4 | fl.end, ==, 0);
    g_assert_cmpint(flow_parse_ip(reader_of("\x50", 1), &fl), ==, DROP_SHORT);
}

static enum drop
look(const struct frame *f, struct flow *fl)
{
    memset(fl, 0, sizeof *fl);
    return flow_of_frame(f, fl);
}

static void
test_fragments(void)
{
    struct packet p = {.payload = text, .payload_len = 40};
    struct flow fl;

    p.fragment = 0x2000; /* the first one has its ports */
    struct frame *f = packet_make(&p);
    g_assert_cmpint(look(f, &fl), ==, DROP_NONE);
    g_assert_cmpuint(fl.flags, ==, FLOW_FRAGMENT);
    g_assert_cmpuint(fl.l4, ==, 34);
    g_free(f);

    p.fragment = 0x0001; /* a later one has none */
    f = packet_make(&p);
    g_assert_cmpint(look(f, &fl), ==, DROP_NONE);
    g_assert_cmpuint(fl.flags, ==, FLOW_FRAGMENT);
    g_assert_cmpuint(fl.l4, ==, 0);
    g_assert_cmpuint(fl.sport | fl.dport, ==, 0);
    g_free(f);
}

static void
test_bad_lengths(void)
{
    struct packet p = {.payload = text, .payload_len = 10};
    struct flow fl;
    struct frame *f = packet_make(&p);

    f->data[14] = 0x46; /* an option of four bytes: TCP starts later, and is nonsense there */
    g_assert_cmpint(look(f, &fl), !=, DROP_NONE);
    f->data[14] = 0x44;
    g_assert_cmpint(look(f, &fl), ==, DROP_MALFORMED);
    f->data[14] = 0x55;
    g_assert_cmpint(look(f, &fl), ==, DROP_VERSION);
    f->data[14] = 0x45;
    put16(f->data + 16, 19);
    g_assert_cmpint(look(f, &fl), ==, DROP_MALFORMED);
    put16(f->data + 16, 51);
    g_assert_cmpint(look(f, &fl), ==, DROP_SHORT);
    put16(f->data + 16, 39); /* ends in TCP's header */
    g_assert_cmpint(look(f, &fl), ==, DROP_SHORT);
    put16(f->data + 16, 50);
    f->data[46] = 0x40;
    g_assert_cmpint(look(f, &fl), ==, DROP_MALFORMED);
    f->data[46] = 0xf0; /* a header past the end */
    g_assert_cmpint(look(f, &fl), ==, DROP_SHORT);
    f->data[46] = 0x50;
    g_assert_cmpint(look(f, &fl), ==, DROP_NONE);
    g_free(f);
}

static void
test_ip6_extensions(void)
{
    static const char packet[] = "\2\0\0\0\0\1\2\0\0\0\0\2\x86\xdd"
                                 "\x60\0\0\0\0\x18\x2b\x40"
                                 "ssssssssssssssssdddddddddddddddd"
                                 "\x3c\0______\x11\0______\0\7\0\x09\0\x08\0\0";
    struct flow fl;

    g_assert_cmpint(flow_parse(reader_of(packet, sizeof packet - 1), &fl), ==, DROP_NONE);
    g_assert_cmpuint(fl.proto, ==, 17);
    g_assert_cmpuint(fl.flags, ==, FLOW_EXTENSIONS | FLOW_ROUTED);
    g_assert_cmpuint(fl.l4, ==, 70);
    g_assert_cmpuint(fl.sport, ==, 7);
    g_assert_cmpuint(fl.dport, ==, 9);
}

static void
test_hash(void)
{
    struct packet p = {.sport = 1};
    struct flow fl;
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    for (unsigned i = 1; i <= 1000; i++) {
        p.sport = (uint16_t)i;
        p.seq = i; /* not part of the flow */
        struct frame *f = packet_make(&p);
        g_assert_cmpint(flow_of_frame(f, &fl), ==, DROP_NONE);
        (void)g_hash_table_add(seen, GUINT_TO_POINTER(flow_hash(&fl)));
        uint32_t once = flow_hash(&fl);
        f->data[38] ^= 0xff;
        g_assert_cmpint(flow_of_frame(f, &fl), ==, DROP_NONE);
        g_assert_cmpuint(flow_hash(&fl), ==, once);
        g_free(f);
    }
    g_assert_cmpuint(g_hash_table_size(seen), >=, 999);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/flow/places", test_places);
    g_test_add_func("/flow/truncated", test_truncated);
    g_test_add_func("/flow/not-ip", test_not_ip);
    g_test_add_func("/flow/fragments", test_fragments);
    g_test_add_func("/flow/bad-lengths", test_bad_lengths);
    g_test_add_func("/flow/ip6-extensions", test_ip6_extensions);
    g_test_add_func("/flow/hash", test_hash);
    return g_test_run();
}
