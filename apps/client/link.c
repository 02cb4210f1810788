/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - frames between a virtual adapter and an SE-VPN session.
 *
 * Goal: nothing is lost on the way out while the session stands. When the session takes no more,
 * the adapter is not read until it does: then the kernel's queue of the adapter fills and throttles
 * the senders (TCP feels it at once), which is better than any queue of ours. On the way in, TCP
 * packets of a flow are joined to super-frames before they go to the kernel.
 *
 * Limits: a turn reads TURN_BATCHES batches and no more than TURN_BYTES, so that the session's
 * sockets get their turn. Memory: packets are read into a small and a large frame at once; a packet
 * that fits into the small one takes no large one with it. When the pool has no large frame,
 * reading rests for STARVED_US. Without a session frames are read and dropped: stale packets must
 * not wait in the kernel for the next one. Threads: the worker; the control thread calls in by
 * worker_call() and hears by link_ear.c.
 */
#include "apps/client/link.h"

#include "apps/client/link_priv.h"
#include "core/base/error.h"
#include "core/net/coalesce.h"

#include <string.h>

enum {
    TURN_BATCHES = 4,
    TURN_BYTES = 1024 * 1024,
    STARVED_US = 2000,
    LARGE_REST = FRAME_LARGE - FRAME_SMALL,
    ETH_LEAST = 14,
    GSO_ECN = 0x80,
};

/* ---- out of the adapter ---- */

static void
update_want(struct link *l)
{
    bool rest = (l->is_open && l->is_blocked) || timer_is_armed(&l->starved);

    if (l->is_watched)
        worker_fd_want(l->worker, &l->wfd, rest ? 0 : WORKER_READ);
}

static void
on_starved(struct timer *t, int64_t now_us)
{
    (void)now_us;
    update_want(container_of(t, struct link, starved));
}

/* Frames to read into. False when the pool has none: reading rests for a moment. */
static bool
have_buffers(struct link *l, int64_t now_us)
{
    struct frame_pool *pool = worker_pool(l->worker);

    if (!l->small_frame)
        l->small_frame = frame_new(pool, FRAME_SMALL);
    if (!l->large_frame)
        l->large_frame = frame_new(pool, FRAME_LARGE);
    if (l->small_frame && l->large_frame)
        return true;
    timer_arm(worker_timers(l->worker), &l->starved, now_us + STARVED_US);
    update_want(l);
    return false;
}

static void
set_marks(struct frame *f, const struct pf_offload *off)
{
    f->gso_type = (uint8_t)(off->gso_type & ~GSO_ECN);
    f->flags = (uint8_t)(off->flags & (FRAME_NEEDS_CSUM | FRAME_CSUM_OK));
    if (off->gso_type & GSO_ECN)
        f->flags |= FRAME_ECN;
    f->gso_size = off->gso_size;
    f->csum_start = off->csum_start;
    f->csum_offset = off->csum_offset;
}

/* Reads one packet. *out NULL: it was none, go on. False: stop for now. */
static bool
read_one(struct link *l, struct frame **out)
{
    struct frame *small_frame = l->small_frame, *large_frame = l->large_frame;
    struct pf_slice iov[2] = {{small_frame->data, FRAME_SMALL},
                              {large_frame->data + FRAME_SMALL, LARGE_REST}};
    struct pf_offload off;
    long n = pf_vnic_recv(l->vnic, iov, 2, &off);

    *out = NULL;
    if (n < 0)
        return false;
    if (n < ETH_LEAST)
        return true;
    if (n <= FRAME_SMALL) {
        *out = small_frame;
        l->small_frame = NULL;
    } else {
        memcpy(large_frame->data, small_frame->data, FRAME_SMALL);
        *out = large_frame;
        l->large_frame = NULL;
    }
    (void)frame_put(*out, (size_t)n); /* room was asked for by frame_new() */
    set_marks(*out, &off);
    return true;
}

/* False when there is nothing more to read now. */
static bool
read_batch(struct link *l, struct batch *b, size_t *bytes, int64_t now_us)
{
    struct frame *f;

    b->n = 0;
    while (!batch_is_full(b) && *bytes < TURN_BYTES) {
        if (!have_buffers(l, now_us) || !read_one(l, &f))
            return false;
        if (!f)
            continue;
        *bytes += f->len;
        batch_add(b, f);
    }
    return *bytes < TURN_BYTES;
}

