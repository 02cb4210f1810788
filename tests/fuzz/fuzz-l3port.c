/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-l3port.c - arbitrary packets of a client, and arbitrary frames of the segment, with
 * arbitrary offload marks, at an IP session that has a lease.
 *
 * Input: one byte (IPv6 mode, whether it is a router, whether it wants super-frames), then records
 * of direction and marks flag, length, marks if flagged, bytes. Laws: the client gets only whole IP
 * packets of its own, not longer than its link unless they are super-frames that it wants; the
 * segment gets only frames from the session's own Ethernet address; nothing leaks.
 */

#include "core/base/log.h"
#include "core/hub/hubs.h"
#include "core/hub/l3/l3port.h"
#include "core/net/eth.h"
#include "core/net/segment.h"
#include "core/net/wire.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

enum { RECORDS = 128, MTU = 1300, ADDRESS = 0x0a090005, SERVER = 0x0a090001 };

struct fuzz {
    struct hubs *hubs;
    struct hub *hub;
    struct hub_port *lan;
    struct l3port *port;
    unsigned max_super;
    struct mac mac;
    struct reader in;
    uint8_t mode;
};

/* ---- the segment ---- */

static void
answer(struct fuzz *z, const struct dhcp4_message *m)
{
    uint8_t bytes[400];
    uint8_t packet[600] = {0};
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct dhcp4_message a = {.reply = true,
                              .xid = m->xid,
                              .type = m->type == DHCP4_DISCOVER ? DHCP4_OFFER : DHCP4_ACK,
                              .yiaddr = ADDRESS,
                              .chaddr = m->chaddr};
    dhcp4_write_header(&w, &a);
    dhcp4_write_option_u32(&w, DHCP4_OPT_SERVER, SERVER);
    dhcp4_write_option_u32(&w, DHCP4_OPT_MASK, 0xffffff00);
    dhcp4_write_option_u32(&w, DHCP4_OPT_ROUTER, SERVER);
    dhcp4_write_option_u32(&w, DHCP4_OPT_LEASE, 3600);
    dhcp4_write_end(&w);
    size_t len = 14 + 28 + w.len;
    memcpy(packet, m->chaddr.b, 6);
    memcpy(packet + 6, (const uint8_t[]){2, 0, 0, 0, 0, 1, 8, 0, 0x45}, 9);
    wire_put16(packet + 16, (uint16_t)(28 + w.len));
    packet[22] = 64;
    packet[23] = 17;
    wire_put32(packet + 26, SERVER);
    wire_put32(packet + 30, ADDRESS);
    wire_put16(packet + 34, 67);
    wire_put16(packet + 36, 68);
    wire_put16(packet + 38, (uint16_t)(8 + w.len));
    memcpy(packet + 42, bytes, w.len);
    struct frame *f = frame_new(worker_pool(worker_current()), len);
    g_assert(f && frame_put(f, len));
    memcpy(f->data, packet, len);
    struct batch b = {.n = 1, .frame = {f}};
    hub_port_receive(z->lan, &b, worker_now_us(worker_current()));
}

static void
lan_deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    (void)now_us;
    struct fuzz *z = hub_port_owner(port);
    for (unsigned i = 0; i < b->n; i++) {
        const struct frame *f = b->frame[i];
        struct dhcp4_message m;
        g_assert(f->len >= ETH_HEADER);
        g_assert(memcmp(f->data + 6, z->mac.b, 6) == 0 || z->mac.b[0] == 0);
        if (f->len > 42 && f->data[23] == 17 && f->data[37] == 67 && z->mac.b[0] == 0 &&
            dhcp4_parse(reader_of(f->data + 42, f->len - 42), &m) == DROP_NONE)
            answer(z, &m);
    }
    batch_free_frames(b);
}

static const struct hub_port_ops lan_ops = {.deliver = lan_deliver};

/* ---- the client ---- */

static void
on_send(void *owner, struct batch *b, int64_t now_us)
{
    (void)now_us;
    struct fuzz *z = owner;
    for (unsigned i = 0; i < b->n; i++) {
        const struct frame *f = b->frame[i];
        g_assert(atomic_load(&b->frame[i]->refs) == 1 && f->len >= 20);
        unsigned version = f->data[0] >> 4;
        g_assert(version == 4 || version == 6);
        size_t told = version == 4 ? wire_get16(f->data + 2) : 40u + wire_get16(f->data + 4);
        g_assert(frame_is_super(f) ? f->len <= z->max_super : f->len <= MTU && told == f->len);
        g_assert(z->max_super > 0 || !segment_needs(f));
    }
    batch_free_frames(b);
}

