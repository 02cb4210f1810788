/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-gate.c - arbitrary frames at two ports of a hub, one of them with an arbitrary policy.
 *
 * Input: a bit for each policy item (five bytes), a VLAN (two), then records of direction (one
 * bit), length (a byte), frame. Laws: nothing crashes; each frame that came in is delivered once or
 * is counted once as lost; what is delivered is as long as it was (four bytes more or less with a
 * VLAN), and differs at most in the router lifetime and the checksum of a router advertisement.
 */

#include "core/base/policy.h"
#include "core/base/reader.h"
#include "core/hub/hub.h"
#include "core/hub/hub_port.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

enum { RECORDS = 128, FRAME = 255, GUARDED = 0, OTHER = 1 };

struct fuzz {
    struct hub *hub;
    struct hub_port *port[2];
    const uint8_t *data;
    size_t size;
    const uint8_t *sent; /* the frame on its way */
    size_t sent_len;
    unsigned delivered;
    bool has_vlan;
};

/* How many bytes differ, behind n bytes of the one and m of the other. */
static unsigned
difference(const uint8_t *a, const uint8_t *b, size_t len)
{
    unsigned n = 0;
    for (size_t i = 0; i < len; i++)
        n += a[i] != b[i];
    return n;
}

static void
deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    struct fuzz *z = hub_port_owner(port);
    (void)now_us;
    g_assert_cmpuint(b->n, ==, 1);
    const struct frame *f = b->frame[0];
    if (z->has_vlan) {
        size_t longer = MAX(f->len, z->sent_len);
        size_t shorter = MIN(f->len, z->sent_len);
        g_assert_true(longer == shorter + 4 || longer == shorter);
        g_assert_cmpmem(f->data, 12, z->sent, 12);
    } else {
        g_assert_cmpuint(f->len, ==, z->sent_len);
        g_assert_cmpuint(difference(f->data, z->sent, f->len), <=, 4);
    }
    z->delivered++;
    batch_free_frames(b);
}

static const struct hub_port_ops ops = {.deliver = deliver};

static struct policy
read_policy(struct reader *r)
{
    struct policy policy = policy_default();
    uint64_t bits = 0;
    for (unsigned i = 0; i < 5; i++)
        bits = bits << 8 | reader_u8(r);
    uint16_t vlan = reader_u16(r);
    unsigned item = 0;
#define X(name, kind, value) \
    if (bits >> item++ & 1)  \
        policy.name = 1 + policy.name * 3;
    POLICY_ITEMS(X)
#undef X
    policy.Access = 1;
    policy.VLanId = policy.VLanId ? vlan & 0xfff : 0;
    policy.NoBroadcastLimiter = 1;
    return policy;
}

static uint64_t
lost(struct fuzz *z)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct hub_port_stats s;
        hub_port_get_stats(z->port[i], &s);
        for (unsigned k = 0; k < DROP_N_REASONS; k++)
            n += s.dropped[k];
    }
    return n;
}

static void
run(void *data)
{
    struct fuzz *z = data;
    struct reader r = reader_of(z->data, z->size);
    struct hub_port_config config = {.kind = HUB_PORT_SESSION, .over_ip6 = true};
    config.policy = read_policy(&r);
    config.name = "guarded";
    z->has_vlan = config.policy.VLanId != 0;
    z->port[GUARDED] = hub_attach(z->hub, &config, &ops, z, NULL);
    config.policy = policy_default();
    config.policy.NoBroadcastLimiter = 1;
    config.name = "other";
    z->port[OTHER] = hub_attach(z->hub, &config, &ops, z, NULL);
    g_assert_true(z->port[GUARDED] && z->port[OTHER]);
    for (unsigned n = 0; n < RECORDS && r.left > 0; n++) {
        unsigned from = reader_u8(&r) & 1;
        size_t len = reader_u8(&r);
        len = MIN(len, r.left);
        if (!reader_ok(&r))
            break;
        struct batch b = {.n = 0};
        struct frame *f = frame_new(worker_pool(worker_current()), FRAME);
        g_assert_nonnull(f);
        z->sent = reader_take(&r, len);
        z->sent_len = len;
        z->delivered = 0;
        uint8_t *at = frame_put(f, len);
        if (at && z->sent)
            memcpy(at, z->sent, len);
        uint64_t before = lost(z);
        batch_add(&b, f);
        hub_port_receive(z->port[from], &b, worker_now_us(worker_current()));
        g_assert_cmpuint(z->delivered + (lost(z) - before), ==, 1);
    }
    for (unsigned i = 0; i < 2; i++)
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
    g_assert_cmpuint(s.fdb_entries, ==, 0);
    hub_destroy(z.hub);
    worker_set_free(set);
    return 0;
}
