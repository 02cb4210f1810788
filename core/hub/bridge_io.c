/* SPDX-License-Identifier: Apache-2.0 */
/* bridge_io.c - see bridge_io.h.
 *
 * In: frames are read into large frames, because each may be a super-frame; the ordinary ones among
 * them, most of all, are copied to small frames, so that 1500 bytes in a queue do not hold 64 KiB,
 * and the same few large ones are read into again while they are warm.
 *
 * Out: TCP packets of a flow are joined to super-frames where the link takes them. What the link
 * does not take is segmented and completed here. UDP super-frames are always: few kernels take
 * them from a socket.
 */

#include "core/hub/bridge_io.h"

#include "core/net/coalesce.h"
#include "core/net/eth.h"
#include "core/net/segment.h"

#include <string.h>

enum { GSO_ECN = 0x80 };

void
bridge_io_done(struct bridge_io *io)
{
    for (unsigned i = 0; i < ARRAY_LEN(io->rx); i++) {
        if (io->rx[i])
            frame_free(io->rx[i]);
        io->rx[i] = NULL;
    }
    for (; io->n_wait > 0; io->n_wait--) {
        frame_free(io->wait[io->wait_first]);
        io->wait_first = (io->wait_first + 1) % BRIDGE_WAIT_FRAMES;
    }
    bridge_link_close(&io->link);
}

/* ---- in ---- */

/* How many frames there are to read into, from the first one on. */
static unsigned
fill_rx(struct bridge_io *io, struct frame_pool *pool, struct pf_slice buf[BRIDGE_RX])
{
    unsigned n = 0;
    while (n < BRIDGE_RX) {
        if (!io->rx[n])
            io->rx[n] = frame_new(pool, FRAME_LARGE);
        if (!io->rx[n])
            break;
        buf[n] = (struct pf_slice){.at = io->rx[n]->data, .len = frame_tailroom(io->rx[n])};
        n++;
    }
    return n;
}

static void
set_marks(struct frame *f, const struct pf_offload *off)
{
    f->gso_type = off->gso_type & (uint8_t)~GSO_ECN;
    f->flags = off->flags & (FRAME_NEEDS_CSUM | FRAME_CSUM_OK);
    if (off->gso_type & GSO_ECN)
        f->flags |= FRAME_ECN;
    f->gso_size = off->gso_size;
    f->csum_start = off->csum_start;
    f->csum_offset = off->csum_offset;
}

/* The frame that was read into rx[i], as one of its own; NULL if there is no buffer. */
static struct frame *
take_rx(struct bridge_io *io, unsigned i, struct frame_pool *pool, const struct pf_slice *got,
        const struct pf_offload *off)
{
    struct frame *f = io->rx[i];
    if (got->len <= FRAME_SMALL) {
        f = frame_new(pool, got->len);
        uint8_t *room = f ? frame_put(f, got->len) : NULL;
        if (!room)
            return NULL;
        memcpy(room, got->at, got->len);
    } else {
        io->rx[i] = NULL;
        size_t moved = (size_t)(f->data - (uint8_t *)got->at); /* a tag was put back before it */
        (void)frame_push(f, moved);
        (void)frame_put(f, got->len - f->len);
    }
    set_marks(f, off);
    return f;
}

enum bridge_io_verdict
bridge_io_receive(struct bridge_io *io, struct frame_pool *pool, struct batch *out)
{
    struct pf_slice buf[BRIDGE_RX];
    struct pf_offload off[BRIDGE_RX];
    unsigned n = fill_rx(io, pool, buf);
    if (n == 0) {
        io->dropped[DROP_NO_BUFFER]++;
        return BRIDGE_IO_EMPTY; /* the next turn may have one */
    }
    int got = io->link.ops->receive(io->link.handle, buf, off, n);
    if (got < 0)
        return BRIDGE_IO_LOST;
    for (unsigned i = 0; i < (unsigned)got; i++) {
        if (buf[i].len == 0)
            continue;
        struct frame *f = take_rx(io, i, pool, &buf[i], &off[i]);
        if (f)
            batch_add(out, f);
        else
            io->dropped[DROP_NO_BUFFER]++;
    }
    return got > 0 ? BRIDGE_IO_OK : BRIDGE_IO_EMPTY;
}