static void
on_configured(void *owner, const struct l3port_address *a, int64_t now_us)
{
    (void)owner;
    (void)now_us;
    g_assert(a->n_dns <= L3PORT_DNS_MAX && a->len4 <= 32 && a->len6 <= 128);
}

static void
on_stop(void *owner, int reason)
{
    (void)owner;
    (void)reason;
}

static const struct l3port_ops port_ops = {
    .send = on_send, .configured = on_configured, .stop = on_stop};

/* ---- the run ---- */

static void
come(void *data)
{
    struct fuzz *z = data;
    struct session_config session = {
        .user = "fuzz", .protocol = "FUZZ", .policy = policy_default(), .bridge_mode = z->mode & 4};
    struct l3port_config config = {.session = &session,
                                   .v4 = true,
                                   .v6 = z->mode & 1 ? L3PORT_V6_CLIENT : L3PORT_V6_TOLD,
                                   .mtu = MTU,
                                   .max_super = z->mode & 2 ? 65535 : 0};
    struct hub_port_config lan = {.name = "lan",
                                  .kind = HUB_PORT_BRIDGE,
                                  .policy = policy_default(),
                                  .max_frame = FRAME_LARGE};
    z->max_super = config.max_super;
    session.policy.NoBroadcastLimiter = 1;
    z->lan = hub_attach(z->hub, &lan, &lan_ops, z, NULL);
    z->port = l3port_new(z->hub, &config, &port_ops, z, worker_now_us(worker_current()), NULL);
    g_assert(z->lan && z->port);
}

static struct frame *
read_frame(struct reader *r, bool *up)
{
    uint8_t head = reader_u8(r);
    uint8_t len = reader_u8(r);
    size_t want = (size_t)len * (head & 8 ? 16 : 1);
    struct frame *f = frame_new(worker_pool(worker_current()), 4096);
    g_assert(f);
    if (head & 4) {
        f->gso_type = reader_u8(r);
        f->flags = reader_u8(r);
        f->gso_size = reader_u16(r);
        f->csum_start = reader_u16(r);
        f->csum_offset = reader_u16(r);
    }
    size_t have = MIN(want, r->left);
    uint8_t *at = frame_put(f, have);
    g_assert(at);
    memcpy(at, r->at, have);
    (void)reader_take(r, have);
    *up = head & 1;
    return f;
}

static void
feed(void *data)
{
    struct fuzz *z = data;
    int64_t now_us = worker_now_us(worker_current());
    z->mac = *l3port_mac(z->port);
    for (unsigned n = 0; n < RECORDS && z->in.left > 0; n++) {
        bool up = false;
        struct frame *f = read_frame(&z->in, &up);
        struct batch b = {.n = 1, .frame = {f}};
        if (up) {
            l3port_receive(z->port, &b, now_us);
            continue;
        }
        if (f->len >= 12 && !(f->data[0] & 1)) /* the fuzzer cannot know the address */
            memcpy(f->data, z->mac.b, 6);
        if (f->len >= 12)
            f->data[6] = 2;
        hub_port_receive(z->lan, &b, now_us);
    }
}

static void
go(void *data)
{
    struct fuzz *z = data;
    l3port_end(z->port, 0, worker_now_us(worker_current()));
    hub_detach(z->lan);
}

static void
nothing(void *data)
{
    (void)data;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[] = "FUZZ";
    struct hub_config config = {.name = name, .online = true};
    void (*const step[])(void *) = {come, nothing, feed, nothing, go, nothing};
    if (size < 1)
        return 0;
    log_setup(LOG_ERROR, false);
    struct worker_set *set = worker_set_new(1, NULL);
    g_assert_nonnull(set);
    struct fuzz z = {.mode = data[0], .in = reader_of(data + 1, size - 1)};
    z.hubs = hubs_new(set);
    z.hub = hubs_create(z.hubs, &config, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(step); i++)
        worker_call_sync(worker_set_get(set, 0), step[i], &z);
    hubs_free(z.hubs);
    worker_set_free(set); /* asserts that every frame is back */
    return 0;
}
