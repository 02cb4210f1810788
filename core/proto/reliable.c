/* SPDX-License-Identifier: Apache-2.0 */
/* reliable.c - Ns, Nr, windows and sending again.
 *
 * Goes back to the oldest unacknowledged message when its time is over, since some peers throw away
 * what comes out of order; we ourselves keep it.
 */
#include "core/proto/reliable.h"

#include "core/net/wire.h"

#include <glib.h>

struct reliable_message {
    size_t len;
    uint8_t bytes[];
};

static struct reliable_message *
message_new(const void *bytes, size_t len)
{
    struct reliable_message *m = g_malloc(sizeof(*m) + len);

    m->len = len;
    memcpy(m->bytes, bytes, len);
    return m;
}

static inline uint16_t
between(uint16_t from, uint16_t to)
{
    return (uint16_t)(to - from);
}

void
reliable_init(struct reliable *r)
{
    *r = (struct reliable){
        .window = RELIABLE_WINDOW_DEFAULT, .opening = 1, .wait_us = RELIABLE_RESEND_US};
}

void
reliable_clear(struct reliable *r)
{
    for (unsigned i = 0; i < RELIABLE_QUEUE; i++)
        g_free(r->out[i]);
    for (unsigned i = 0; i < RELIABLE_WINDOW; i++)
        g_free(r->in[i]);
    g_free(r->delivered);
    reliable_init(r);
}

void
reliable_set_window(struct reliable *r, unsigned window)
{
    r->window = CLAMP(window, 1, RELIABLE_WINDOW_MAX);
}

/* ---- in ---- */

/* What the peer says it has. */
static void
take_nr(struct reliable *r, uint16_t nr, int64_t now_us)
{
    uint16_t news = between(r->acked_ns, nr);

    if (news == 0 || news > between(r->acked_ns, r->high_ns))
        return;
    for (; r->acked_ns != nr; r->acked_ns++) {
        g_free(g_steal_pointer(&r->out[r->acked_ns % RELIABLE_QUEUE]));
        r->opening = MIN(r->opening + 1, RELIABLE_WINDOW_MAX);
    }
    if (between(r->acked_ns, r->sent_ns) > RELIABLE_QUEUE) /* it has what was to be sent again */
        r->sent_ns = r->acked_ns;
    r->tries = 0;
    r->dead = false;
    r->wait_us = RELIABLE_RESEND_US;
    r->resend_us = r->sent_ns != r->acked_ns ? now_us + r->wait_us : 0;
}

bool
reliable_received(struct reliable *r, struct reader packet, bool is_ack, int64_t now_us)
{
    const uint8_t *bytes = packet.at;
    size_t len = packet.left;

    (void)reader_take(&packet, RELIABLE_AT_NS);
    uint16_t ns = reader_u16(&packet);
    uint16_t nr = reader_u16(&packet);
    if (!reader_ok(&packet))
        return false;
    take_nr(r, nr, now_us);
    if (is_ack)
        return true;
    uint16_t ahead = between(r->nr, ns);
    if (ahead >= 0x8000) { /* once more: ours was lost */
        reliable_ack_now(r, now_us);
        return true;
    }
    if (ahead >= RELIABLE_WINDOW || len > RELIABLE_MESSAGE_MAX)
        return false;
    struct reliable_message **at = &r->in[ns % RELIABLE_WINDOW];
    if (!*at)
        *at = message_new(bytes, len);
    if (r->ack_us == 0)
        r->ack_us = now_us + RELIABLE_ACK_US;
    if (ahead > 0)
        reliable_ack_now(r, now_us);
    return true;
}

bool
reliable_next(struct reliable *r, struct reader *out)
{
    struct reliable_message **at = &r->in[r->nr % RELIABLE_WINDOW];

    g_free(g_steal_pointer(&r->delivered));
    if (!*at)
        return false;
    r->delivered = g_steal_pointer(at);
    r->nr++;
    *out = reader_of(r->delivered->bytes, r->delivered->len);
    return true;
}

void
reliable_ack_now(struct reliable *r, int64_t now_us)
{
    r->ack_us = now_us;
}

/* ---- out ---- */

bool
reliable_send(struct reliable *r, const void *message, size_t len)
{
    if (len < RELIABLE_HEADER || len > RELIABLE_MESSAGE_MAX ||
        between(r->acked_ns, r->ns) >= RELIABLE_QUEUE)
        return false;
    struct reliable_message *m = message_new(message, len);
    wire_put16(m->bytes + RELIABLE_AT_NS, r->ns);
    r->out[r->ns % RELIABLE_QUEUE] = m;
    r->ns++;
    return true;
}

/* The peer has been silent for too long. */
static void
go_back(struct reliable *r)
{
    r->resend_us = 0;
    if (++r->tries >= RELIABLE_TRIES) {
        r->dead = true;
        return;
    }
    r->sent_ns = r->acked_ns;
    r->opening = 1;
    r->wait_us = MIN(2 * r->wait_us, RELIABLE_RESEND_MAX_US);
}

enum reliable_pull
reliable_pull(struct reliable *r, int64_t now_us, struct reader *out, uint16_t *ns, uint16_t *nr)
{
    if (r->resend_us > 0 && now_us >= r->resend_us)
        go_back(r);
    *ns = r->high_ns;
    *nr = r->nr;
    if (!r->dead && r->sent_ns != r->ns &&
        between(r->acked_ns, r->sent_ns) < MIN(r->window, r->opening)) {
        struct reliable_message *m = r->out[r->sent_ns % RELIABLE_QUEUE];
        wire_put16(m->bytes + RELIABLE_AT_NR, r->nr);
        *out = reader_of(m->bytes, m->len);
        r->sent_ns++;
        if (between(r->acked_ns, r->sent_ns) > between(r->acked_ns, r->high_ns))
            r->high_ns = r->sent_ns;
        if (r->resend_us == 0)
            r->resend_us = now_us + r->wait_us;
        r->ack_us = 0;
        return RELIABLE_MESSAGE;
    }
    if (r->ack_us > 0 && now_us >= r->ack_us) {
        r->ack_us = 0;
        return RELIABLE_ACK;
    }
    return RELIABLE_NOTHING;
}

int64_t
reliable_deadline(const struct reliable *r)
{
    if (r->resend_us > 0 && r->ack_us > 0)
        return MIN(r->resend_us, r->ack_us);
    return MAX(r->resend_us, r->ack_us);
}

bool
reliable_is_dead(const struct reliable *r)
{
    return r->dead;
}

bool
reliable_is_quiet(const struct reliable *r)
{
    return r->ns == r->acked_ns;
}
