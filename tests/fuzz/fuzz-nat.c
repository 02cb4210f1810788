/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-nat.c - arbitrary frames from the hub to its virtual host.
 *
 * In a network namespace of its own, where only a few addresses exist and one port listens; without
 * one, NAT is off. Input: records of a byte of settings, a length, marks if set, and frame bytes,
 * whose checksums are made right unless a bit says otherwise. Laws: what comes back is sound: right
 * addresses, headers that agree, nothing longer than the MTU but super-frames; limits hold; all
 * memory comes back.
 */

#include "core/base/clock.h"
#include "core/base/policy.h"
#include "core/base/reader.h"
#include "core/hub/hub_port.h"
#include "core/hub/nat/vhost.h"
#include "core/net/checksum.h"
#include "core/net/flow.h"
#include "core/net/ip4.h"
#include "core/net/segment.h"
#include "core/net/wire.h"
#include "platform/platform.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECORDS = 200, MTU = 1500 };

static struct worker_set *workers;
static bool has_namespace;
static const struct mac own = {{0x5e, 1, 2, 3, 4, 5}};

struct fuzz {
    struct hub *hub;
    struct hub_port *port;
    struct reader input;
    unsigned came;
};

static void
deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    struct fuzz *z = hub_port_owner(port);
    (void)now_us;
    for (unsigned i = 0; i < b->n; i++) {
        struct frame *f = b->frame[i];
        struct flow fl;
        struct segment_iter it;
        g_assert_cmpuint(f->len, >=, 42);
        g_assert_true(memcmp(f->data + 6, own.b, 6) == 0);
        g_assert_cmpint(flow_of_frame(f, &fl), ==, DROP_NONE);
        g_assert_cmpint(segment_begin(&it, f), ==, DROP_NONE);
        g_assert_cmpuint(segment_longest(&it), <=, MTU + 14);
        if (fl.version == 4)
            g_assert_true(ip4_checksum_is_good(f->data + fl.l3, 20));
        z->came++;
    }
    batch_free_frames(b);
}

static const struct hub_port_ops port_ops = {.deliver = deliver};

/* Makes what a random frame would never have right by itself. */
static void
mend(struct frame *f)
{
    struct flow fl;
    if (flow_of_frame(f, &fl) != DROP_NONE || fl.version == 0)
        return;
    if (fl.version == 4)
        ip4_set_checksum(f->data + fl.l3, (f->data[fl.l3] & 15u) * 4);
    unsigned at = fl.proto == 6 ? 16 : fl.proto == 17 ? 6 : 2;
    size_t len = fl.end - fl.l4;
    if (fl.l4 == 0 || fl.l4 >= fl.end || len < at + 2u)
        return;
    uint64_t sum = 0;
    if (fl.proto != 1)
        sum = fl.version == 4 ? csum_pseudo4(fl.src, fl.dst, fl.proto, (uint16_t)len)
                              : csum_pseudo6(fl.src, fl.dst, fl.proto, (uint32_t)len);
    wire_put16(f->data + fl.l4 + at, 0);
    wire_put16(f->data + fl.l4 + at, csum_finish(csum_add(sum, f->data + fl.l4, len)));
}

static struct frame *
read_frame(struct reader *r)
{
    uint8_t set = reader_u8(r);
    uint16_t len = reader_u16(r);
    struct frame *f = frame_new(worker_pool(worker_current()), 2048);
    g_assert_nonnull(f);
    if (set & 1) {
        f->gso_type = reader_u8(r);
        f->flags = reader_u8(r);
        f->gso_size = reader_u16(r);
        f->csum_start = reader_u16(r);
        f->csum_offset = reader_u16(r);
    }
    size_t have = MIN(MIN((size_t)len, r->left), 2000u);
    uint8_t *at = frame_put(f, have);
    memcpy(at, r->at, have);
    (void)reader_take(r, have);
    if ((set & 2) && have >= 14) { /* to the host, from a client */
        memcpy(at, own.b, 6);
        memcpy(at + 6, (const uint8_t[]){2, 0, 0, 0, 0, 1}, 6);
    }
    if (!(set & 4))
        mend(f);
    return f;
}