/* ---- out ---- */

static void
drop(struct bridge_io *io, struct frame *f, enum drop why)
{
    io->dropped[why]++;
    frame_free(f);
}

static void
drop_all(struct bridge_io *io, struct batch *b, enum drop why)
{
    io->dropped[why] += b->n;
    batch_free_frames(b);
}

static void
wait_all(struct bridge_io *io, struct batch *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        if (io->n_wait == BRIDGE_WAIT_FRAMES) {
            drop(io, b->frame[i], DROP_QUEUE_FULL);
            continue;
        }
        io->wait[(io->wait_first + io->n_wait++) % BRIDGE_WAIT_FRAMES] = b->frame[i];
    }
    b->n = 0;
}

/* Hands n packets to the link. How many it took; what it refused is counted. -1: it is gone. */
static int
hand_over(struct bridge_io *io, const struct pf_packet *packet, unsigned n)
{
    unsigned refused = 0;
    int taken = io->link.ops->send(io->link.handle, packet, n, &refused);
    io->dropped[DROP_IO] += refused;
    return taken < 0 ? -1 : taken;
}

/* Frees the frames of the first taken groups and closes up the rest. */
static void
keep_rest(struct batch *b, const struct coalesce_plan *plan, unsigned taken)
{
    for (unsigned g = 0; g < taken; g++) {
        unsigned at = plan->group[g].first;
        for (unsigned k = plan->group[g].n; k > 0; k--) {
            unsigned next = plan->next[at];
            frame_free(b->frame[at]);
            b->frame[at] = NULL;
            at = next;
        }
    }
    unsigned kept = 0;
    for (unsigned i = 0; i < b->n; i++)
        if (b->frame[i])
            b->frame[kept++] = b->frame[i];
    b->n = kept;
}

/* What the link does not take stays in the batch. */
static enum bridge_io_verdict
transmit_joined(struct bridge_io *io, struct batch *b)
{
    struct coalesce_plan plan;
    struct pf_packet packet[BATCH_MAX];
    struct pf_slice iov[BATCH_MAX + BATCH_MAX + COALESCE_IOV_MAX];
    unsigned used = 0;

    coalesce_plan(&plan, b);
    for (unsigned g = 0; g < plan.n; g++) {
        packet[g].iov = &iov[used];
        packet[g].n_iov = coalesce_iov(&plan, b, g, &iov[used], &packet[g].off);
        used += packet[g].n_iov; /* at most a header for each group, a piece for each frame */
    }
    int taken = hand_over(io, packet, plan.n);
    if (taken < 0)
        return BRIDGE_IO_LOST;
    keep_rest(b, &plan, (unsigned)taken);
    return BRIDGE_IO_OK;
}

static enum bridge_io_verdict
transmit_plain(struct bridge_io *io, struct batch *b)
{
    struct pf_packet packet[BATCH_MAX];
    struct pf_slice iov[BATCH_MAX];
    for (unsigned i = 0; i < b->n; i++) {
        iov[i] = (struct pf_slice){.at = b->frame[i]->data, .len = b->frame[i]->len};
        packet[i] = (struct pf_packet){.iov = &iov[i], .n_iov = 1};
    }
    int taken = hand_over(io, packet, b->n);
    if (taken < 0)
        return BRIDGE_IO_LOST;
    for (unsigned i = 0; i < (unsigned)taken; i++)
        frame_free(b->frame[i]);
    b->n -= (unsigned)taken;
    memmove(b->frame, b->frame + taken, b->n * sizeof(b->frame[0]));
    return BRIDGE_IO_OK;
}

