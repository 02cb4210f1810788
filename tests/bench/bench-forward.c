/* SPDX-License-Identifier: Apache-2.0 */
/* bench-forward.c - what the switch costs: nanoseconds a frame, in batches of 64.
 *
 * "same" is a unicast flow between two ports of one worker, "across" between ports of two workers,
 * "spread" to 32 addresses at 8 ports, "flood" a broadcast to 8 ports. The receiving port frees the
 * frames; making them is measured on its own and not part of the numbers. "across" is what
 * both workers spend, with a sender that sleeps when the receiver is behind.
 */

#include "core/base/policy.h"
#include "core/hub/hub.h"
#include "core/hub/hub_port.h"

#include <glib.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCHES = 20000, LEN = 1500, MAX_PORTS = 9, WINDOW = 32 * BATCH_MAX };

struct bench {
    struct hub *hub;
    struct hub_port *port[MAX_PORTS];
    unsigned n_ports;
    unsigned n_addresses; /* of destinations; 0: broadcast */
    unsigned at;          /* the port that is attached next */
    bool paced;           /* the sender never has more than WINDOW frames on their way */
    double ns;
    atomic_uint_fast64_t received;
};

static void
deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    (void)now_us;
    struct bench *be = hub_port_owner(port);
    atomic_store_explicit(&be->received,
                          atomic_load_explicit(&be->received, memory_order_relaxed) + b->n,
                          memory_order_relaxed);
    batch_free_frames(b);
}

static const struct hub_port_ops ops = {.deliver = deliver};

static void
set_mac(uint8_t at[6], unsigned n)
{
    const uint8_t mac[6] = {2, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n};
    memcpy(at, mac, sizeof(mac));
}

static void
make(struct batch *b, unsigned src, unsigned n_addresses)
{
    for (b->n = 0; b->n < BATCH_MAX;) {
        struct frame *f = frame_new(worker_pool(worker_current()), LEN);
        uint8_t *at = f ? frame_put(f, LEN) : NULL;
        if (!at)
            abort();
        if (n_addresses > 0)
            set_mac(at, 1 + b->n % n_addresses);
        else
            memset(at, 0xff, 6);
        set_mac(at + 6, src);
        at[12] = 8;
        at[13] = 0;
        batch_add(b, f);
    }
}

static void
attach(void *data)
{
    struct bench *be = data;
    struct hub_port_config config = {
        .name = "bench", .kind = HUB_PORT_SESSION, .policy = policy_default()};
    config.policy.NoBroadcastLimiter = 1;
    be->port[be->at] = hub_attach(be->hub, &config, &ops, be, NULL);
    g_assert_nonnull(be->port[be->at]);
    if (be->at == 0 || be->n_addresses == 0)
        return;
    for (unsigned a = be->at; a <= be->n_addresses; a += be->n_ports - 1) {
        struct batch b = {.n = 0};
        make(&b, a, 1000);
        hub_port_receive(be->port[be->at], &b, worker_now_us(worker_current()));
    }
}

static void
detach(void *data)
{
    hub_detach(data);
}

/* What all threads have computed: other programs on the machine do not count, and a sleeping
 * sender neither. */
static int64_t
cpu_us(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
        abort();
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The same without a hub: what making and freeing costs. */
static double
baseline(unsigned n_addresses)
{
    struct batch b = {.n = 0};
    int64_t start = cpu_us();
    for (unsigned i = 0; i < BATCHES; i++) {
        make(&b, 1000, n_addresses);
        batch_free_frames(&b);
    }
    return (double)(cpu_us() - start) * 1000 / BATCHES / BATCH_MAX;
}

static void
run(void *data)
{
    struct bench *be = data;
    struct batch b = {.n = 0};
    double without = baseline(be->n_addresses);
    atomic_store(&be->received, 0);
    int64_t start = cpu_us();
    for (unsigned i = 0; i < BATCHES; i++) {
        make(&b, 1000, be->n_addresses);
        hub_port_receive(be->port[0], &b, worker_now_us(worker_current()));
        while (be->paced && (uint64_t)(i + 1) * BATCH_MAX - atomic_load(&be->received) > WINDOW)
            g_usleep(100); /* the other worker is behind */
    }
    be->ns = (double)(cpu_us() - start) * 1000 / BATCHES / BATCH_MAX - without;
}

static void
nothing(void *data)
{
    (void)data;
}

static void
measure(const char *name, unsigned workers, unsigned n_ports, unsigned n_addresses)
{
    char hub_name[] = "BENCH";
    struct hub_config config = {.name = hub_name, .online = true};
    struct worker_set *set = worker_set_new(workers, NULL);
    g_assert_nonnull(set);
    struct bench be = {.hub = hub_new(set, &config),
                       .n_ports = n_ports,
                       .n_addresses = n_addresses,
                       .paced = workers > 1};
    for (be.at = 0; be.at < n_ports; be.at++)
        worker_call_sync(worker_set_get(set, be.at % workers), attach, &be);
    worker_call_sync(worker_set_get(set, 0), run, &be);
    for (unsigned i = 0; i < 2 * workers; i++)
        worker_call_sync(worker_set_get(set, i % workers), nothing, NULL);
    uint64_t sent = (uint64_t)BATCHES * BATCH_MAX * (n_addresses > 0 ? 1 : n_ports - 1);
    (void)printf("%-8s %6.1f ns/frame  %5.1f %% received\n", name, be.ns,
                 100 * (double)atomic_load(&be.received) / (double)sent);
    for (unsigned i = 0; i < n_ports; i++)
        worker_call_sync(hub_port_worker(be.port[i]), detach, be.port[i]);
    hub_destroy(be.hub);
    worker_set_free(set);
}

int
main(void)
{
    measure("same", 1, 2, 1);
    measure("across", 2, 2, 1);
    measure("spread", 1, 9, 32);
    measure("flood", 1, 9, 0);
    return 0;
}
