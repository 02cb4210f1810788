/* SPDX-License-Identifier: Apache-2.0 */
/* bench-l3port.c - what an IP session costs beside its protocol: nanoseconds a packet through its
 * port and the hub, in batches of 64, on one worker. "up" is from the client to a host, "down" the
 * other way. Making and freeing packets is measured on its own and not part of the numbers.
 */

#include "core/base/log.h"
#include "core/hub/hubs.h"
#include "core/hub/l3/l3port.h"
#include "core/net/arp.h"
#include "core/net/eth.h"
#include "core/net/ip4.h"

#include <glib.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCHES = 20000, LEN = 1400, ME = 0x0a090005, HOST = 0x0a090001 };

static const struct mac host_mac = {{2, 0, 0, 0, 0, 1}};

struct bench {
    struct hub *hub;
    struct hub_port *lan;
    struct l3port *port;
    atomic_bool ready;
    bool up;
    uint64_t received;
    double ns;
};

static void
answer_arp(struct bench *be, const struct frame *asked)
{
    struct arp arp;
    struct frame *f = frame_new(worker_pool(worker_current()), ETH_HEADER + ARP_LEN);
    if (!f || arp_parse(reader_of(asked->data + ETH_HEADER, asked->len - ETH_HEADER), &arp) ||
        arp.target != HOST || !frame_put(f, ETH_HEADER + ARP_LEN))
        abort();
    struct arp reply = {.op = ARP_REPLY,
                        .sender_mac = host_mac,
                        .sender = HOST,
                        .target_mac = arp.sender_mac,
                        .target = arp.sender};
    struct writer w = writer_of(f->data, f->len);
    eth_write(&w, &arp.sender_mac, &host_mac, ETH_TYPE_ARP);
    arp_write(&w, &reply);
    struct batch b = {.n = 1, .frame = {f}};
    hub_port_receive(be->lan, &b, worker_now_us(worker_current()));
}

static void
lan_deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    struct bench *be = hub_port_owner(port);
    (void)now_us;
    be->received += b->n;
    const uint8_t *at = b->frame[0]->data;
    bool asks = at[12] == 8 && at[13] == 6 && at[41] == (HOST & 0xff) && at[31] != 0;
    if (asks)
        answer_arp(be, b->frame[0]);
    batch_free_frames(b);
}

static const struct hub_port_ops lan_ops = {.deliver = lan_deliver};

static void
on_send(void *owner, struct batch *b, int64_t now_us)
{
    struct bench *be = owner;
    (void)now_us;
    be->received += b->n;
    batch_free_frames(b);
}

static void
on_configured(void *owner, const struct l3port_address *a, int64_t now_us)
{
    struct bench *be = owner;
    (void)now_us;
    atomic_store(&be->ready, a->has4);
}

static void
on_stop(void *owner, int reason)
{
    (void)owner;
    (void)reason;
}

static const struct l3port_ops ops = {
    .send = on_send, .configured = on_configured, .stop = on_stop};

static void
begin(void *data)
{
    struct bench *be = data;
    struct session_config session = {
        .user = "bench", .protocol = "BENCH", .policy = policy_default()};
    struct l3port_config config = {.session = &session, .v4 = true, .mtu = 1500};
    struct hub_port_config lan = {
        .name = "lan", .kind = HUB_PORT_BRIDGE, .policy = policy_default()};
    config.fixed.ip4 = (struct ip_prefix){.ip = ip_from_v4(ME), .len = 24};
    be->lan = hub_attach(be->hub, &lan, &lan_ops, be, NULL);
    be->port = l3port_new(be->hub, &config, &ops, be, worker_now_us(worker_current()), NULL);
    if (!be->lan || !be->port)
        abort();
}

static void
make(struct bench *be, struct batch *b)
{
    uint8_t head[ETH_HEADER + IP4_HEADER];
    struct writer w = writer_of(head, sizeof(head));
    struct ip4 ip = {.ttl = 64,
                     .proto = IP_PROTO_UDP,
                     .total_len = LEN,
                     .src = be->up ? ME : HOST,
                     .dst = be->up ? HOST : ME};
    if (!be->up)
        eth_write(&w, l3port_mac(be->port), &host_mac, ETH_TYPE_IP4);
    ip4_write(&w, &ip);
    for (b->n = 0; b->n < BATCH_MAX;) {
        struct frame *f = frame_new(worker_pool(worker_current()), ETH_HEADER + LEN);
        uint8_t *at = f ? frame_put(f, LEN + (be->up ? 0 : ETH_HEADER)) : NULL;
        if (!at)
            abort();
        memcpy(at, head, w.len);
        memset(at + w.len, 1, 8);
        batch_add(b, f);
    }
}

static int64_t
cpu_us(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
        abort();
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
send_batch(struct bench *be, struct batch *b)
{
    int64_t now_us = worker_now_us(worker_current());
    make(be, b);
    if (be->up)
        l3port_receive(be->port, b, now_us);
    else
        hub_port_receive(be->lan, b, now_us);
}

static void
run(void *data)
{
    struct bench *be = data;
    struct batch b = {.n = 0};
    int64_t start = cpu_us();
    for (unsigned i = 0; i < BATCHES; i++) {
        make(be, &b);
        batch_free_frames(&b);
    }
    int64_t without = cpu_us() - start;
    be->received = 0;
    start = cpu_us();
    for (unsigned i = 0; i < BATCHES; i++)
        send_batch(be, &b);
    be->ns = (double)(cpu_us() - start - without) * 1000 / BATCHES / BATCH_MAX;
}

/* So that the neighbour is known. */
static void
warm(void *data)
{
    struct bench *be = data;
    struct batch b = {.n = 0};
    be->up = true;
    send_batch(be, &b);
}

static void
end(void *data)
{
    struct bench *be = data;
    l3port_end(be->port, 0, worker_now_us(worker_current()));
    hub_detach(be->lan);
}

int
main(void)
{
    char name[] = "BENCH";
    struct hub_config config = {.name = name, .online = true};
    log_setup(LOG_ERROR, false);
    struct worker_set *set = worker_set_new(1, NULL);
    g_assert_nonnull(set);
    struct hubs *hubs = hubs_new(set);
    struct bench be = {.hub = hubs_create(hubs, &config, NULL)};
    struct worker *w = worker_set_get(set, 0);
    worker_call_sync(w, begin, &be);
    while (!atomic_load(&be.ready))
        g_usleep(10000);
    worker_call_sync(w, warm, &be);
    g_usleep(100000);
    for (unsigned i = 0; i < 2; i++) {
        be.up = i == 0;
        worker_call_sync(w, run, &be);
        printf("l3port %-5s %6.1f ns a packet, %.1f %% arrived\n", be.up ? "up" : "down", be.ns,
               100.0 * (double)be.received / ((double)BATCHES * BATCH_MAX));
    }
    worker_call_sync(w, end, &be);
    hubs_free(hubs);
    worker_set_free(set);
    return 0;
}