static void
run(void *data)
{
    struct fuzz *z = data;
    g_autoptr(GError) error = NULL;
    struct hub_port_config config = {
        .name = "fuzz", .kind = HUB_PORT_SESSION, .policy = policy_default(), .max_frame = 65550};
    config.policy.NoBroadcastLimiter = 1;
    z->port = hub_attach(z->hub, &config, &port_ops, z, &error);
    g_assert_no_error(error);
    int64_t now_us = worker_now_us(worker_current());
    struct batch b = {.n = 0};
    for (unsigned i = 0; i < RECORDS && z->input.left > 0; i++) {
        batch_add(&b, read_frame(&z->input));
        if (batch_is_full(&b) || (b.frame[b.n - 1]->len & 3) == 0 || z->input.left == 0)
            hub_port_receive(z->port, &b, now_us);
    }
    if (b.n > 0)
        hub_port_receive(z->port, &b, now_us);
}

static void
stop(void *data)
{
    struct fuzz *z = data;
    hub_detach(z->port);
}

static void
count_frames(void *data)
{
    *(unsigned *)data = frame_pool_in_use(worker_pool(worker_current()));
}

static void
nothing(void *data)
{
    (void)data;
}

/* A loopback with two addresses, and somebody who listens: before there are threads. */
static void
prepare(void)
{
    static const uint8_t ip4[4] = {198, 51, 100, 1};
    static const uint8_t ip6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
    const struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(80)};
    bool alone = unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
    has_namespace =
        alone && pf_net_link_up("lo", true, NULL) && pf_net_addr_add("lo", 4, ip4, 32, false, NULL);
    if (has_namespace) {
        (void)pf_net_addr_add("lo", 6, ip6, 128, false, NULL);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        (void)bind(fd, (const struct sockaddr *)&sa, sizeof(sa));
        (void)listen(fd, 64); /* stays to the end */
    }
    workers = worker_set_new(1, NULL);
    g_assert_nonnull(workers);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!workers)
        prepare();
    g_autoptr(GError) error = NULL;
    char name[] = "FUZZ";
    const struct hub_config hc = {.name = name, .online = true};
    const struct vhost_ops ops = {.leases_changed = NULL};
    struct vhost_config c = {
        .mac = own,
        .ip4 = 0xc0a81e01,
        .mask4 = 0xffffff00,
        .mtu = MTU,
        .use_nat = has_namespace,
        .nat_mode = VHOST_NAT_USER,
        .tcp_timeout_s = 1800,
        .udp_timeout_s = 60,
        .use_dhcp = true,
        .dhcp4 = {.first = 0xc0a81e0a, .last = 0xc0a81ec8, .mask = 0xffffff00, .lease_s = 7200},
        .use_ip6 = true,
        .dhcp6 = {.prefix = {0xfd, 0x30}, .stateful = true, .lease_s = 7200},
    };
    struct fuzz z = {.hub = hub_new(workers, &hc), .input = reader_of(data, size)};
    struct worker *w = worker_set_get(workers, 0);
    struct vhost *v = vhost_new(z.hub, &c, NULL, 0, &ops, NULL, &error);
    g_assert_no_error(error);
    worker_call_sync(w, run, &z);
    for (unsigned i = 0; i < 3; i++) /* what the sockets say at once */
        worker_call_sync(w, nothing, NULL);
    struct vhost_status st;
    vhost_get_status(v, &st);
    GArray *flows = vhost_flows(v);
    g_assert_cmpuint(flows->len, <=, RECORDS);
    g_array_unref(flows);
    vhost_free(v);
    worker_call_sync(w, stop, &z);
    hub_destroy(z.hub);
    unsigned left = 0;
    worker_call_sync(w, count_frames, &left);
    g_assert_cmpuint(left, ==, 0);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    return 0;
}
