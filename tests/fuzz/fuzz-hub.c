/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-hub.c - arbitrary frames, with arbitrary offload marks, at three ports of a hub.
 *
 * Input: records of port (two bits) and marks flag, length (up to 255), marks if flagged (eight
 * bytes), frame bytes. Laws: nothing comes back to the port that sent it, nothing is made up, a
 * frame reaches each of the two other ports at most once, and each frame that came in went out or
 * is counted as lost or had nobody to go to.
 */

#include "core/base/clock.h"
#include "core/base/policy.h"
#include "core/base/reader.h"
#include "core/hub/hub.h"
#include "core/hub/hub_port.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

enum { PORTS = 3, RECORDS = 256 };

struct fuzz {
    struct hub *hub;
    struct hub_port *port[PORTS];
    unsigned from; /* the port that sends just now */
    uint64_t bytes_in, bytes_out;
    unsigned frames_in, frames_out;
    const uint8_t *data;
    size_t size;
};

static void
deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    (void)now_us;
    struct fuzz *z = hub_port_owner(port);
    g_assert(port != z->port[z->from]);
    for (unsigned i = 0; i < b->n; i++) {
        g_assert(b->frame[i]->len >= 14);
        z->bytes_out += b->frame[i]->len;
        z->frames_out++;
    }
    batch_free_frames(b);
}

static const struct hub_port_ops ops = {.deliver = deliver};

static struct frame *
read_frame(struct reader *r, unsigned *port)
{
    uint8_t head = reader_u8(r);
    uint8_t len = reader_u8(r);
    struct frame *f = frame_new(worker_pool(worker_current()), 256);
    g_assert(f);
    if (head & 4) {
        f->gso_type = reader_u8(r);
        f->flags = reader_u8(r);
        f->gso_size = reader_u16(r);
        f->csum_start = reader_u16(r);
        f->csum_offset = reader_u16(r);
    }
    size_t have = MIN(len, r->left);
    uint8_t *at = frame_put(f, have);
    g_assert(at);
    memcpy(at, r->at, have);
    (void)reader_take(r, have);
    *port = head % 4 % PORTS;
    return f;
}

static void
run(void *data)
{
    struct fuzz *z = data;
    struct reader r = reader_of(z->data, z->size);
    struct hub_port_config config = {
        .name = "fuzz", .kind = HUB_PORT_SESSION, .policy = policy_default()};
    config.policy.NoBroadcastLimiter = 1;
    for (unsigned i = 0; i < PORTS; i++) {
        z->port[i] = hub_attach(z->hub, &config, &ops, z, NULL);
        g_assert_nonnull(z->port[i]);
    }
    struct batch b = {.n = 0};
    for (unsigned n = 0; n < RECORDS && r.left > 0; n++) {
        unsigned port = 0;
        struct frame *f = read_frame(&r, &port);
        if (b.n > 0 && (port != z->from || batch_is_full(&b)))
            hub_port_receive(z->port[z->from], &b, worker_now_us(worker_current()));
        g_assert(b.n == 0 || port == z->from);
        z->from = port;
        z->bytes_in += f->len;
        z->frames_in++;
        batch_add(&b, f);
    }
    hub_port_receive(z->port[z->from], &b, worker_now_us(worker_current()));
    for (unsigned i = 0; i < PORTS; i++)
        hub_detach(z->port[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[] = "FUZZ";
    struct hub_config config = {.name = name, .online = true};
    struct worker_set *set = worker_set_new(1, NULL);
    g_assert_nonnull(set);
    struct fuzz z = {.hub = hub_new(set, &config), .data = data, .size = size};
    worker_call_sync(worker_set_get(set, 0), run, &z);

    struct hub_stats s;
    hub_get_stats(z.hub, &s);
    uint64_t lost = 0;
    for (unsigned i = 0; i < DROP_N_REASONS; i++)
        lost += s.dropped[i];
    uint64_t bytes = s.in.unicast_bytes + s.in.broadcast_bytes;
    g_assert_cmpuint(bytes, ==, z.bytes_in);
    g_assert_cmpuint(z.bytes_out, ==, s.out.unicast_bytes + s.out.broadcast_bytes);
    g_assert_cmpuint(z.bytes_out, <=, (PORTS - 1) * z.bytes_in);
    g_assert_cmpuint(z.frames_out, <=, (PORTS - 1) * z.frames_in);
    g_assert_cmpuint(z.frames_out + lost, >=, z.frames_in);
    g_assert_cmpuint(s.fdb_entries, ==, 0); /* the ports are gone */

    hub_destroy(z.hub);
    worker_set_free(set);
    return 0;
}
