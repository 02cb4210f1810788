/* SPDX-License-Identifier: Apache-2.0 */
/* test-hub-limit.c - ports with a limit: frames wait, go on in order, and do so at the rate; limits
 * change and are lifted; what still waits at the end is counted. The shaper itself is in
 * unit/shape. */

#include "tests/unit/hub/rig.h"

#define A   "02:00:00:00:00:0a"
#define B   "02:00:00:00:00:0b"
#define ALL "ff:ff:ff:ff:ff:ff"

/* BURST goes at once, one of it on credit; TOTAL: with what may wait. */
enum { LEN = 1514, N = 20, BURST = 3, TOTAL = 10 };

static void
attach(struct rig *r, uint32_t up_of_0, uint32_t down_of_1)
{
    struct hub_port_config config = rig_config();
    config.policy.MaxUpload = up_of_0;
    g_assert_true(rig_attach(r, 0, &config, NULL));
    config = rig_config();
    config.policy.MaxDownload = down_of_1;
    g_assert_true(rig_attach(r, 1, &config, NULL));
    rig_send_one(r, 1, ALL, B, 1);
    rig_got(r, 0, 1);
}

static void
send_n(struct rig *r, unsigned n)
{
    struct rig_frame f[N];
    for (unsigned i = 0; i < n; i++)
        f[i] = (struct rig_frame){.dst = B, .src = A, .len = LEN, .mark = i};
    r->now_us = clock_now_us();
    rig_send(r, 0, f, n);
}

/* Until so many frames have come, or it is clear that they will not. Returns the time. */
static int64_t
wait_for(struct rig *r, unsigned i, unsigned n)
{
    int64_t start_us = clock_now_us();
    while (r->p[i].got->len < n && clock_now_us() < start_us + 5 * G_USEC_PER_SEC) {
        g_usleep(1000);
        rig_settle(r);
    }
    g_assert_cmpuint(r->p[i].got->len, ==, n);
    return clock_now_us() - start_us;
}

static void
in_order(struct rig *r, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        g_assert_cmpuint(g_array_index(r->p[1].got, uint32_t, k), ==, k);
    g_array_set_size(r->p[1].got, 0);
}

/* data: the number of workers. */
static void
test_way_in(struct rig *r, const void *data)
{
    (void)data;
    attach(r, 1000000, 0);
    send_n(r, N);
    int64_t took_us = wait_for(r, 1, TOTAL);
    in_order(r, TOTAL);
    g_assert_cmpint(took_us, >, 60000); /* seven frames of twelve milliseconds */
    g_assert_cmpuint(rig_dropped(r, 0, DROP_LIMIT), ==, N - TOTAL);
    struct hub_port_stats s;
    hub_port_get_stats(r->p[0].port, &s);
    g_assert_cmpuint(s.in.unicast_frames, ==, TOTAL); /* what passed the limit */
}

static void
test_way_out(struct rig *r, const void *data)
{
    (void)data;
    attach(r, 0, 1000000);
    send_n(r, N);
    int64_t took_us = wait_for(r, 1, TOTAL);
    in_order(r, TOTAL);
    g_assert_cmpint(took_us, >, 60000);
    g_assert_cmpuint(rig_dropped(r, 1, DROP_LIMIT), ==, N - TOTAL);
    struct hub_port_stats s;
    hub_port_get_stats(r->p[1].port, &s);
    g_assert_cmpuint(s.out.unicast_frames, ==, TOTAL);
}

static void
test_below(struct rig *r, const void *data)
{
    (void)data;
    attach(r, 4000000000u, 4000000000u);
    for (unsigned i = 0; i < 50; i++) {
        send_n(r, N);
        (void)wait_for(r, 1, N);
        in_order(r, N);
    }
    g_assert_cmpuint(rig_dropped(r, 0, DROP_LIMIT), ==, 0);
    g_assert_cmpuint(rig_dropped(r, 1, DROP_LIMIT), ==, 0);
}

struct speed {
    struct hub_port *port;
    uint64_t in, out;
};

static void
set_speed_there(void *data)
{
    const struct speed *s = data;
    hub_port_set_speed(s->port, s->in, s->out, true);
}

static void
set_speed(struct rig *r, unsigned i, uint64_t in, uint64_t out)
{
    struct speed s = {.port = r->p[i].port, .in = in, .out = out};
    worker_call_sync(r->p[i].w, set_speed_there, &s);
    rig_settle(r);
}

static void
test_lifted(struct rig *r, const void *data)
{
    (void)data;
    attach(r, 10000, 0); /* more than a second a frame */
    send_n(r, 5);
    g_assert_cmpuint(r->p[1].got->len, ==, BURST);
    set_speed(r, 0, 0, 0);
    in_order(r, 5);
    send_n(r, N);
    in_order(r, N);
    set_speed(r, 0, 0, 0);
    set_speed(r, 0, 10000, 0); /* and comes back */
    send_n(r, 5);
    g_assert_cmpuint(r->p[1].got->len, ==, BURST);
    set_speed(r, 0, 1000000000, 0);
    (void)wait_for(r, 1, 5);
    in_order(r, 5);
}

static void
test_detached(struct rig *r, const void *data)
{
    (void)data;
    attach(r, 10000, 0);
    send_n(r, 5);
    rig_detach(r, 0);
    struct hub_stats stats;
    hub_get_stats(r->hub, &stats);
    g_assert_cmpuint(stats.dropped[DROP_PORT_DOWN], ==, 5 - BURST);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(name, fn)                                                                           \
    g_test_add("/hub-limit/" name, struct rig, NULL, rig_set_up, fn, rig_tear_down);             \
    g_test_add("/hub-limit/" name "/2-workers", struct rig, GUINT_TO_POINTER(2), rig_set_up, fn, \
               rig_tear_down)
    TEST("way-in", test_way_in);
    TEST("way-out", test_way_out);
    TEST("below", test_below);
    TEST("lifted", test_lifted);
    TEST("detached", test_detached);
    return g_test_run();
}