static void
send_batch(struct link *l, struct batch *b, int64_t now_us)
{
    l->from_adapter += b->n;
    if (!l->is_open) {
        l->dropped += b->n;
        batch_free_frames(b);
        return;
    }
    if (b->n > 0 && !sevpn_client_send(l->client, b, now_us)) {
        l->is_blocked = true;
        update_want(l);
    }
}

void
link_send_one(struct link *l, struct frame *f, int64_t now_us)
{
    struct batch b = {.n = 1, .frame = {f}};

    send_batch(l, &b, now_us);
}

static void
unwatch(struct link *l)
{
    if (l->is_watched)
        worker_fd_remove(l->worker, &l->wfd);
    l->is_watched = false;
}

static void
on_adapter_ready(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct link *l = container_of(wfd, struct link, wfd);
    struct batch b;
    size_t bytes = 0;
    bool more = true;

    if (events & WORKER_HANGUP) {
        struct link_event e = {.kind = LINK_BROKEN, .message = "the adapter has been removed"};
        unwatch(l);
        link_ear_post(l->ear, l->session, &e);
        return;
    }
    for (unsigned i = 0; i < TURN_BATCHES && more && !(l->is_open && l->is_blocked); i++) {
        more = read_batch(l, &b, &bytes, now_us);
        send_batch(l, &b, now_us);
    }
}

/* ---- into the adapter ---- */

static void
put(struct link *l, const struct pf_slice *iov, unsigned n, const struct pf_offload *off,
    unsigned frames)
{
    if (pf_vnic_send(l->vnic, iov, n, off))
        l->to_adapter += frames;
    else
        l->dropped += frames; /* the adapter is down, or the marks made no sense to the kernel */
}

static void
put_batch(struct link *l, const struct batch *b)
{
    struct coalesce_plan plan;
    struct pf_slice iov[COALESCE_IOV_MAX];
    struct pf_offload off;

    coalesce_plan(&plan, b);
    for (unsigned i = 0; i < plan.n; i++) {
        unsigned n = coalesce_iov(&plan, b, i, iov, &off);
        put(l, iov, n, &off, plan.group[i].n);
    }
}

/* For an adapter that knows no marks: the session does not send any then. */
static void
put_one_by_one(struct link *l, const struct batch *b)
{
    static const struct pf_offload none;

    for (unsigned i = 0; i < b->n; i++) {
        struct pf_slice whole = {b->frame[i]->data, b->frame[i]->len};
        put(l, &whole, 1, &none, 1);
    }
}

/* Takes out what is not for the adapter, and looks at what else is of interest. */
static void
inspect(struct link *l, struct batch *b, int64_t now_us)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < b->n; i++) {
        struct frame *f = b->frame[i];
        if (f->len < ETH_LEAST || link_dhcp_take(l->dhcp, f, now_us)) {
            frame_free(f);
            continue;
        }
        if (link_router_watch(&l->router, f, now_us)) {
            struct link_event e = {.kind = LINK_ROUTER6, .router6 = l->router.ip};
            link_ear_post(l->ear, l->session, &e);
        }
        b->frame[kept++] = f;
    }
    b->n = kept;
}

static void
on_receive(void *owner, struct batch *b, int64_t now_us)
{
    struct link *l = owner;

    inspect(l, b, now_us);
    if (b->n > 0 && l->has_offload)
        put_batch(l, b);
    else
        put_one_by_one(l, b);
    batch_free_frames(b);
}

/* ---- sessions ---- */

static void
on_writable(void *owner, int64_t now_us)
{
    struct link *l = owner;
    (void)now_us;

    l->is_blocked = false;
    update_want(l);
}

static void
on_established(void *owner, const struct sevpn_client_info *info, int64_t now_us)
{
    struct link *l = owner;
    struct link_session s = {
        .session_name = (char *)(uintptr_t)info->session_name,
        .connection_name = (char *)(uintptr_t)info->connection_name,
        .server_product = (char *)(uintptr_t)info->server_product,
        .cipher = (char *)(uintptr_t)info->cipher,
        .message = (char *)(uintptr_t)info->message,
        .server = info->server,
        .max_connections = info->max_connections,
        .half_duplex = info->half_duplex,
        .compress = info->compress,
        .super_frames = info->super_frames,
    };
    struct link_event e = {.kind = LINK_ESTABLISHED, .session = &s};

    l->is_open = true;
    l->is_blocked = false;
    update_want(l);
    link_ear_post(l->ear, l->session, &e);
    if (l->wants_dhcp)
        link_dhcp_start(l->dhcp, now_us);
}