/* Sends frames that the link can take as they are, behind those that wait. Consumes the batch. */
static enum bridge_io_verdict
transmit_or_wait(struct bridge_io *io, struct batch *b)
{
    enum bridge_io_verdict verdict = BRIDGE_IO_OK;
    if (!bridge_io_waits(io) && b->n > 0)
        verdict = io->link.offload ? transmit_joined(io, b) : transmit_plain(io, b);
    if (verdict == BRIDGE_IO_LOST)
        drop_all(io, b, DROP_IO);
    wait_all(io, b);
    return verdict;
}

static bool
is_for_link(const struct bridge_io *io, const struct frame *f)
{
    return io->link.offload ? f->gso_type != FRAME_GSO_UDP : !segment_needs(f);
}

/* Sends the segments of a frame behind what is in ready. Consumes the frame. */
static enum bridge_io_verdict
send_segments(struct bridge_io *io, struct frame_pool *pool, struct frame *f, struct batch *ready)
{
    enum bridge_io_verdict verdict = BRIDGE_IO_OK;
    struct segment_iter it;
    unsigned lost = 0;
    enum drop why = segment_begin(&it, f);
    if (why != DROP_NONE) {
        drop(io, f, why);
        return BRIDGE_IO_OK;
    }
    while (!segment_to_batch(&it, pool, ready, &lost) && verdict == BRIDGE_IO_OK)
        verdict = transmit_or_wait(io, ready);
    io->dropped[DROP_NO_BUFFER] += lost;
    frame_free(f);
    return verdict;
}

/* At least one frame is not for the link as it is. Consumes the batch. */
static enum bridge_io_verdict
send_converted(struct bridge_io *io, struct frame_pool *pool, struct batch *b)
{
    enum bridge_io_verdict verdict = BRIDGE_IO_OK;
    struct batch ready = {.n = 0};
    for (unsigned i = 0; i < b->n; i++) {
        struct frame *f = b->frame[i];
        if (verdict == BRIDGE_IO_OK && batch_is_full(&ready))
            verdict = transmit_or_wait(io, &ready);
        if (verdict != BRIDGE_IO_OK)
            drop(io, f, DROP_IO);
        else if (is_for_link(io, f))
            batch_add(&ready, f);
        else
            verdict = send_segments(io, pool, f, &ready);
    }
    b->n = 0;
    if (verdict == BRIDGE_IO_OK)
        return transmit_or_wait(io, &ready);
    drop_all(io, &ready, DROP_IO);
    return verdict;
}

enum bridge_io_verdict
bridge_io_send(struct bridge_io *io, struct frame_pool *pool, struct batch *b)
{
    for (unsigned i = 0; i < b->n; i++)
        if (!is_for_link(io, b->frame[i]))
            return send_converted(io, pool, b);
    return transmit_or_wait(io, b);
}

enum bridge_io_verdict
bridge_io_flush(struct bridge_io *io)
{
    while (bridge_io_waits(io)) {
        struct batch b = {.n = 0};
        unsigned n = MIN(io->n_wait, BATCH_MAX);
        for (unsigned i = 0; i < n; i++)
            batch_add(&b, io->wait[(io->wait_first + i) % BRIDGE_WAIT_FRAMES]);
        enum bridge_io_verdict verdict =
            io->link.offload ? transmit_joined(io, &b) : transmit_plain(io, &b);
        unsigned left = b.n; /* go back to their places: the last ones of those taken out */
        for (unsigned i = 0; i < left; i++)
            io->wait[(io->wait_first + n - left + i) % BRIDGE_WAIT_FRAMES] = b.frame[i];
        io->wait_first = (io->wait_first + n - left) % BRIDGE_WAIT_FRAMES;
        io->n_wait -= n - left;
        if (verdict != BRIDGE_IO_OK || left > 0)
            return verdict;
    }
    return BRIDGE_IO_OK;
}
