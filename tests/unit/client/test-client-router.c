/* SPDX-License-Identifier: Apache-2.0 */
/* test-client-router.c - which router advertisements count, and how often they are told. */
#include "apps/client/link_priv.h"
#include "core/base/writer.h"

#include <glib.h>

enum { S = 1000000, FRAME = 14 + 40 + 16 };

struct advert {
    uint8_t last; /* byte of fe80::X */
    uint16_t lifetime_s;
    uint8_t type, hops, prefix, next;
    uint16_t ether;
};

/* A good one. */
static struct advert
advert(uint8_t last, uint16_t lifetime_s)
{
    return (struct advert){.last = last,
                           .lifetime_s = lifetime_s,
                           .type = 134,
                           .hops = 255,
                           .prefix = 0xfe,
                           .next = 58,
                           .ether = 0x86dd};
}

static bool
watch_cut(struct link_router *r, struct advert a, int64_t now_us, size_t len)
{
    uint8_t bytes[FRAME];
    struct writer w = writer_of(bytes, sizeof bytes);

    writer_zero(&w, 12);
    writer_u16(&w, a.ether);
    writer_u32(&w, 0x60000000);
    writer_u16(&w, 16);
    writer_u8(&w, a.next);
    writer_u8(&w, a.hops);
    writer_u8(&w, a.prefix);
    writer_u8(&w, 0x80);
    writer_zero(&w, 13);
    writer_u8(&w, a.last);
    writer_zero(&w, 16);
    writer_u8(&w, a.type);
    writer_zero(&w, 5);
    writer_u16(&w, a.lifetime_s);
    writer_zero(&w, 8);
    g_assert_true(writer_ok(&w));
    g_autofree uint8_t *exact = g_memdup2(bytes, len);
    struct frame f = {.data = exact, .len = (uint32_t)len};
    return link_router_watch(r, &f, now_us);
}

static bool
watch(struct link_router *r, struct advert a, int64_t now_us)
{
    return watch_cut(r, a, now_us, FRAME);
}

static void
test_one_router(void)
{
    struct link_router r = {0};

    g_assert_true(watch(&r, advert(1, 60), 10 * S));
    g_assert_cmpuint(r.ip.family, ==, 6);
    g_assert_cmpuint(r.ip.b[15], ==, 1);
    g_assert_false(watch(&r, advert(1, 60), 20 * S));
    g_assert_false(watch(&r, advert(2, 60), 30 * S)); /* one is enough */
    g_assert_true(watch(&r, advert(1, 0), 40 * S));
    g_assert_cmpuint(r.ip.family, ==, 0);
    g_assert_true(watch(&r, advert(2, 60), 50 * S));
    /* its time is over: another may follow */
    g_assert_true(watch(&r, advert(3, 60), 111 * S));
    g_assert_cmpuint(r.ip.b[15], ==, 3);
}

static void
test_flood(void)
{
    struct link_router r = {0};
    unsigned told = 0;

    for (unsigned i = 0; i < 1000; i++) /* ten seconds of coming and going */
        told += watch(&r, advert(1, i % 2 ? 0 : 60), 100 * S + i * 10000);
    g_assert_cmpuint(told, <=, 11);
}

static void
test_not_for_us(void)
{
    struct link_router r = {0};

    struct advert a = advert(1, 60);

    g_assert_false(watch(&r, advert(1, 0), 0));
    a.type = 135;
    g_assert_false(watch(&r, a, 0));
    a = advert(1, 60);
    a.hops = 64;
    g_assert_false(watch(&r, a, 0));
    a = advert(1, 60);
    a.prefix = 0x20;
    g_assert_false(watch(&r, a, 0));
    a = advert(1, 60);
    a.next = 17;
    g_assert_false(watch(&r, a, 0));
    a = advert(1, 60);
    a.ether = 0x0800;
    g_assert_false(watch(&r, a, 0));
    for (size_t len = 0; len < FRAME - 8; len++)
        g_assert_false(watch_cut(&r, advert(1, 60), 0, len));
    g_assert_true(watch(&r, advert(1, 60), 0));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/client-router/one-router", test_one_router);
    g_test_add_func("/client-router/flood", test_flood);
    g_test_add_func("/client-router/not-for-us", test_not_for_us);
    return g_test_run();
}