static void
close_session(struct link *l)
{
    g_clear_pointer(&l->client, sevpn_client_free);
    l->is_open = false;
    l->is_blocked = false;
    l->router = (struct link_router){0};
    update_want(l);
}

static void
on_ended(void *owner, int code, const char *message, const uint8_t *fingerprint, int64_t now_us)
{
    struct link *l = owner;
    struct link_event e = {
        .kind = LINK_ENDED, .code = code, .message = message, .fingerprint = fingerprint};
    (void)now_us;

    link_ear_post(l->ear, l->session, &e);
    close_session(l);
}

static const struct sevpn_client_ops client_ops = {.established = on_established,
                                                   .receive = on_receive,
                                                   .writable = on_writable,
                                                   .ended = on_ended};

/* ---- calls from the control thread ---- */

struct order {
    struct link *link;
    struct sevpn_client_config config;
    bool dhcp, ok;
    unsigned session;
    struct link_stats *stats;
};

static void
do_start(void *data)
{
    struct order *o = data;
    struct link *l = o->link;

    l->dhcp = link_dhcp_new(l);
    timer_init(&l->starved, on_starved);
    l->wfd = (struct worker_fd){
        .fd = pf_vnic_fd(l->vnic), .want = WORKER_READ, .ready = on_adapter_ready};
    o->ok = l->is_watched = worker_fd_add(l->worker, &l->wfd);
}

static void
do_stop(void *data)
{
    struct link *l = data;

    close_session(l);
    unwatch(l);
    timer_cancel(worker_timers(l->worker), &l->starved);
    link_dhcp_free(l->dhcp);
    if (l->small_frame)
        frame_free(l->small_frame);
    if (l->large_frame)
        frame_free(l->large_frame);
}

static void
do_connect(void *data)
{
    struct order *o = data;
    struct link *l = o->link;

    close_session(l);
    l->session = o->session;
    l->wants_dhcp = o->dhcp;
    l->client = sevpn_client_new(l->worker, &o->config, &client_ops, l);
    sevpn_client_config_clear(&o->config);
    g_free(o);
}

static void
do_release(void *data)
{
    struct link *l = data;

    link_dhcp_release(l->dhcp, worker_now_us(l->worker));
}

static void
do_disconnect(void *data)
{
    close_session(data);
}

static void
do_stats(void *data)
{
    struct order *o = data;
    const struct link *l = o->link;

    *o->stats = (struct link_stats){
        .from_adapter = l->from_adapter, .to_adapter = l->to_adapter, .dropped = l->dropped};
    if (l->client)
        sevpn_client_get_stats(l->client, &o->stats->session);
}

struct link *
link_new(struct worker *w, struct pf_vnic *v, link_told *told, void *owner)
{
    struct link *l = g_new0(struct link, 1);
    struct order o = {.link = l};

    l->worker = w;
    l->vnic = v;
    l->has_offload = pf_vnic_has_offload(v);
    l->ear = link_ear_new(told, owner);
    worker_call_sync(w, do_start, &o);
    if (o.ok)
        return l;
    link_free(l);
    return NULL;
}

void
link_free(struct link *l)
{
    if (!l)
        return;
    worker_call_sync(l->worker, do_stop, l);
    link_ear_close(l->ear);
    link_ear_unref(l->ear);
    pf_vnic_close(l->vnic);
    g_free(l);
}

void
link_connect(struct link *l, const struct sevpn_client_config *config, bool dhcp)
{
    struct order *o = g_new0(struct order, 1);

    o->link = l;
    o->dhcp = dhcp;
    o->session = ++l->sessions;
    sevpn_client_config_copy(&o->config, config);
    o->config.super_frames = config->super_frames && l->has_offload;
    link_ear_expect(l->ear, o->session);
    worker_call(l->worker, do_connect, o);
}

void
link_release(struct link *l)
{
    worker_call_sync(l->worker, do_release, l);
}

void
link_disconnect(struct link *l)
{
    link_ear_expect(l->ear, ++l->sessions);
    worker_call(l->worker, do_disconnect, l);
}

const struct pf_vnic *
link_vnic(const struct link *l)
{
    return l->vnic;
}

void
link_get_stats(struct link *l, struct link_stats *out)
{
    struct order o = {.link = l, .stats = out};
    worker_call_sync(l->worker, do_stats, &o);
}
